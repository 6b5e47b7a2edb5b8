"""Real connections to a target's ports, from where hullward runs: what a stranger would reach."""

import errno
import socket
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from hullward.host.contexts import Target
from hullward.host.endpoints import SshEndpoint, TcpEndpoint, UnixEndpoint
from hullward.model.errors import HullwardError

REACHABLE, REFUSED, SILENT, UNREACHABLE = "reachable", "refused", "silent", "unreachable"
_AT_ONCE = 32
_SECONDS = 2.0
_REFUSALS = frozenset({errno.ECONNREFUSED, errno.ECONNRESET})
_SSH_SECONDS = 10


def probe(
    addresses: Iterable[str], ports: Iterable[int], seconds: float = _SECONDS
) -> Mapping[tuple[str, int], str]:
    """Try every port at every address, several at a time, and say how each answered."""
    wanted = sorted(set(ports))
    places = [(address, port) for address in addresses for port in wanted]

    def one(place: tuple[str, int]) -> str:
        return connect(*place, seconds)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(places, pool.map(one, places), strict=True))


def connect(address: str, port: int, seconds: float) -> str:
    """Open a TCP connection and close it at once."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.settimeout(seconds)
            sock.connect((address, port))
    except TimeoutError:
        return SILENT
    except OSError as error:
        return REFUSED if error.errno in _REFUSALS else UNREACHABLE
    return REACHABLE


def addresses(target: Target, config: str = "") -> tuple[str, ...]:
    """Find the addresses of the target as a stranger would; raises HullwardError without any."""
    match target.endpoint:
        case SshEndpoint():
            return resolve(ssh_host(target.endpoint, config))
        case TcpEndpoint():
            return resolve(target.endpoint.host.strip("[]"))
        case UnixEndpoint():
            raise HullwardError(
                "A probe of this machine by itself meets none of the firewalls on the way.",
                "Run `hullward ports ssh://… --probe` on another machine, or name what is to be "
                "tried with --address.",
            )


def ssh_host(endpoint: SshEndpoint, config: str = "") -> str:
    """Ask ssh which name its configuration gives the host; raises HullwardError behind a proxy."""
    command = ("ssh", "-G", *(("-F", config) if config else ()), "--", endpoint.host)
    try:
        said = subprocess.run(  # noqa: S603 - an argument tuple
            command, capture_output=True, text=True, timeout=_SSH_SECONDS, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise HullwardError(
            f"ssh does not say which address {endpoint.host} has.", "Name it with --address."
        ) from error
    words = dict(line.partition(" ")[::2] for line in said.splitlines())
    if any(words.get(way, "none") != "none" for way in ("proxyjump", "proxycommand")):
        raise HullwardError(
            f"ssh reaches {endpoint.host} by way of another program or host, so its name may mean "
            "something else from here.",
            "Name the address that strangers would use with --address.",
        )
    return words.get("hostname") or endpoint.host


def resolve(name: str) -> tuple[str, ...]:
    """Give every address of a name; raises HullwardError for one that has none."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise HullwardError(
            f"The name {name} has no address: {getattr(error, 'strerror', None) or error}.",
            "Name an address with --address.",
        ) from error
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
