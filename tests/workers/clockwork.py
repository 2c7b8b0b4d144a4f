"""Time that passes only when somebody sleeps, and Redis' own."""

from datetime import UTC, datetime, timedelta

from chatserver.adapters.wire import client

BEGAN = datetime(2026, 9, 16, tzinfo=UTC)


class Clockwork:
    """Called, it tells seconds; `slept` lists what was waited for."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.passed

    def now(self) -> datetime:
        return BEGAN + timedelta(seconds=self.passed)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds


async def redis_seconds(url: str) -> float:
    connection = client(url)
    seconds, micros = await connection.time()
    await connection.aclose()
    return float(seconds + micros / 1_000_000)
