"""One's own profile and resume, and what an admin sees and changes of other people."""

from collections.abc import AsyncGenerator, Sequence
from typing import Literal
from urllib.parse import quote
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from chatserver.allowances import Allowances
from chatserver.core.access import User
from chatserver.core.errors import Refused
from chatserver.erasure import Erasure
from chatserver.resumes import Resumes
from chatserver.users import Users
from chatserver.web.rest import body_of, encoded, id_of, json_of, signed_in

FILE_MAX_BYTES = 5 * 1024 * 1024
MULTIPART_MAX_BYTES = FILE_MAX_BYTES + 64 * 1024
"""A file and what a form puts around it; the reader of files holds the file to its own bound exactly."""
TEXT_MAX_BYTES = 1024 * 1024
FIELDS_MAX = 5


class Profile(msgspec.Struct):
    """A row of `users`, as REST shows it."""

    id: UUID
    email: str
    role: str
    full_name: str | None
    deactivated: bool


class ProfileChanges(msgspec.Struct, forbid_unknown_fields=True):
    full_name: str | UnsetType | None = UNSET


class UserChanges(msgspec.Struct, forbid_unknown_fields=True):
    role: Literal["seeker", "provider", "admin"] | None = None
    deactivated: bool | None = None


class ResumeText(msgspec.Struct, forbid_unknown_fields=True):
    text: str


def profile(user: User) -> Profile:
    return Profile(user.id, user.email, user.role, user.full_name, user.deactivated)


class PeopleRoutes:
    def __init__(self, users: Users, resumes: Resumes, erasure: Erasure, allowances: Allowances) -> None:
        self._users = users
        self._erasure = erasure
        self._resumes = resumes
        self._allowances = allowances

    def routes(self) -> Sequence[BaseRoute]:
        users = self._users
        return [
            Route("/api/me", signed_in(users, self.me), methods=["GET"]),
            Route("/api/me", signed_in(users, self.rename), methods=["PATCH"]),
            Route("/api/me", signed_in(users, self.erase), methods=["DELETE"]),
            Route("/api/me/export", signed_in(users, self.export), methods=["GET"]),
            Route("/api/me/resume", signed_in(users, self.put_resume, "seeker"), methods=["PUT"]),
            Route("/api/me/resume", signed_in(users, self.resume, "seeker"), methods=["GET"]),
            Route("/api/me/resume", signed_in(users, self.delete_resume, "seeker"), methods=["DELETE"]),
            Route("/api/me/resume/file", signed_in(users, self.resume_file, "seeker"), methods=["GET"]),
            Route("/api/users/{id}", signed_in(users, self.user, "admin"), methods=["GET"]),
            Route("/api/users/{id}", signed_in(users, self.change_user, "admin"), methods=["PATCH"]),
            Route("/api/users/{id}/resume", signed_in(users, self.user_resume, "admin"), methods=["GET"]),
            Route("/api/users/{id}/resume/file", signed_in(users, self.user_resume_file, "admin"), methods=["GET"]),
        ]

    async def me(self, request: Request, user: User) -> Response:
        return encoded(profile(user))

    async def rename(self, request: Request, user: User) -> Response:
        changes = await json_of(request, ProfileChanges)
        if changes.full_name is UNSET:
            raise Refused("bad_content", "Nothing to change was named; send `full_name`.")
        return encoded(profile(await self._users.rename(user, changes.full_name)))

    async def erase(self, request: Request, user: User) -> Response:
        """For good; the receipt says what was erased and what remains elsewhere."""
        return encoded(await self._erasure.erase(user))

    async def export(self, request: Request, user: User) -> Response:
        await self._allowances.spend(user.id, "lookups")
        return StreamingResponse(
            self._erasure.export(user), media_type="application/json",
            headers={"Content-Disposition": 'attachment; filename="ottobon-jobs-export.json"'},
        )  # fmt: skip

    async def put_resume(self, request: Request, user: User) -> Response:
        await self._allowances.spend(user.id, "uploads")
        if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            name, content = await _file_of(request)
            read = await self._resumes.read(user, file=content, file_name=name)
        else:
            sent = await json_of(request, ResumeText, TEXT_MAX_BYTES)
            read = await self._resumes.read(user, text=sent.text)
        return encoded(read)

    async def resume(self, request: Request, user: User) -> Response:
        return await self._shown(user.id)

    async def _shown(self, id: UUID) -> Response:
        found = await self._resumes.get(id)
        if found is None:
            raise Refused("not_found", "There is no resume yet; upload one.")
        return encoded(found)

    async def delete_resume(self, request: Request, user: User) -> Response:
        await self._resumes.delete(user)
        return Response(status_code=204)

    async def user(self, request: Request, user: User) -> Response:
        return encoded(profile(await self._users.look(user, id_of(request), "user_read")))

    async def change_user(self, request: Request, user: User) -> Response:
        changes = await json_of(request, UserChanges)
        if changes.role is None and changes.deactivated is None:
            raise Refused("bad_content", "Nothing to change was named; send `role`, `deactivated` or both.")
        changed = await self._users.change(user, id_of(request), role=changes.role, deactivated=changes.deactivated)
        return encoded(profile(changed))

    async def user_resume(self, request: Request, user: User) -> Response:
        return await self._shown((await self._users.look(user, id_of(request), "resume_read")).id)

    async def resume_file(self, request: Request, user: User) -> Response:
        return await self._sent(user.id)

    async def user_resume_file(self, request: Request, user: User) -> Response:
        return await self._sent((await self._users.look(user, id_of(request), "resume_read")).id)

    async def _sent(self, id: UUID) -> Response:
        """The file as it was uploaded. Whatever is in it, a browser saves it and runs nothing of it."""
        found = await self._resumes.file(id)
        if found is None:
            raise Refused("not_found", "There is no file; the resume was pasted, or there is none.")
        name, data = found
        plain = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in name)
        return Response(data, media_type=_type_of(data), headers={
            "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
            "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        })  # fmt: skip


_TYPES = (
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
)


def _type_of(data: bytes) -> str:
    """By content; what is neither is never shown as text or as a page."""
    return next((type for mark, type in _TYPES if data.startswith(mark)), "application/octet-stream")


async def _file_of(request: Request) -> tuple[str, bytes]:
    """The one file of the form, under the field `file`, and the sender's name for it."""
    raw = await body_of(request, MULTIPART_MAX_BYTES, "upload")

    async def once() -> AsyncGenerator[bytes, None]:
        yield raw

    try:
        form = await MultiPartParser(request.headers, once(), max_files=1, max_fields=FIELDS_MAX).parse()
    except (MultiPartException, KeyError, ValueError):
        raise Refused("bad_content", "The upload was not understood; send one file in the field `file`.") from None
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Refused("bad_content", "There is no file in the upload; send it in the field `file`.")
        content = await file.read()
    finally:
        await form.close()
    return file.filename or "resume", content
