"""Which assistant writes: the model as long as the budget holds, else the one without; and what it cost."""

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from chatserver.core.ports import AnswerRequest, Assistant


class Reservation(Protocol):
    async def settle(self, usd: float) -> None: ...


class Budget(Protocol):
    async def reserve(self, seeker: UUID, usd: float) -> Reservation | None:
        """Sets the most that an answer can cost aside, or None at the limit. Raises `Unavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """The assistant of one piece of writing, and what was set aside for it."""

    assistant: Assistant
    reservation: Reservation | None
    is_over_budget: bool = False

    async def settle(self, request: AnswerRequest) -> dict[str, Any] | None:
        """Counts what the request has cost so far; what was used, None where nothing was to be paid.

        Raises `Unavailable`; the reservation then stands: money is rather counted too high than not at all.
        """
        if self.reservation is None:
            return None
        usage, usd = request.usage, self.assistant.cost_usd(request.usage)
        await self.reservation.settle(usd)
        return {
            "input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens,
            "cache_read_tokens": usage.cache_read_tokens, "cache_write_tokens": usage.cache_write_tokens,
            "usd": round(usd, 6), "model": self.assistant.model,
        }  # fmt: skip


class Assistants:
    def __init__(self, assistant: Assistant, offline: Assistant, budget: Budget) -> None:
        self.assistant = assistant
        self._offline = offline
        self._budget = budget

    async def choose(self, seeker: UUID | None, request: AnswerRequest) -> Chosen:
        """Raises `Unavailable`."""
        if self.assistant.kind == "offline" or seeker is None:
            return Chosen(self._offline, None)
        reservation = await self._budget.reserve(seeker, self.assistant.ceiling_usd(request))
        return Chosen(self.assistant, reservation) if reservation else Chosen(self._offline, None, is_over_budget=True)


def author_of(assistant: Assistant) -> dict[str, Any]:
    """Who speaks, as every message says it: nobody takes a machine for a person, nor a composer for a model."""
    if assistant.kind == "offline":
        return {"name": "Offline assistant", "kind": "offline"}
    return {"name": "Assistant", "kind": assistant.kind, "model": assistant.model}
