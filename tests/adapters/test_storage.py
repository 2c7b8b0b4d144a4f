"""One suite over both stores of resume files; Supabase's is a local server that answers as the Storage API does."""

import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from chatserver.adapters import storage
from chatserver.adapters.storage import FolderStorage, SupabaseStorage, is_safe
from chatserver.core.ports import Unavailable
from tests.loopback import serving

KEY = "made.up.key"
OBJECTS = "/storage/v1/object/"


class StorageServer:
    """Objects in memory. Refuses with 400 and the true status inside, as the Storage API does."""

    def __init__(self, bucket: str = "resumes") -> None:
        self.bucket = bucket
        self.objects: dict[str, bytes] = {}
        self.headers: dict[str, str] = {}
        self.url = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        await (await self._answer(request))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        self.headers = dict(request.headers)
        assert request.url.path.startswith(OBJECTS)
        if request.headers.get("apikey") != KEY or request.headers.get("authorization") != f"Bearer {KEY}":
            return self._refusal("403", "Unauthorized", "Invalid Compact JWS")
        bucket, _, path = unquote(request.url.path.removeprefix(OBJECTS)).partition("/")
        if bucket == "list":
            return self._listed(path, await request.json())
        if bucket != self.bucket:
            return self._refusal("404", "Bucket not found", "Bucket not found")
        if request.method == "POST":
            if path in self.objects:
                return self._refusal("409", "Duplicate", "The resource already exists")
            self.objects[path] = await request.body()
            return JSONResponse({"Id": str(uuid4()), "Key": f"{bucket}/{path}"})
        if path not in self.objects:
            return self._refusal("404", "not_found", "Object not found")
        if request.method == "DELETE":
            del self.objects[path]
            return JSONResponse({"message": "Successfully deleted"})
        return Response(self.objects[path], media_type="application/octet-stream")

    def _listed(self, bucket: str, asked: dict[str, Any]) -> Response:
        if bucket != self.bucket:
            return self._refusal("404", "Bucket not found", "Bucket not found")
        folder = f"{asked['prefix']}/"
        names = sorted(path.removeprefix(folder) for path in self.objects if path.startswith(folder))
        return JSONResponse([{"name": name, "id": str(uuid4())} for name in names[asked["offset"] :][: asked["limit"]]])

    @staticmethod
    def _refusal(status: str, error: str, message: str) -> Response:
        return JSONResponse({"statusCode": status, "error": error, "message": message}, 400)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[StorageServer]:
    server = StorageServer()
    async with serving(server) as server.url:
        yield server


@pytest_asyncio.fixture(params=["folder", "supabase"])
async def files(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FolderStorage | SupabaseStorage]:
    if request.param == "folder":
        yield FolderStorage(tmp_path / "resumes")
        return
    async with serving(StorageServer()) as url:
        supabase = SupabaseStorage(url, KEY)
        yield supabase
        await supabase.aclose()


async def test_a_file_comes_back_byte_for_byte(files: FolderStorage | SupabaseStorage) -> None:
    data = bytes(range(256)) * 100
    assert await files.get(await files.put(uuid4(), data)) == data


async def test_each_file_has_a_path_of_its_own_below_its_owner(files: FolderStorage | SupabaseStorage) -> None:
    owner = uuid4()
    first, second = await files.put(owner, b"first"), await files.put(owner, b"second")
    assert {UUID(path.split("/")[0]) for path in (first, second)} == {owner}
    assert (await files.get(first), await files.get(second)) == (b"first", b"second")


async def test_a_deleted_file_is_gone_and_may_be_deleted_again(files: FolderStorage | SupabaseStorage) -> None:
    path = await files.put(uuid4(), b"text")
    await files.delete(path)
    await files.delete(path)
    assert await files.get(path) is None


async def test_deleting_one_file_leaves_the_other(files: FolderStorage | SupabaseStorage) -> None:
    owner = uuid4()
    first, second = await files.put(owner, b"first"), await files.put(owner, b"second")
    await files.delete(first)
    assert await files.get(second) == b"second"


async def test_all_files_of_an_owner_go_and_nobody_elses(
    files: FolderStorage | SupabaseStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "LISTED", 2)
    owner, other = uuid4(), uuid4()
    theirs = [await files.put(owner, b"text") for _ in range(5)]
    others = await files.put(other, b"other")
    await files.delete_all(owner)
    await files.delete_all(owner)
    assert [await files.get(path) for path in theirs] == [None] * 5
    assert await files.get(others) == b"other"


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "..", "../outside", "a/../../outside", "/etc/hostname", "a//b", "a\\..\\b", "a/\x00", "a/" + "b" * 600,
        "https://example.supabase.co/storage/v1/object/public/resumes/a.pdf", "no/such/file", "ü/ä ö?#%2e%2e",
    ],
)  # fmt: skip
async def test_a_path_that_is_none_of_ours_finds_nothing_and_harms_nothing(
    files: FolderStorage | SupabaseStorage, tmp_path: Path, path: str
) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"somebody else's")
    assert await files.get(path) is None
    await files.delete(path)
    assert outside.read_bytes() == b"somebody else's"


async def test_a_file_larger_than_may_be_is_refused_in_reading(
    files: FolderStorage | SupabaseStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await files.put(uuid4(), b"x" * 1001)
    monkeypatch.setattr(storage, "STORED_MAX_BYTES", 1000)
    with pytest.raises(Unavailable, match="upload it again"):
        await files.get(path)


def test_paths_that_lead_elsewhere_are_not_safe() -> None:
    assert is_safe("a/b.pdf")
    assert not is_safe("a/./b")
    assert not is_safe("a/\u202e")


async def test_folders_and_files_are_for_this_process_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "resumes"
    path = await FolderStorage(folder).put(uuid4(), b"text")
    file = folder / path
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_link_out_of_the_folder_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"somebody else's")
    folder = tmp_path / "resumes"
    folder.mkdir()
    (folder / "link").symlink_to(tmp_path / "outside")
    assert await FolderStorage(folder).get("link") is None


async def test_a_disk_that_refuses_leaves_no_half_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unavailable, match="No space left on device"):
        await FolderStorage(tmp_path).put(uuid4(), b"text")
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


async def test_a_newer_key_is_no_token(server: StorageServer) -> None:
    supabase = SupabaseStorage(server.url, "sb_secret_made_up")
    with pytest.raises(Unavailable):
        await supabase.put(uuid4(), b"text")
    await supabase.aclose()
    assert server.headers["apikey"] == "sb_secret_made_up"
    assert "authorization" not in server.headers


async def test_a_wrong_key_is_named(server: StorageServer) -> None:
    supabase = SupabaseStorage(server.url, "another.key")
    with pytest.raises(Unavailable, match="check SUPABASE_SERVICE_KEY"):
        await supabase.get("a/b")
    await supabase.aclose()


async def test_a_missing_bucket_is_named_and_not_taken_for_a_missing_file(server: StorageServer) -> None:
    supabase = SupabaseStorage(server.url, KEY, bucket="elsewhere")
    for asked in (
        supabase.put(uuid4(), b"text"),
        supabase.get("a/b"),
        supabase.delete("a/b"),
        supabase.delete_all(uuid4()),
    ):
        with pytest.raises(Unavailable, match="create it there as a private one"):
            await asked
    await supabase.aclose()


async def test_a_service_that_is_away_is_said_to_be(server: StorageServer) -> None:
    supabase = SupabaseStorage("http://127.0.0.1:9", KEY)
    with pytest.raises(Unavailable, match="does not answer just now"):
        await supabase.put(uuid4(), b"text")
    await supabase.aclose()
