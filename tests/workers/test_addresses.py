"""Workers connect to the open web and to nothing else, however an address is written."""

import socket
from collections.abc import Collection
from ipaddress import ip_address, ip_network

import pytest

from workers.addresses import URL_MAX_CHARACTERS, CheckedResolver, Reach, host_of, is_public, look_up, origin
from workers.boards.board import Blocked

WEB = Reach()
PUBLIC, OTHER_PUBLIC = "93.184.215.14", "2a00:1450:4001:81b::200e"


def names(**addresses: list[str]) -> CheckedResolver:
    async def look_up(host: str, port: int) -> Collection[str]:
        return addresses[host]

    return CheckedResolver(WEB, look_up)


@pytest.mark.parametrize("address", [PUBLIC, OTHER_PUBLIC, "8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1"])
def test_the_open_web_is_open(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255",
        "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.2.1", "198.18.0.1",
        "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8", "fe80::1", "fe80::1%eth0",
        "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1", "100::1", "2001:db8::1", "2001::1", "2001:10::1",
        "2002:7f00:1::", "2002:808:808::", "64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "4000::1",
    ],
)  # fmt: skip
def test_private_special_and_wrapped_addresses_are_closed(address: str) -> None:
    assert not is_public(ip_address(address))


def test_a_network_is_open_where_it_was_opened() -> None:
    reach = Reach((ip_network("127.0.0.0/8"),), ports=None)
    assert reach.checked("http://127.0.0.1:8123/x") == "http://127.0.0.1:8123/x"
    with pytest.raises(Blocked):
        reach.checked("http://10.0.0.1/")


@pytest.mark.parametrize(
    "url",
    [
        "https://careers.example", "http://careers.example/a/b?c=d&e=%2Ff", f"https://{PUBLIC}/",
        f"https://[{OTHER_PUBLIC}]:443/", "https://careers.example:80/", "https://1and1.example/7",
        'https://h.example/x?finder=findReqs;siteNumber=CX_1,facets=A%3BB,limit=25;Id=%22300%22',
    ],
)  # fmt: skip
def test_an_address_is_sent_as_it_is_written(url: str) -> None:
    assert WEB.checked(url) == url


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("https://careers.example/two words#part", "https://careers.example/two%20words"),
        ("  https://careers.example/Zürich\n", "https://careers.example/Z%C3%BCrich"),
        ("https://careers.example/a\r\nX-Evil: 1", "https://careers.example/a%0D%0AX-Evil:%201"),
        ("https://careers.example/\ud800", "https://careers.example/%ED%A0%80"),
    ],
)
def test_what_no_address_may_hold_is_escaped(written: str, sent: str) -> None:
    assert WEB.checked(written) == sent


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "[fe80::1%25eth0]", "169.254.169.254", "2130706433", "0x7f000001",
        "0x7f.1", "017700000001", "127.1", "127.0.0.1.", "0177.0.0.1", "careers.example.1", "[64:ff9b::7f00:1]",
        "08.8.8.8",
    ],
)  # fmt: skip
def test_a_number_that_is_no_open_address_is_refused(host: str) -> None:
    with pytest.raises(Blocked, match="private networks are not read"):
        WEB.checked(f"http://{host}/")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://careers.example/", "only http and https"),
        ("file:///etc/passwd", "only http and https"),
        ("//careers.example/", "only http and https"),
        ("jobs", "only http and https"),
        ("https://", "address"),
        ("https://user:secret@careers.example/", "a name or a password"),
        ("https://@careers.example/", "a name or a password"),
        ("https://open.example\\@127.0.0.1/", "a name or a password|no address|private"),
        ("https://careers.example:6379/", "names port 6379; only 80 and 443 are read"),
        ("https://careers.example:0/", "names port 0|no address"),
        ("https://careers.example:99999/", "no address"),
        ("https://[::1/", "no address"),
        ("https://careers.example/" + "x" * URL_MAX_CHARACTERS, "more than 8,000 characters"),
    ],
)
def test_other_addresses_are_refused_with_a_reason(url: str, why: str) -> None:
    with pytest.raises(Blocked, match=why):
        WEB.checked(url)


def test_a_refusal_does_not_repeat_a_password() -> None:
    with pytest.raises(Blocked) as refused:
        WEB.checked("https://user:secret@careers.example/")
    assert "secret" not in str(refused.value)


def test_a_redirect_leads_from_where_it_stands() -> None:
    here = "https://careers.example/a/b?c"
    assert WEB.following(here, "../d") == "https://careers.example/d"
    assert WEB.following(here, "//other.example/") == "https://other.example/"
    assert WEB.following(here, "https://other.example/e#f") == "https://other.example/e"
    assert WEB.following("http://careers.example/", here) == here


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("http://careers.example/", "from https to http"),
        ("https://10.0.0.1/", "private networks"),
        ("javascript:alert(1)", "only http and https"),
        ("https://[", "no address"),
    ],
)
def test_a_redirect_leads_nowhere_else(target: str, why: str) -> None:
    with pytest.raises(Blocked, match=why):
        WEB.following("https://careers.example/", target)


def test_sites_are_told_apart_by_scheme_host_and_port() -> None:
    assert origin("https://Careers.Example/a?b") == "https://careers.example"
    assert origin("https://careers.example:443/a") == "https://careers.example"
    assert origin("http://careers.example:8080") == "http://careers.example:8080"
    assert origin("http://[2a00::1]:8080/") == "http://[2a00::1]:8080"
    assert host_of("https://Careers.Example:443/") == "careers.example"


async def test_a_name_is_resolved_to_the_addresses_that_were_checked() -> None:
    found = await names(careers=[PUBLIC, OTHER_PUBLIC]).resolve("careers", 443, socket.AF_UNSPEC)
    assert [(result["host"], result["family"]) for result in found] == [
        (PUBLIC, socket.AF_INET),
        (OTHER_PUBLIC, socket.AF_INET6),
    ]
    assert {(result["hostname"], result["port"]) for result in found} == {("careers", 443)}
    only = await names(careers=[PUBLIC, OTHER_PUBLIC]).resolve("careers", 443, socket.AF_INET)
    assert [result["host"] for result in only] == [PUBLIC]


@pytest.mark.parametrize("trap", [["10.0.0.7"], [PUBLIC, "127.0.0.1"], ["::1", PUBLIC], ["fe80::1%2"], ["nonsense"]])
async def test_a_name_that_leads_into_a_private_network_is_refused(trap: list[str]) -> None:
    with pytest.raises(Blocked, match="private networks are not read"):
        await names(careers=trap).resolve("careers", 443, socket.AF_UNSPEC)


async def test_names_of_this_machine_are_refused() -> None:
    assert "127.0.0.1" in await look_up("localhost", 80)
    with pytest.raises(Blocked):
        await CheckedResolver(WEB).resolve("localhost", 80)
