"""Reading a resume: text, titles and skills, a vector, the file kept; all of it or nothing."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol, TypeVar
from uuid import UUID

import msgspec

from chatserver.consents import Consents
from chatserver.core.access import User
from chatserver.core.errors import Refused
from chatserver.core.gazetteer import Gazetteer
from chatserver.core.matching import blend
from chatserver.core.ports import Embedder, Embedders, Extracted, Repinned, StoredResume, Unavailable, Vector
from chatserver.core.redaction import clean, redact

log = logging.getLogger(__name__)

T = TypeVar("T")

TEXT_MAX_CHARACTERS = 200_000
TEXT_MIN_CHARACTERS = 40
SHOWN_MAX = 40
FILE_NAME_MAX_CHARACTERS = 150
READ_AGAIN_SECONDS = 5.0
"""Most files are read in one; the worst takes half a minute."""


NOT_EMBEDDED = "It is compared with jobs by its words alone, until you agree to more under “Your data”."
NO_FILE = "Its file was not kept, only its text: you did not agree to where files are kept."


class ResumeStore(Protocol):
    async def get(self, user: UUID) -> StoredResume | None: ...
    async def put(self, user: UUID, resume: StoredResume, embedding: Vector | None) -> str | None: ...
    async def embed(self, user: UUID, text: str, model: str, embedding: Vector) -> None: ...
    async def drop_file(self, user: UUID, path: str) -> None: ...
    async def delete(self, user: UUID) -> str | None: ...


class Extractor(Protocol):
    async def extract(self, data: bytes) -> Extracted: ...


class FileStore(Protocol):
    async def put(self, owner: UUID, data: bytes) -> str: ...
    async def get(self, path: str) -> bytes | None: ...
    async def delete(self, path: str) -> None: ...
    async def delete_all(self, owner: UUID) -> None: ...


class ResumeRead(msgspec.Struct, frozen=True):
    """What was read of an upload, for the person who sent it."""

    pages: int
    characters: int
    titles: list[str]
    skills: list[str]
    warnings: list[str]
    file_name: str | None


class Resume(msgspec.Struct, frozen=True):
    """A seeker's resume as it stands."""

    text: str
    file_name: str | None
    has_file: bool
    titles: list[str]
    skills: list[str]
    embedding_model: str | None


class Resumes:
    """Raises `Refused` (`bad_content`) with a sentence for the sender, `Unavailable` where a part is away."""

    def __init__(
        self, store: ResumeStore, extractor: Extractor, embedder: Embedders, gazetteer: Gazetteer, files: FileStore,
        consents: Consents,
    ) -> None:  # fmt: skip
        self._store = store
        self._extractor = extractor
        self._embedder = embedder
        self._gazetteer = gazetteer
        self._files = files
        self._consents = consents
        self._unfinished: set[asyncio.Task[Any]] = set()
        self._being_read: set[UUID] = set()

    async def read(
        self, user: User, *, file: bytes | None = None, file_name: str | None = None, text: str | None = None
    ) -> ResumeRead:
        """Reads a file or a pasted text and puts it in place of the resume that was there.

        Raises `Refused` (`rate_limited`) while another file of theirs is read by this process.
        """
        if file is not None:
            with self._one_at_a_time(user.id):
                extracted = await self._extractor.extract(file)
        else:
            extracted = _pasted(text or "")
        words = await asyncio.to_thread(_storable, extracted.text)
        if len(words) < TEXT_MIN_CHARACTERS:
            raise Refused(
                "bad_content", f"There are only {len(words)} characters in it; a resume has more. Send the whole text."
            )
        titles, skills = await self._named(words)
        name = _safe_name(file_name) if file is not None else None
        try:
            is_embedded, is_kept = await self._embed_and_keep(user.id, words, name, file, fresh=False)
        except Repinned:
            is_embedded, is_kept = await self._embed_and_keep(user.id, words, name, file, fresh=True)
        missing = ([] if is_embedded else [NOT_EMBEDDED]) + ([NO_FILE] if file is not None and not is_kept else [])
        return ResumeRead(extracted.pages, len(words), titles, skills, [*extracted.warnings, *missing], name)

    @contextmanager
    def _one_at_a_time(self, user: UUID) -> Iterator[None]:
        # A reader for each processor, and a file may take half a minute: who sends many would hold all of them. What
        # waits would hold the queue instead, with its five megabytes each.
        if user in self._being_read:
            raise Refused(
                "rate_limited", "The file that you sent before is still being read; send this one in a moment.",
                retry_after=READ_AGAIN_SECONDS,
            )  # fmt: skip
        self._being_read.add(user)
        try:
            yield
        finally:
            self._being_read.discard(user)

    async def _embed_and_keep(
        self, user: UUID, words: str, name: str | None, file: bytes | None, *, fresh: bool
    ) -> tuple[bool, bool]:
        """Whether it has a vector (where its owner did not let the model read it, its words alone are compared), and
        whether its file was kept.
        """
        embedder = await self._embedder.current(fresh=fresh)
        vector, model = None, None
        if await self._consents.let_embed(user, embedder.model):
            vector, model = await embed_resume(embedder, self._gazetteer, words), embedder.model
        is_kept = await self._to_its_end(self._keep(user, StoredResume(words, name, None, model), file, vector))
        return vector is not None, is_kept

    async def _keep(self, user: UUID, resume: StoredResume, file: bytes | None, vector: Vector | None) -> bool:
        # Asked just before it goes: reading and embedding take seconds, in which they may have withdrawn.
        may_go = file is not None and await self._consents.let_keep_file(user)
        kept = await self._files.put(user, file) if may_go and file is not None else None
        try:
            before = await self._store.put(user, replace(resume, file=kept), vector)
        except Exception:
            if kept is not None:
                await self._forget_unless_used(user, kept)
            raise
        if before is not None:
            await self._forget(before)
        # Who withdrew while it was on its way found no file to take back.
        return kept is not None and not await self._taken_back(user, kept)

    async def _taken_back(self, user: UUID, path: str) -> bool:
        """Deletes the file that its owner does not let be kept (any more); whether it did."""
        if await self._consents.let_keep_file(user):
            return False
        # The file before the row, which alone knows where it is.
        await self._files.delete(path)
        await self._store.drop_file(user, path)
        return True

    async def _to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        # A sender who goes away in mid-upload must not leave a row without its file, or a file without its row.
        task = asyncio.create_task(work)
        self._unfinished.add(task)
        task.add_done_callback(self._unfinished.discard)
        return await asyncio.shield(task)

    async def _forget_unless_used(self, user: UUID, path: str) -> None:
        # A statement whose answer was lost may have been carried out.
        try:
            found = await self._store.get(user)
        except Unavailable as away:
            log.warning("a resume file may be left over, its row could not be read: %s", away)
            return
        if found is None or found.file != path:
            await self._forget(path)

    async def _named(self, text: str) -> tuple[list[str], list[str]]:
        return await asyncio.to_thread(
            lambda: (self._gazetteer.titles(text)[:SHOWN_MAX], self._gazetteer.skills(text)[:SHOWN_MAX])
        )

    async def _forget(self, path: str) -> None:
        try:
            await self._files.delete(path)
        except Unavailable as away:
            log.warning("a resume file that is not used any more could not be deleted: %s", away)

    async def get(self, user_id: UUID) -> Resume | None:
        found = await self._store.get(user_id)
        if found is None:
            return None
        titles, skills = await self._named(found.text)
        return Resume(found.text, found.file_name, found.file is not None, titles, skills, found.embedding_model)

    async def file(self, user_id: UUID) -> tuple[str, bytes] | None:
        """The file as it was sent, under the sender's name for it."""
        found = await self._store.get(user_id)
        if found is None or found.file is None:
            return None
        data = await self._files.get(found.file)
        return (found.file_name or "resume", data) if data is not None else None

    async def follow(self, user: User) -> None:
        """Does what a consent allows that was given just now, and takes back the file that it does not allow."""
        found = await self._store.get(user.id)
        if found is None:
            return
        if found.file is not None:
            await self._taken_back(user.id, found.file)
        embedder = await self._embedder.current()
        if found.embedding_model is None and await self._consents.let_embed(user.id, embedder.model):
            vector = await embed_resume(embedder, self._gazetteer, found.text)
            await self._store.embed(user.id, found.text, embedder.model, vector)

    async def delete(self, user: User) -> None:
        """All of it or nothing: a file that cannot be deleted is an error, for nobody would look for it again."""
        await self._to_its_end(self._remove(user.id))

    async def erase(self, user: User) -> None:
        """As `delete`, and every other file of theirs too."""
        await self.delete(user)
        await self.forget_files(user.id)

    async def forget_files(self, owner: UUID) -> None:
        """Files of an owner without a row: an upload that was on its way, or of a process that was killed."""
        await self._files.delete_all(owner)

    async def _remove(self, user: UUID) -> None:
        found = await self._store.get(user)
        known = found.file if found is not None else None
        if known is not None:
            # The file before the row, which alone knows where it is.
            await self._files.delete(known)
        before = await self._store.delete(user)
        if before is not None and before != known:
            await self._forget(before)


def _pasted(text: str) -> Extracted:
    if len(text) > TEXT_MAX_CHARACTERS:
        raise Refused("bad_content", f"The text is longer than {TEXT_MAX_CHARACTERS:,} characters; shorten it.")
    return Extracted("text", text, 1, ())


def _storable(text: str) -> str:
    # A half of a surrogate pair is no text to Postgres. Signs that stand for words make a text longer.
    return clean(text.encode("utf-8", "ignore").decode())[:TEXT_MAX_CHARACTERS].strip()


def _safe_name(name: str | None) -> str:
    base = _storable(name or "").replace("\\", "/").rsplit("/", 1)[-1]
    printable = "".join(character for character in base if character.isprintable())
    return printable[:FILE_NAME_MAX_CHARACTERS].strip() or "resume"


async def embed_resume(embedder: Embedder, gazetteer: Gazetteer, text: str) -> Vector:
    """The one vector of a resume: its chunks' mean blended with its titles and skills, without contact data.

    Raises `Unavailable`.
    """

    def prepared() -> tuple[list[str], str]:
        plain = redact(text)
        return embedder.chunks(plain), gazetteer.focus(plain)

    chunks, focus = await asyncio.to_thread(prepared)
    vectors = await embedder.embed([*chunks, focus] if focus else chunks)
    return blend(vectors[: len(chunks)], vectors[len(chunks) :])
