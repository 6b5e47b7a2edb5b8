"""The truth table of ports: who listens, which firewall claims to close it, and what is true."""

from collections.abc import Callable, Iterable
from ipaddress import ip_address

from msgspec import Struct
from msgspec.structs import replace

from hullward.model.facts import Snapshot
from hullward.model.firewall import Firewall, Link
from hullward.rules import conditions, packets, port_rows
from hullward.rules.conditions import Address, Budget, Packet
from hullward.rules.packets import Ending
from hullward.rules.port_rows import Claim, Reach, Row, gap, names

__all__ = ["Claim", "Reach", "Row", "gap", "names", "table"]

_MOST_SOURCES = 64
_NEAR = "open to hosts on the link of"
# Addresses that stand for the Internet; the first that no rule names is taken.
_STRANGERS = {
    4: tuple(ip_address(0x01010101 + 0x03F1F1F3 * n) for n in range(52)),
    6: tuple(ip_address((0x2A << 120) + (0x01F3F5 << 90) * n + 0x1234567) for n in range(1, 40)),
}


class _View(Struct):
    """The firewall, and for each family the stranger and the sources that its rules name."""

    firewall: Firewall
    strangers: dict[int, Address | None]
    admitted: dict[int, tuple[str, ...]]
    budget: Budget


def _view(firewall: Firewall) -> _View:
    tables = firewall.tables or ()
    return _View(
        firewall,
        {v: stranger(conditions.prefixes(tables, v), v) for v in (4, 6)},
        {v: conditions.prefixes(tables, v, admitting=True) for v in (4, 6)},
        Budget(),
    )


def table(snapshot: Snapshot) -> tuple[Row, ...]:
    """Give one row for every port on which the host, or a container through it, is to be met."""
    rows = port_rows.rows(snapshot)
    host = snapshot.host
    firewall = host.firewall if host else None
    if firewall is None:
        reason = (
            host.gaps.get("firewall", "the firewall was not looked at")
            if host
            else snapshot.gaps.get("host", "the host was not looked at")
        )
        return tuple(_without_rules(row, reason) for row in rows)
    missing = lack(firewall)
    if missing:
        return tuple(_without_rules(row, missing) for row in rows)
    view = _view(firewall)
    return tuple(_judged(row, view) for row in rows)


def _without_rules(row: Row, reason: str) -> Row:
    if row.loopback:
        return replace(row, reach=Reach.LOCAL, reason="it is bound to the loopback address")
    return replace(row, reason=reason)


def _judged(row: Row, view: _View) -> Row:
    ways = [(link, *_meeting(row, link, view.firewall)) for link in outside(view.firewall)]
    found = [
        _through(row, view, link, destination, near)
        for link, destination, near in ways
        if destination is not None
    ]
    if not found:
        return replace(row, reach=Reach.LOCAL, reason=_nowhere(row))
    reach, reason = max(found, key=lambda pair: _WORSE.index(pair[0]))
    hidden = view.firewall.gaps.get("hidden", "")
    if hidden:
        # Rules out of sight may open what those in sight close, by another translation.
        seen = f"by the rules in sight it is {reach}; " if reach is not Reach.UNKNOWN else ""
        reach, reason = Reach.UNKNOWN, f"{seen}{hidden}"
    return replace(row, reach=reach, reason=reason, claims=_claims(row, view, reach, reason))


# From harmless to open: the worst link decides.
_WORSE = (Reach.LOCAL, Reach.BLOCKED, Reach.LIMITED, Reach.UNKNOWN, Reach.OPEN)


def lack(firewall: Firewall) -> str:
    """Say why no packet can be followed at all, "" where it can be."""
    if firewall.tables is None:
        return firewall.gaps.get("tables", "the rules could not be read")
    if firewall.links is None:
        return firewall.gaps.get("links", "the network interfaces are not known")
    if not outside(firewall):
        return "no interface that leads outside was found"
    return ""


def outside(firewall: Firewall) -> tuple[Link, ...]:
    """Give the links that lead outside."""
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
    neighbours = link.name
    if row.interface and row.interface != link.name:
        return None, ""
    if address.is_loopback:
        # Docker's translation comes before the kernel drops such packets; IPv6 has no such way.
        return (address if address.version == 4 and row.published else None), neighbours  # noqa: PLR2004 - IPv4
    mine = [ip_address(text.partition("/")[0]) for text in link.addresses]
    if address in mine:
        return address, neighbours if address.is_link_local else ""
    if not address.is_unspecified:
        elsewhere = address in conditions.local_addresses(firewall.links or ())
        return (address if elsewhere else None), f"{neighbours} that send for {address} to it"
    fitting = [found for found in mine if found.version == address.version]
    public = [found for found in fitting if not found.is_link_local]
    if public:
        return public[0], ""
    return (fitting[0], neighbours) if fitting else (None, "")


def _through(
    row: Row, view: _View, link: Link, destination: Address, near: str
) -> tuple[Reach, str]:
    """Send packets of every kind of source over a link, and sum up."""
    if link.program:
        return Reach.UNKNOWN, f"an XDP program sees the packets of {link.name} first"
    anybody = view.strangers[destination.version]
    if anybody is None:
        return Reach.UNKNOWN, "the rules name so many sources that none stands for the Internet"

    def fate(source: Address) -> tuple[Reach, str]:
        packet = Packet(row.protocol, source, destination, row.port, link)
        return _fate(row, packets.walk(view.firewall, packet, view.budget))

    reach, reason = fate(anybody)
    if reach is Reach.OPEN and near:
        return Reach.LIMITED, f"{_NEAR} {near}"
    if reach is not Reach.BLOCKED:
        return reach, reason
    return _exceptions(view.admitted[destination.version], fate, reason)


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
    found = [address for address in conditions.samples(prefix) if _usable(address)]
    for address in found:
        holding = [other for other in named if conditions.inside(address, other)]
        if holding == [prefix]:
            return address
    return found[0] if found else None


def _usable(address: Address) -> bool:
    return not (address.is_loopback or address.is_multicast or address.is_unspecified)


def stranger(named: Iterable[str], version: int) -> Address | None:
    """Choose an address that stands for the Internet: one that no rule names."""
    everyone = {"0.0.0.0/0", "::/0"}
    narrow = [prefix for prefix in named if prefix not in everyone]
    for address in _STRANGERS[version]:
        if address.is_global and not any(conditions.inside(address, p) for p in narrow):
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
    return Reach.UNKNOWN, f"a rule that cannot be judged decides: {(unclear or [''])[0][:160]}"


def _path(row: Row, endings: Iterable[Ending]) -> str:
    if any(ending.via == "forward" for ending in endings):
        return "translated and forwarded to the container: rules for INPUT never see it"
    if row.published:
        return "relayed by docker-proxy: Docker's translation is not met"
    return "nothing drops it"


def _claims(row: Row, view: _View, reach: Reach, reason: str) -> tuple[Claim, ...]:
    """Name each firewall that drops what comes for this port to the host itself."""
    if reach is Reach.LOCAL:
        return ()
    # Named sources are let in by a rule; neighbours come in where none was meant to let them.
    limited = not reason.startswith(_NEAR)
    holds = {Reach.BLOCKED: True, Reach.LIMITED: limited, Reach.OPEN: False}.get(reach)
    names: dict[str, None] = {}
    for link in outside(view.firewall):
        destination, _ = _meeting(row, link, view.firewall)
        anybody = view.strangers[row.version]
        if destination is None or anybody is None:
            continue
        packet = Packet(row.protocol, anybody, destination, row.port, link)
        for ending in packets.claims(view.firewall, packet, view.budget):
            names[_manager(view.firewall, ending)] = None
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
