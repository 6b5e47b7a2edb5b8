"""Where an engine listens, as the docker command writes it: unix://, tcp://, ssh://."""

import re
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec import Struct

from hullward.model.errors import HullwardError

_FORMS = "Use unix:///path, tcp://host:port, ssh://user@host:port, or the name of a context."
_NAME = re.compile(r"[A-Za-z0-9_:.][A-Za-z0-9_%:.-]*")
_USER = re.compile(r"[^-\s'`\";&<>|(){}$\\][^\s'`\";&<>|(){}$]*")


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
    url = url.strip()
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "tcp", url
    if not url.isprintable():
        raise _refused(url, "is not an engine's address")
    if scheme == "unix":
        return UnixEndpoint(rest or "/var/run/docker.sock")
    if scheme not in {"tcp", "ssh"}:
        raise _refused(url, "is not an engine's address")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port
    except ValueError as error:
        raise _refused(url, "is not an engine's address") from error
    if parts.password is not None:
        raise HullwardError(
            f"{_shown(url)!r} comes with a password in the address.",
            "Leave it out: ssh asks for one, or uses a key, and TLS uses certificates.",
        )
    if parts.query or parts.fragment or port == 0:
        raise _refused(url, "is not an engine's address")
    if scheme == "ssh":
        return _ssh(url, parts, port or 0)
    if parts.username or parts.path not in {"", "/"}:
        raise _refused(url, "has more than a host and a port")
    host = _host(url, parts) or "127.0.0.1"
    return TcpEndpoint(host, port or (2376 if tls else 2375), tls)


def _ssh(url: str, parts: SplitResult, port: int) -> SshEndpoint:
    user = unquote(parts.username or "")
    # ssh may put the user's name into commands of its configuration, such as ProxyCommand.
    if user and not _USER.fullmatch(user):
        raise _refused(url, "names no user of ssh")
    host = _host(url, parts)
    if not host:
        raise _refused(url, "names no host")
    path = unquote(parts.path)
    if not path.isprintable():
        raise _refused(url, "names no socket")
    return SshEndpoint(host, user, port, "" if path in {"", "/"} else path)


def _host(url: str, parts: SplitResult) -> str:
    """Give the host in its own letters: `Host` patterns of ssh_config(5) tell them apart."""
    place = parts.netloc.rpartition("@")[2]
    name = place[1:].partition("]")[0] if place.startswith("[") else place.partition(":")[0]
    if name and not _NAME.fullmatch(name):
        raise _refused(url, "names no host")
    return name


def _refused(url: str, why: str) -> HullwardError:
    return HullwardError(f"{_shown(url)!r} {why}.", _FORMS)


def _shown(url: str) -> str:
    """Write an address without the part that may hold a password."""
    scheme, separator, rest = url.partition("://") if "://" in url else ("", "", url)
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
