"""Where resume files are kept: a folder, or Supabase Storage."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx2
import msgspec

from chatserver.adapters.outgoing import by_way_of
from chatserver.core.ports import Unavailable
from chatserver.settings import Settings

REQUEST_SECONDS = 30.0
BUCKET = "resumes"
STORED_MAX_BYTES = 20 * 1024 * 1024
"""More than any upload: files that were there before may be larger than one."""

PATH_MAX_CHARACTERS = 500
LISTED = 100
LISTINGS_MAX = 20
"""One owner has one file and what was left over; more of them than this is somebody else's doing."""


def is_safe(path: str) -> bool:
    """Whether a path stays inside its folder or bucket. Rows written by others may hold anything, an address even."""
    parts = path.split("/")
    return (
        len(path) <= PATH_MAX_CHARACTERS
        and path.isprintable()
        and "\\" not in path
        and not any(part in ("", ".", "..") for part in parts)
    )


def _new_path(owner: UUID) -> str:
    # What the sender called the file never is a path.
    return f"{owner}/{uuid4()}"


class FolderStorage:
    """Files under names of ours, readable for us alone. Raises `Unavailable` where the disk refuses."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, owner: UUID, data: bytes) -> str:
        """Keeps the file, whole or not at all, and returns the path to get it by."""
        path = _new_path(owner)
        try:
            await asyncio.to_thread(self._write, self._folder / path, data)
        except OSError as error:
            raise Unavailable(f"The file could not be kept ({error.strerror}); try again later.") from error
        return path

    def _write(self, file: Path, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.parent.mkdir(exist_ok=True, mode=0o700)
        unfinished = file.with_suffix(".unfinished")
        try:
            with open(os.open(unfinished, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            unfinished.rename(file)
        finally:
            unfinished.unlink(missing_ok=True)

    async def get(self, path: str) -> bytes | None:
        """None where there is no such file."""
        try:
            return await asyncio.to_thread(self._read, path)
        except OSError as error:
            raise Unavailable(f"The file could not be read ({error.strerror}); try again later.") from error

    def _at(self, path: str) -> Path | None:
        if not is_safe(path):
            return None
        file = self._folder / path
        # A link in the folder may lead out of it.
        inside = file.resolve().is_relative_to(self._folder.resolve())
        return file if inside and file.is_file() else None

    def _read(self, path: str) -> bytes | None:
        file = self._at(path)
        if file is None:
            return None
        with file.open("rb") as opened:
            data = opened.read(STORED_MAX_BYTES + 1)
        if len(data) > STORED_MAX_BYTES:
            raise _too_large()
        return data

    async def delete(self, path: str) -> None:
        """What is not there is deleted already."""
        try:
            await asyncio.to_thread(self._delete, path)
        except OSError as error:
            raise Unavailable(f"The file could not be deleted ({error.strerror}); try again later.") from error

    def _delete(self, path: str) -> None:
        if file := self._at(path):
            file.unlink(missing_ok=True)

    async def delete_all(self, owner: UUID) -> None:
        """Every file of the owner, also those that no row knows."""
        try:
            await asyncio.to_thread(self._delete_all, self._folder / str(owner))
        except OSError as error:
            raise Unavailable(f"The files could not be deleted ({error.strerror}); try again later.") from error

    @staticmethod
    def _delete_all(folder: Path) -> None:
        if not folder.is_dir() or folder.is_symlink():
            return
        for file in folder.iterdir():
            file.unlink(missing_ok=True)
        # An upload that is written just now needs it.
        with suppress(OSError):
            folder.rmdir()


class _Listed(msgspec.Struct):
    name: str


class _Refusal(msgspec.Struct, rename="camel"):
    """Why the Storage API refuses; it says 400 for nearly all, and the true status inside."""

    status_code: str = ""
    message: str = ""


class SupabaseStorage:
    """Objects in a private bucket, by the service key. Raises `Unavailable` where the service refuses."""

    def __init__(self, url: str, service_key: str, *, bucket: str = BUCKET, proxy: str | None = None) -> None:
        self._bucket = bucket
        headers = {"apikey": service_key}
        if not service_key.startswith("sb_secret_"):
            # The older keys are tokens; the newer ones are not and are refused as such.
            headers["Authorization"] = f"Bearer {service_key}"
        self._client = httpx2.AsyncClient(
            base_url=f"{url.rstrip('/')}/storage/v1", timeout=REQUEST_SECONDS, headers=headers, follow_redirects=False,
            **by_way_of(proxy),
        )  # fmt: skip

    async def aclose(self) -> None:
        await self._client.aclose()

    async def put(self, owner: UUID, data: bytes) -> str:
        """Keeps the file, whole or not at all, and returns the path to get it by."""
        path = _new_path(owner)
        status, body = await self._send("POST", path, data)
        if status not in (200, 201):
            raise self._refused("kept", status, body)
        return path

    async def get(self, path: str) -> bytes | None:
        """None where there is no such file."""
        if not is_safe(path):
            return None
        status, body = await self._send("GET", path)
        if status == 200:
            return body
        if self._is_missing(status, body):
            return None
        raise self._refused("read", status, body)

    async def delete(self, path: str) -> None:
        """What is not there is deleted already."""
        if not is_safe(path):
            return
        status, body = await self._send("DELETE", path)
        if status not in (200, 204) and not self._is_missing(status, body):
            raise self._refused("deleted", status, body)

    async def delete_all(self, owner: UUID) -> None:
        """Every file of the owner, also those that no row knows."""
        asked = msgspec.json.encode({"prefix": str(owner), "limit": LISTED, "offset": 0})
        for _ in range(LISTINGS_MAX):
            status, body = await self._request("POST", f"/object/list/{self._bucket}", asked, "application/json")
            if status != 200:
                raise self._refused("listed", status, body)
            try:
                listed = msgspec.json.decode(body, type=list[_Listed])
            except msgspec.MsgspecError as error:
                raise Unavailable("The file storage answered something else; try again later.") from error
            if not listed:
                return
            for one in listed:
                await self.delete(f"{owner}/{one.name}")
        raise Unavailable("There are more files of this account than can be deleted at once; try again.")

    @staticmethod
    def _reason(status: int, body: bytes) -> tuple[str, str]:
        try:
            refusal = msgspec.json.decode(body, type=_Refusal, strict=False)
        except msgspec.MsgspecError:
            return str(status), ""
        return refusal.status_code or str(status), refusal.message.lower()

    def _is_missing(self, status: int, body: bytes) -> bool:
        code, message = self._reason(status, body)
        return code == "404" and "bucket" not in message

    def _refused(self, done: str, status: int, body: bytes) -> Unavailable:
        code, message = self._reason(status, body)
        if code == "404" and "bucket" in message:
            return Unavailable(f"Supabase Storage has no bucket `{self._bucket}`; create it there as a private one.")
        if code in ("401", "403"):
            return Unavailable("Supabase Storage refuses the key; check SUPABASE_SERVICE_KEY.")
        return Unavailable(f"The file could not be {done} ({code}); try again later.")

    async def _send(self, method: str, path: str, content: bytes | None = None) -> tuple[int, bytes]:
        return await self._request(method, f"/object/{self._bucket}/{quote(path)}", content, "application/octet-stream")

    async def _request(self, method: str, address: str, content: bytes | None, kind: str) -> tuple[int, bytes]:
        headers = {"Content-Type": kind} if content is not None else None
        body = bytearray()
        try:
            async with (
                asyncio.timeout(REQUEST_SECONDS),
                self._client.stream(method, address, content=content, headers=headers) as response,
            ):
                async for part in response.aiter_bytes():
                    body += part
                    if len(body) > STORED_MAX_BYTES:
                        raise _too_large()
        except (httpx2.HTTPError, TimeoutError) as error:
            raise Unavailable(f"The file storage does not answer just now ({type(error).__name__}).") from error
        return response.status_code, bytes(body)


def _too_large() -> Unavailable:
    return Unavailable(f"The stored file is larger than {STORED_MAX_BYTES // 1024 // 1024} MB; upload it again.")


def files_of(settings: Settings) -> FolderStorage | SupabaseStorage:
    if settings.supabase_url and settings.supabase_service_key:
        return SupabaseStorage(settings.supabase_url, settings.supabase_service_key, proxy=settings.outgoing_proxy)
    return FolderStorage(Path(settings.resume_dir))
