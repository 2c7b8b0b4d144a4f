"""How the address of Redis is understood: `rediss://` means a certificate that verifies, and is that of this host."""

from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

CERTIFICATE = "ssl_cert_reqs"
_HOST = "ssl_check_hostname"


def address(url: str) -> str:
    """The address for the package, which by itself would take anybody's certificate for the server's.

    `?ssl_cert_reqs=none` says that no certificate is asked for, as Heroku's Redis needs it: nobody who listens reads
    along, but whoever stands between can pose as Redis. `?ssl_ca_certs=FILE` names who signed it instead.
    """
    parts = urlsplit(url)
    asked = parse_qs(parts.query)
    if parts.scheme != "rediss" or asked.get(CERTIFICATE) == ["none"] or _HOST in asked:
        return url
    return urlunsplit(parts._replace(query=urlencode({**asked, _HOST: "true"}, doseq=True)))


def is_unverified(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "rediss" and parse_qs(parts.query).get(CERTIFICATE) == ["none"]
