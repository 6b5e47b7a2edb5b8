"""Where an engine listens, as the docker command writes it: unix://, tcp://, ssh://."""

import re
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec import Struct

from hullward.model.errors import HullwardError

_FORMS = "Use unix:///path, tcp://host:port, ssh://user@host:port, or the name of a context."
_NAME = re.compile(r"[A-Za-z0-9_%.:\[\]-]+")


class Tls(Struct, frozen=True):
    """Files of PEM certificates for a TLS connection; "" for none."""

    ca: str = ""
    cert: str = ""
    key: str = ""
    verify: bool = True


class UnixEndpoint(Struct, frozen=True):
    """A socket on this machine."""

    path: str


class TcpEndpoint(Struct, frozen=True):
    """A TCP port, plain or with TLS."""

    host: str
    port: int
    tls: Tls | None = None


class SshEndpoint(Struct, frozen=True):
    """An engine behind sshd; empty fields are left to the user's ssh configuration."""

    host: str
    user: str = ""
    port: int = 0
    socket: str = ""


Endpoint = UnixEndpoint | TcpEndpoint | SshEndpoint


def parse(url: str, tls: Tls | None = None) -> Endpoint:
    """Read an address as docker does; raises HullwardError for one it would refuse."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "tcp", url
    if scheme == "unix":
        return UnixEndpoint(rest or "/var/run/docker.sock")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port or 0
    except ValueError as error:
        raise HullwardError(f"{url!r} is not an engine's address: {error}.", _FORMS) from error
    if scheme == "tcp":
        host = _host(url, parts.hostname or "127.0.0.1")
        return TcpEndpoint(host, port or (2376 if tls else 2375), tls)
    if scheme == "ssh":
        return _ssh(url, parts, port)
    raise HullwardError(f"{url!r} is not an engine's address.", _FORMS)


def _ssh(url: str, parts: SplitResult, port: int) -> SshEndpoint:
    if parts.password is not None:
        raise HullwardError(
            f"{url.rpartition('@')[2]!r} comes with a password in the address.",
            "Passwords are left to ssh: use a key, and write ssh://user@host.",
        )
    if parts.query or parts.fragment:
        raise HullwardError(f"{url!r} has a query or a fragment.", _FORMS)
    user = unquote(parts.username or "")
    if user.startswith("-") or not user.isprintable():
        raise HullwardError(f"{user!r} is not a user's name.", _FORMS)
    path = unquote(parts.path)
    return SshEndpoint(
        _host(url, parts.hostname or ""), user, port, "" if path in {"", "/"} else path
    )


def _host(url: str, name: str) -> str:
    if name.startswith("-") or not _NAME.fullmatch(name):
        raise HullwardError(f"{url!r} names no host.", _FORMS)
    return name
