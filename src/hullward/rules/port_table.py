"""The truth table of ports: who listens, which firewall claims to close it, and what is true."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from ipaddress import ip_address

from msgspec import Struct
from msgspec.structs import replace

from hullward.model.facts import Container, Snapshot
from hullward.model.firewall import Firewall, Link
from hullward.model.sockets import Socket
from hullward.rules import packets
from hullward.rules.packets import Address, Ending, Packet

ANY4, ANY6 = "0.0.0.0", "::"  # noqa: S104 - compared and shown, never bound
_MOST_SOURCES = 64
# Addresses that stand for the Internet; the first that no rule names is taken.
_STRANGERS = {
    4: tuple(ip_address(0x01010101 + 0x03F1F1F3 * n) for n in range(52)),
    6: tuple(ip_address((0x2A << 120) + (0x01F3F5 << 90) * n + 0x1234567) for n in range(1, 40)),
}


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

    `via` says how it is reached: published (translated by Docker's rules), proxy (docker-proxy)
    or host (a process on the host's network).
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
    def deceived(self) -> bool:
        """Whether a firewall claims to close it, and it is open all the same."""
        return any(claim.holds is False for claim in self.claims)


def table(snapshot: Snapshot) -> tuple[Row, ...]:
    """Give one row for every port on which the host, or a container through it, is to be met."""
    rows = _rows(snapshot)
    host = snapshot.host
    firewall = host.firewall if host else None
    if firewall is None:
        reason = (
            host.gaps.get("firewall", "the firewall was not looked at")
            if host
            else snapshot.gaps.get("host", "the host was not looked at")
        )
        return tuple(_without_rules(row, reason) for row in rows)
    return tuple(_judged(row, firewall) for row in rows)


def gap(snapshot: Snapshot) -> str:
    """Say why rows may be missing, "" where the kernel named every socket."""
    host = snapshot.host
    if host is None:
        return snapshot.gaps.get("host", "the host was not looked at")
    if host.sockets is None:
        return host.gaps.get("sockets", "the listening sockets were not looked at")
    return ""


def _rows(snapshot: Snapshot) -> tuple[Row, ...]:
    sockets = snapshot.host.sockets if snapshot.host else None
    by_id = {container.id: container for container in snapshot.containers}
    rows: dict[tuple[str, str, int, str], Row] = {}
    for socket in sockets.listening if sockets else ():
        for address in _addresses(socket, sockets.listening if sockets else ()):
            row = _of_socket(socket, address, by_id)
            rows.setdefault((row.protocol, row.address, row.port, row.interface), row)
    for container in snapshot.containers:
        for row in _of_container(container, listens=None if sockets is None else False):
            key = (row.protocol, row.address, row.port, row.interface)
            held = rows.get(key)
            rows[key] = row if held is None else _joined(held, row)
    return tuple(sorted(rows.values(), key=_order))


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


def _without_rules(row: Row, reason: str) -> Row:
    if ip_address(row.address).is_loopback:
        return replace(row, reach=Reach.LOCAL, reason="it is bound to the loopback address")
    return replace(row, reason=reason)


def _judged(row: Row, firewall: Firewall) -> Row:
    lack = _lack(firewall)
    if lack:
        return _without_rules(row, lack)
    ways = [(link, *_meeting(row, link, firewall)) for link in _outside(firewall)]
    found = [
        _through(row, firewall, link, destination, near)
        for link, destination, near in ways
        if destination is not None
    ]
    if not found:
        return replace(row, reach=Reach.LOCAL, reason=_nowhere(row))
    reach, reason = max(found, key=lambda pair: _WORSE.index(pair[0]))
    hidden = firewall.gaps.get("hidden", "")
    if hidden and reach in {Reach.OPEN, Reach.LIMITED, Reach.UNKNOWN}:
        seen = f"by the rules in sight it is {reach}; " if reach is not Reach.UNKNOWN else ""
        reach, reason = Reach.UNKNOWN, f"{seen}{hidden}"
    return replace(row, reach=reach, reason=reason, claims=_claims(row, firewall, reach))


# From harmless to open: the worst link decides.
_WORSE = (Reach.LOCAL, Reach.BLOCKED, Reach.LIMITED, Reach.UNKNOWN, Reach.OPEN)


def _lack(firewall: Firewall) -> str:
    if firewall.tables is None:
        return firewall.gaps.get("tables", "the rules could not be read")
    if firewall.links is None:
        return firewall.gaps.get("links", "the network interfaces are not known")
    if not _outside(firewall):
        return "no interface that leads outside was found"
    return ""


def _outside(firewall: Firewall) -> tuple[Link, ...]:
    return tuple(link for link in firewall.links or () if link.role == "outside")


def _nowhere(row: Row) -> str:
    address = ip_address(row.address)
    if address.is_loopback:
        return "it is bound to the loopback address"
    if row.interface:
        return f"it is bound to the interface {row.interface}"
    return f"no interface that leads outside has an IPv{address.version} address"


def _meeting(row: Row, link: Link, firewall: Firewall) -> tuple[Address | None, str]:
    """Give the address at which a peer on a link meets the port, and who such peers can be.

    The second is "" for everybody, else words for the few: only neighbours on the same link
    can send to an address that is not routed to the host.
    """
    address = ip_address(row.address)
    neighbours = f"hosts on the link of {link.name}"
    if row.interface and row.interface != link.name:
        return None, ""
    if address.is_loopback:
        # Docker's translation comes before the kernel drops such packets; IPv6 has no such way.
        return (address if address.version == 4 and row.published else None), neighbours  # noqa: PLR2004 - IPv4
    mine = [ip_address(text.partition("/")[0]) for text in link.addresses]
    if address in mine:
        return address, neighbours if address.is_link_local else ""
    if not address.is_unspecified:
        elsewhere = address in packets.local_addresses(firewall.links or ())
        return (address if elsewhere else None), f"{neighbours} that route to {address}"
    fitting = [found for found in mine if found.version == address.version]
    public = [found for found in fitting if not found.is_link_local]
    if public:
        return public[0], ""
    return (fitting[0], neighbours) if fitting else (None, "")


def _through(
    row: Row, firewall: Firewall, link: Link, destination: Address, near: str
) -> tuple[Reach, str]:
    """Send packets of every kind of source over a link, and sum up."""
    if link.program:
        return Reach.UNKNOWN, f"an XDP program sees the packets of {link.name} first"
    tables = firewall.tables or ()
    named = packets.prefixes(tables, destination.version)
    stranger = _stranger(named, destination.version)
    if stranger is None:
        return Reach.UNKNOWN, "the rules name so many sources that none stands for the Internet"

    def fate(source: Address) -> tuple[Reach, str]:
        packet = Packet(row.protocol, source, destination, row.port, link)
        return _fate(row, packets.walk(firewall, packet))

    reach, reason = fate(stranger)
    if reach is Reach.OPEN and near:
        return Reach.LIMITED, f"open to {near}"
    if reach is not Reach.BLOCKED:
        return reach, reason
    return _exceptions(named, fate, reason)


def _exceptions(
    named: Iterable[str], fate: Callable[[Address], tuple[Reach, str]], reason: str
) -> tuple[Reach, str]:
    """Find the named sources for which a port that is closed to the Internet is open."""
    known = sorted(set(named))
    if len(known) > _MOST_SOURCES:
        return Reach.UNKNOWN, f"closed to the Internet; the rules name {len(known)} sources"
    allowed, unclear = [], []
    for prefix in known:
        source = _sample(prefix, known)
        if source is None:
            continue
        found, why = fate(source)
        if found is Reach.OPEN:
            allowed.append(prefix)
        elif found is Reach.UNKNOWN:
            unclear.append(why)
    if allowed:
        return Reach.LIMITED, f"open to {', '.join(allowed)} only"
    if unclear:
        return Reach.UNKNOWN, f"closed to the Internet; for named sources: {unclear[0]}"
    return Reach.BLOCKED, reason


def _sample(prefix: str, named: Iterable[str]) -> Address | None:
    """Pick an address of a prefix that no narrower one holds, if there is one."""
    found = [address for address in packets.samples(prefix) if _usable(address)]
    for address in found:
        holding = [other for other in named if packets.inside(address, other)]
        if holding == [prefix]:
            return address
    return found[0] if found else None


def _usable(address: Address) -> bool:
    return not (address.is_loopback or address.is_multicast or address.is_unspecified)


def _stranger(named: Iterable[str], version: int) -> Address | None:
    everyone = {"0.0.0.0/0", "::/0"}
    narrow = [prefix for prefix in named if prefix not in everyone]
    for address in _STRANGERS[version]:
        if address.is_global and not any(packets.inside(address, p) for p in narrow):
            return address
    return None


def _fate(row: Row, endings: tuple[Ending, ...]) -> tuple[Reach, str]:
    """Sum up the ways in which one packet can end."""
    hows = {ending.how for ending in endings}
    if hows == {"accepted"}:
        if any(ending.via == "input" for ending in endings) and row.listens is False:
            if all(ending.via == "input" for ending in endings):
                return Reach.BLOCKED, "nobody answers: no translation by Docker, no docker-proxy"
            return Reach.UNKNOWN, "it depends on whether Docker's translation is met"
        return Reach.OPEN, _path(row, endings)
    if hows == {"dropped"}:
        ending = endings[0]
        where = f"{ending.table}: " if ending.table else ""
        return Reach.BLOCKED, f"{where}{ending.by}"
    unclear = [e.by for e in endings if e.how == "unknown"] or [e.by for e in endings if e.by]
    return Reach.UNKNOWN, f"a rule that cannot be judged decides: {unclear[0][:160]}"


def _path(row: Row, endings: Iterable[Ending]) -> str:
    if any(ending.via == "forward" for ending in endings):
        return "translated and forwarded to the container: rules for INPUT never see it"
    if row.published:
        return "relayed by docker-proxy: Docker's translation is not met"
    return "nothing drops it"


def _claims(row: Row, firewall: Firewall, reach: Reach) -> tuple[Claim, ...]:
    """Name each firewall that drops what comes for this port to the host itself."""
    if reach is Reach.LOCAL:
        return ()
    holds = {Reach.BLOCKED: True, Reach.LIMITED: True, Reach.OPEN: False}.get(reach)
    names: dict[str, None] = {}
    for link in _outside(firewall):
        destination, _ = _meeting(row, link, firewall)
        stranger = _stranger(packets.prefixes(firewall.tables or (), row.version), row.version)
        if destination is None or stranger is None:
            continue
        packet = Packet(row.protocol, stranger, destination, row.port, link)
        for ending in packets.claims(firewall, packet):
            names[_manager(firewall, ending)] = None
    return tuple(Claim(name, holds) for name in names)


def _manager(firewall: Firewall, ending: Ending) -> str:
    """Name who made a rule: the managers' chains and tables have names of their own."""
    if ending.table.endswith("firewalld"):
        return "firewalld"
    if ending.table.endswith("tables filter") and uses_ufw(firewall):
        return "ufw"
    return ending.table if "tables " in ending.table else f"nft {ending.table}"


def uses_ufw(firewall: Firewall) -> bool:
    """Whether ufw's chains are in the kernel."""
    return any(
        chain.name in {"ufw-before-input", "ufw6-before-input"}
        for table in firewall.tables or ()
        for chain in table.chains
    )

