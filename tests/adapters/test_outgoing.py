"""Others are reached straight, or through the proxy that the settings name; no other variable leads a call."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import anthropic
import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.responses import Response

from chatserver.adapters import notices
from chatserver.adapters.anthropic import AnthropicAssistant
from chatserver.adapters.anthropic_enricher import AnthropicEnricher
from chatserver.adapters.identity import SupabaseIdentity
from chatserver.adapters.notices import Webhook
from chatserver.adapters.openai import OpenAIEmbedder
from chatserver.adapters.storage import SupabaseStorage
from chatserver.core.errors import Refused
from chatserver.core.guides import Bill, EnrichmentFailed, JobText
from chatserver.core.notice import Notice
from chatserver.core.ports import AnswerFailed, Unavailable
from chatserver.doctor import outside
from chatserver.doctor.outside import sign_in
from chatserver.settings import Settings
from tests.adapters.sign_in import Supabase
from tests.adapters.test_anthropic import answered
from tests.career_sites.trouble import Reply, TroubledSite
from tests.forward_proxy import ForwardProxy
from tests.loopback import serving
from tests.tls import an_authority, context_for, terminated

VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
KEY = "sk-made-up-key"
HOST = "called.example"
STRANGER = "a-stranger"
KEYS = "/auth/v1/.well-known/jwks.json"

Call = Callable[[str, str | None], Awaitable[None]]


class Called:
    """Takes every request, keeps it, and answers with nothing that anybody can use."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.authorizations: list[str] = []
        self.redirects_to: str | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        await request.body()
        self.paths.append(request.url.path)
        self.authorizations.append(request.headers.get("authorization", ""))
        status, headers = (307, {"location": self.redirects_to}) if self.redirects_to else (404, None)
        await Response(b"{}", status, headers)(scope, receive, send)


async def answer(url: str, proxy: str | None) -> None:
    assistant = AnthropicAssistant(KEY, "claude-sonnet-5-5", base_url=url, proxy=proxy, retries=0)
    _, failed = await answered(assistant)
    await assistant.aclose()
    assert isinstance(failed, AnswerFailed)


async def enrich(url: str, proxy: str | None) -> None:
    enricher = AnthropicEnricher(KEY, "claude-haiku-5-5", url, proxy=proxy)
    with pytest.raises(EnrichmentFailed):
        await enricher.write(JobText("Auditor", "Audits banks."), Bill())
    await enricher.aclose()


async def embed(url: str, proxy: str | None) -> None:
    embedder = OpenAIEmbedder(KEY, base_url=f"{url}/v1", proxy=proxy, pause_seconds=0.0)
    with pytest.raises(Unavailable):
        await embedder.embed(["text"])
    await embedder.aclose()


async def verify(url: str, proxy: str | None) -> None:
    identity = SupabaseIdentity(url, proxy=proxy)
    with pytest.raises((Unavailable, Refused)):
        await identity.verify(Supabase().token())
    await identity.aclose()


async def store(url: str, proxy: str | None) -> None:
    files = SupabaseStorage(url, KEY, proxy=proxy)
    with pytest.raises(Unavailable):
        await files.put(uuid4(), b"a resume")
    await files.aclose()


async def notify(url: str, proxy: str | None) -> None:
    webhook = Webhook(f"{url}/hook", "secret", proxy=proxy)
    with pytest.raises(Unavailable):
        await webhook.tell(Notice(uuid4(), datetime(2026, 11, 30, tzinfo=UTC), 1, None))
    await webhook.aclose()


async def examine(url: str, proxy: str | None) -> None:
    assert (await sign_in(Settings(supabase_url=url, outgoing_proxy=proxy))).well is False


CALLS = (answer, enrich, embed, verify, store, notify, examine)


@pytest.fixture
def misled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """An environment that leads elsewhere, as a container's image or a login shell may bring it along."""

    def lead(proxy: str) -> None:
        for name in VARIABLES:
            monkeypatch.setenv(name, proxy)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        known = tmp_path / ".netrc"
        known.write_text(f"default login {STRANGER} password {STRANGER}\n")
        known.chmod(0o600)
        monkeypatch.setenv("NETRC", str(known))
        monkeypatch.setenv("HOME", str(tmp_path))
        # The package's own variables: where it calls, and as whom.
        monkeypatch.setenv("ANTHROPIC_BASE_URL", proxy)
        monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", STRANGER)

    return lead


@pytest_asyncio.fixture
async def called() -> AsyncIterator[tuple[Called, str]]:
    server = Called()
    async with serving(server) as url:
        yield server, url


@pytest.mark.parametrize("call", CALLS)
async def test_no_variable_leads_a_call_elsewhere(
    call: Call, called: tuple[Called, str], misled: Callable[[str], None]
) -> None:
    server, url = called
    proxy = ForwardProxy()
    async with proxy.served() as elsewhere:
        misled(elsewhere)
        await call(url, None)
    assert proxy.heads == []
    assert server.paths
    assert not any(STRANGER in said for said in server.authorizations)


@pytest.mark.parametrize("call", CALLS)
async def test_a_redirect_is_not_followed(call: Call, called: tuple[Called, str]) -> None:
    server, url = called
    elsewhere = Called()
    async with serving(elsewhere) as other:
        server.redirects_to = f"{other}/inside"
        await call(url, None)
    assert server.paths
    assert elsewhere.paths == []


@pytest.mark.parametrize("call", CALLS)
async def test_a_proxy_that_the_settings_name_carries_every_call_and_can_read_none(
    call: Call, called: tuple[Called, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server, url = called
    authority = an_authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    port = int(url.rpartition(":")[2])
    proxy = ForwardProxy()
    async with terminated(port, context_for(authority, HOST)) as proxy.to_port, proxy.served() as by:
        await call(f"https://{HOST}", by.replace("http://", "http://asha:tiger@"))
    assert set(proxy.asked) == {f"CONNECT {HOST}:443"}
    assert all("proxy-authorization: basic" in head.lower() for head in proxy.heads)
    assert server.paths
    for secret in (KEY, "resume", "secret", "hook"):
        assert secret.encode() not in proxy.passed
    assert not any("tiger" in said for said in server.authorizations)


@pytest.mark.parametrize("call", CALLS)
async def test_where_the_proxy_refuses_nobody_is_called_straight(call: Call, called: tuple[Called, str]) -> None:
    server, _ = called
    proxy = ForwardProxy()
    async with proxy.served() as by:
        await call("https://127.0.0.2:9", by)
    assert proxy.asked
    assert server.paths == []


@pytest.mark.parametrize("call", CALLS)
async def test_this_machine_is_reached_without_the_proxy(call: Call, called: tuple[Called, str]) -> None:
    server, url = called
    proxy = ForwardProxy()
    async with proxy.served() as by:
        for host in ("127.0.0.1", "localhost"):
            await call(url.replace("127.0.0.1", host), by)
    assert proxy.heads == []
    assert server.paths


async def test_without_an_address_the_model_is_at_its_own_whatever_the_environment_says(
    misled: Callable[[str], None],
) -> None:
    misled("http://127.0.0.1:9")
    for made in (AnthropicAssistant(KEY, "claude-sonnet-5-5"), AnthropicEnricher(KEY, "claude-haiku-5-5")):
        client: anthropic.AsyncAnthropic = made._client
        assert str(client.base_url) == "https://api.anthropic.com"
        await made.aclose()


# Who answers too much, or never to the end


async def test_who_never_comes_to_the_end_of_an_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte would put the client's own timer back, and the other waits be told of late."""
    monkeypatch.setattr(notices, "CALL_SECONDS", 0.2)
    monkeypatch.setattr(outside, "ANSWER_SECONDS", 0.2)
    async with TroubledSite({path: [Reply(fault="dripping")] for path in ("/hook", KEYS)}).served() as url:
        await notify(url, None)
        await examine(url, None)


async def test_of_vectors_without_end_no_more_is_read_than_the_bound() -> None:
    async with TroubledSite({"/v1/embeddings": [Reply(fault="endless")]}).served() as url:
        await embed(url, None)
