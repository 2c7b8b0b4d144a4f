"""Conversations over REST: lists, pages, transcripts, and the commands of an admin."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from chatserver.conversations import Conversations
from chatserver.core.access import User
from chatserver.core.errors import Refused
from chatserver.reading import PAGE_MAX, Reading
from chatserver.users import Users
from chatserver.web.rest import encoded, id_of, limit_of, number_of, page, signed_in, text_of, uuid_of

STATUSES = ("active_ai", "active_human", "closed")
MESSAGES = 50
TRANSCRIPT_MAX_EVENTS = 20_000


DISCLOSED = "What is marked as an AI model's or the offline assistant's was written by a program, not by a person."
NATURES = {"anthropic": "AI model", "offline": "program without an AI model"}


class Transcript(msgspec.Struct):
    session: dict[str, Any]
    events: list[dict[str, Any]]
    complete: bool
    """False where the conversation is longer than a transcript."""


class SessionRoutes:
    def __init__(self, users: Users, conversations: Conversations, reading: Reading) -> None:
        self._users = users
        self._conversations = conversations
        self._reading = reading

    def routes(self) -> Sequence[BaseRoute]:
        users = self._users
        return [
            Route("/api/sessions", signed_in(users, self.recent, "seeker", "admin"), methods=["GET"]),
            Route("/api/sessions/{id}", signed_in(users, self.one), methods=["GET"]),
            Route("/api/sessions/{id}/messages", signed_in(users, self.messages), methods=["GET"]),
            Route("/api/sessions/{id}/transcript.json", signed_in(users, self.transcript_json), methods=["GET"]),
            Route("/api/sessions/{id}/transcript.md", signed_in(users, self.transcript_md), methods=["GET"]),
            Route("/api/sessions/{id}/takeover", signed_in(users, self.take_over, "admin"), methods=["PUT"]),
            Route("/api/sessions/{id}/takeover", signed_in(users, self.hand_back, "admin"), methods=["DELETE"]),
            Route("/api/sessions/{id}/closed", signed_in(users, self.close, "admin"), methods=["PUT"]),
        ]

    async def recent(self, request: Request, user: User) -> Response:
        status = text_of(request, "status")
        if status is not None and status not in STATUSES:
            raise Refused("bad_content", f"`status` is one of {', '.join(STATUSES)}.")
        q = text_of(request, "q")
        if q is not None:
            await self._users.search_conversations(user)
        items, following = await self._reading.list(
            user, status=status, q=q, cursor=text_of(request, "cursor"), limit=limit_of(request),
            seeker=uuid_of(request, "user"),
        )  # fmt: skip
        return page(items, following)

    async def one(self, request: Request, user: User) -> Response:
        return encoded(await self._reading.summary(user, id_of(request)))

    async def messages(self, request: Request, user: User) -> Response:
        """Events as on the wire, oldest first; `next` goes into `after` if that was given, else into `before`.

        Places are counted with what this reader may not see, so a page may have few items, or none, and a next one.
        """
        session, limit = id_of(request), limit_of(request, MESSAGES, PAGE_MAX)
        after, before = number_of(request, "after"), number_of(request, "before", 1)
        row = await self._reading.row(user, session)
        await self._users.look_into(user, row.seeker, session)
        last = row.seq
        end = last if before is None else min(before - 1, last)
        start = max(0, end - limit) if after is None else after
        reached = min(end, start + limit)
        items = await self._reading.events(user, session, after=start, before=reached + 1, limit=limit)
        if after is None:
            return page(items, str(start + 1) if start > 0 else None)
        return page(items, str(reached) if reached < end else None)

    async def transcript_json(self, request: Request, user: User) -> Response:
        summary, events, complete = await self._whole(user, id_of(request))
        return encoded(Transcript(summary, events, complete))

    async def transcript_md(self, request: Request, user: User) -> Response:
        summary, events, complete = await self._whole(user, id_of(request))
        lines = [f"# Conversation of {_inline(summary['user']['name'])}", ""]
        if any(event.get("role") == "assistant" for event in events):
            lines += [DISCLOSED, ""]
        for event in events:
            if event["type"] == "status":
                lines += [f"*{event['timestamp']} — {event['status']}: {event['reason']}*", ""]
            else:
                author, role = event.get("author") or {}, event.get("role", "admin")
                who, kind = author.get("name") or role, _nature(author, role)
                note = "note, " if event["type"] == "note" else ""
                lines += [f"**{_inline(who)}** ({note}{kind}), {event['timestamp']}", "", _quoted(event["content"]), ""]
        if not complete:
            lines += [f"*The conversation goes on after these {TRANSCRIPT_MAX_EVENTS:,} events.*", ""]
        return Response("\n".join(lines), media_type="text/markdown; charset=utf-8", headers={
            "Content-Disposition": f'attachment; filename="conversation-{summary["id"]}.md"',
        })  # fmt: skip

    async def _whole(self, user: User, session: UUID) -> tuple[dict[str, Any], list[dict[str, Any]], bool]:
        """The summary, the events from the first on, and whether these are all."""
        row = await self._reading.row(user, session)
        await self._users.look_into(user, row.seeker, session)
        summary = await self._reading.summary(user, session)
        events: list[dict[str, Any]] = []
        seq = 0
        while seq < TRANSCRIPT_MAX_EVENTS:
            more, reached = await self._reading.page_after(user, session, seq)
            if reached == seq:
                return summary, events, True
            events += more
            seq = reached
        return summary, events, False

    async def take_over(self, request: Request, user: User) -> Response:
        await self._conversations.take_over(user, id_of(request))
        return await self.one(request, user)

    async def hand_back(self, request: Request, user: User) -> Response:
        await self._conversations.hand_back(user, id_of(request))
        return await self.one(request, user)

    async def close(self, request: Request, user: User) -> Response:
        await self._conversations.close(user, id_of(request))
        return await self.one(request, user)


def _inline(text: str) -> str:
    """A name on its line, whatever stands in it."""
    return re.sub(r"([\\*_`<>\[\]#&])", r"\\\1", " ".join(text.split()))


def _quoted(text: str) -> str:
    """What somebody said as a quotation: no line of it can be taken for the name of another speaker, nor for HTML.

    Brackets make no pictures, which a viewer would fetch, and no links with another face than their own.
    """
    plain = re.sub(r"([\\\[\]])", r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;").replace("](", "] ("))
    # Whatever a reader of Markdown may take for the end of a line.
    lines = plain.splitlines()
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _nature(author: dict[str, Any], role: str) -> str:
    kind = author.get("kind") or role
    # Messages of other writers name no author.
    nature = NATURES.get(kind, "program" if kind == "assistant" else kind)
    return f"{nature} {author['model']}" if author.get("model") else str(nature)
