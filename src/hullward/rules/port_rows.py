"""The ports of a host, before anybody judges them: who listens, and what Docker publishes."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from ipaddress import ip_address

from msgspec import Struct
from msgspec.structs import replace

from hullward.model.facts import Container, Snapshot
from hullward.model.sockets import Socket

ANY4, ANY6 = "0.0.0.0", "::"  # noqa: S104 - compared and shown, never bound


class Reach(StrEnum):
    """Whether somebody outside gets through to a port, as far as the host itself decides it.

    `limited` is open to some and closed to the Internet at large; `local` is bound where nobody
    outside can come.
    """

    OPEN = "open"
    LIMITED = "limited"
    BLOCKED = "blocked"
    LOCAL = "local"
    UNKNOWN = "unknown"


class Claim(Struct, frozen=True):
    """A firewall that drops what comes for this port to the host itself; `holds` None: unknown."""

    firewall: str
    holds: bool | None


class Row(Struct, frozen=True):
    """One port of the host; `who` is a container or a program.

    `published` says that Docker leads it to `private` of a container, `listens` that a process of
    the host waits there as well, None where that is not known.
    """

    protocol: str
    address: str
    port: int
    who: str
    container: str = ""
    private: int = 0
    program: str = ""
    unit: str = ""
    published: bool = False
    listens: bool | None = None
    interface: str = ""
    claims: tuple[Claim, ...] = ()
    reach: Reach = Reach.UNKNOWN
    reason: str = ""

    @property
    def version(self) -> int:
        """4 or 6."""
        return ip_address(self.address).version

    @property
    def everywhere(self) -> bool:
        """Whether it is bound to every address."""
        return self.address in {ANY4, ANY6}

    @property
    def loopback(self) -> bool:
        """Whether it is bound to the loopback address."""
        return ip_address(self.address).is_loopback

    @property
    def deceived(self) -> bool:
        """Whether a firewall claims to close it, and it is open all the same."""
        return any(claim.holds is False for claim in self.claims)


def gap(snapshot: Snapshot) -> str:
    """Say why rows may be missing, "" where the kernel named every socket."""
    host = snapshot.host
    if host is None:
        return snapshot.gaps.get("host", "the host was not looked at")
    if host.sockets is None:
        return host.gaps.get("sockets", "the listening sockets were not looked at")
    return ""


def rows(snapshot: Snapshot) -> tuple[Row, ...]:
    """Give one row for every port, in order; nothing is judged yet."""
    sockets = snapshot.host.sockets if snapshot.host else None
    by_id = {container.id: container for container in snapshot.containers}
    found: dict[tuple[str, str, int, str], Row] = {}
    for socket in sockets.listening if sockets else ():
        for address in _addresses(socket, sockets.listening if sockets else ()):
            row = _of_socket(socket, address, by_id)
            found.setdefault((row.protocol, row.address, row.port, row.interface), row)
    for container in snapshot.containers:
        for row in _of_container(container, listens=None if sockets is None else False):
            key = (row.protocol, row.address, row.port, row.interface)
            held = found.get(key)
            found[key] = row if held is None else _joined(held, row)
    return tuple(sorted(found.values(), key=_order))


def _order(row: Row) -> tuple[int, str, int, str]:
    return row.port, row.protocol, row.version, row.address


def _addresses(socket: Socket, others: Iterable[Socket]) -> Iterator[str]:
    """Give the addresses on which a socket listens, each as rows know them."""
    try:
        address = ip_address(socket.address)
    except ValueError:
        return
    mapped = getattr(address, "ipv4_mapped", None)
    if mapped is not None:
        yield str(mapped)
        return
    yield str(address)
    if str(address) == ANY6 and socket.dual:
        yield ANY4
    elif str(address) == ANY6 and socket.dual is None:
        # Without ss nobody says whether it takes IPv4; a socket of its own there means no.
        same = (o for o in others if (o.protocol, o.port) == (socket.protocol, socket.port))
        if not any(other.address == ANY4 for other in same):
            yield ANY4


def _of_socket(socket: Socket, address: str, by_id: Mapping[str, Container]) -> Row:
    container = by_id.get(socket.container)
    return Row(
        protocol=socket.protocol,
        address=address,
        port=socket.port,
        who=container.name if container else socket.program or "a process of another user",
        container=container.name if container else "",
        program=socket.program,
        unit=socket.unit,
        interface=socket.interface,
        listens=True,
    )


def _of_container(container: Container, *, listens: bool | None) -> Iterator[Row]:
    if not container.running:
        return
    for port in container.ports:
        if port.public:
            yield Row(
                protocol=port.protocol,
                address=port.address or ANY4,
                port=port.public,
                who=container.name,
                container=container.name,
                private=port.private,
                published=True,
                listens=listens,
            )
    for listener in container.listeners or ():
        yield Row(
            protocol=listener.protocol,
            address=listener.address,
            port=listener.port,
            who=container.name,
            container=container.name,
            listens=True,
        )


def _joined(held: Row, row: Row) -> Row:
    """Join what the kernel and the engine say of the same port."""
    if held.published and row.published:
        return held
    return replace(row, program=held.program or row.program, unit=held.unit, listens=held.listens)


def names(found: Iterable[Row]) -> str:
    """Write ports once for both families, each with who is behind it."""
    return ", ".join(dict.fromkeys(f"{r.port}/{r.protocol} ({r.who})" for r in found))
