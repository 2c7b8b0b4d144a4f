"""By which way others are called: straight, or through the one proxy that the settings name."""

from typing import Any

import httpx2

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def by_way_of(proxy: str | None) -> dict[str, Any]:
    """Arguments of an `httpx2.AsyncClient`. `proxy` is a URL; what is on this machine is reached without it.

    The client's own way would be by HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, which come along with images and shells and
    for which nobody looks among the settings. SSL_CERT_FILE and SSL_CERT_DIR count: they say whom to believe, and lead
    nowhere.
    """
    straight: dict[str, Any] = {"trust_env": False, "verify": httpx2.create_ssl_context()}
    if proxy is None:
        return straight
    return {**straight, "proxy": proxy, "mounts": {f"all://{host}": None for host in _LOOPBACK}}
