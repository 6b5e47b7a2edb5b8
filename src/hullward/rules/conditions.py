"""Whether the conditions of a rule fit a packet: yes, no, or nobody can say.

The packet is the first of a new connection that comes from outside.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv6Address,
    ip_address,
    ip_network,
)

from msgspec import Struct

from hullward.model.firewall import FilterRule, Firewall, Link, Match, Table

Address = IPv4Address | IPv6Address

_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "ipv6-icmp": "icmpv6"}


class Packet(Struct, frozen=True):
    """The first packet of a connection, as it comes in over a link."""

    protocol: str
    source: Address
    destination: Address
    port: int
    link: Link

    @property
    def version(self) -> int:
        """4 or 6."""
        return self.destination.version


class Budget(Struct):
    """How many rules may still be looked at; a hostile host could have them without end."""

    steps: int = 2_000_000


class State(Struct):
    """Where a packet is; `marked` says that a rule may have changed what later rules ask for."""

    packet: Packet
    firewall: Firewall
    budget: Budget
    oif: Link | None = None
    original_port: int = 0
    translated: bool = False
    marked: bool = False
    doubts: tuple[str, ...] = ()


def fits(rule: FilterRule, state: State) -> bool | None:
    """Whether all conditions fit: None where that cannot be said."""
    answer: bool | None = True
    for match in rule.matches:
        holds = _holds(match, state)
        if holds is False:
            return False
        if holds is None:
            answer = None
    return answer


def _holds(match: Match, state: State) -> bool | None:
    if match.key in {"always", "never"}:
        return match.key == "always"
    check = _CHECKS.get(match.key)
    fits = check(match, state) if check else None
    if match.key == "iifkind" and not state.packet.link.kind:
        # A link without a kind breaks the match: neither `==` nor `!=` fits.
        return False
    return fits if fits is None else fits != match.negated


def _link(name: str, values: Iterable[str]) -> bool:
    return any(
        name.startswith(value[:-1]) if value.endswith("*") else name == value for value in values
    )


def _protocol(match: Match, state: State) -> bool | None:
    names = {_PROTOCOLS.get(value, value) for value in match.values}
    return bool(names & {state.packet.protocol, "all"})


def _port(port: int, values: Iterable[str]) -> bool | None:
    answer: bool | None = False
    for value in values:
        first, _, last = value.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            # A name of /etc/services.
            answer = None
        elif int(first) <= port <= int(last or first):
            return True
    return answer


def _source_port(match: Match, state: State) -> bool | None:
    # The peer chooses it.
    del state
    return True if match.values in {("0-65535",), ("1-65535",)} else None


@lru_cache(4096)
def _range(text: str) -> tuple[int, int, int] | None:
    """Read a prefix, a range or an address: version, first, last."""
    try:
        if "-" in text:
            first, last = (ip_address(end) for end in text.split("-", 1))
            return first.version, int(first), int(last)
        network = ip_network(text, strict=False)
    except ValueError:
        return None
    return network.version, int(network.network_address), int(network.broadcast_address)


def _address(address: Address, values: Iterable[str]) -> bool | None:
    answer: bool | None = False
    for value in values:
        found = _range(value)
        if found is None:
            answer = None
        elif found[0] == address.version and found[1] <= int(address) <= found[2]:
            return True
    return answer


def _state_of_connection(match: Match, state: State) -> bool | None:
    wanted = set(match.values)
    states = {"new", *({"dnat"} if state.translated else ())}
    return bool(wanted & states)


def _status(match: Match, state: State) -> bool | None:
    if set(match.values) == {"dnat"}:
        return state.translated
    return None


def _destination_type(match: Match, state: State) -> bool | None:
    local = state.packet.destination in local_addresses(state.firewall.links or ())
    loopback = state.packet.destination.is_loopback
    known = {"local", "unicast", "broadcast", "multicast", "anycast", "unspec", "prohibit"}
    if not set(match.values) <= known:
        return None
    return ("local" if local or loopback else "unicast") in match.values


def _mark(match: Match, state: State) -> bool | None:
    if state.marked or len(match.values) != 1:
        return None
    value, _, _ = match.values[0].partition("/")
    try:
        # A new packet has no mark.
        return int(value, 0) == 0
    except ValueError:
        return None


def _flags(match: Match, state: State) -> bool | None:
    del state
    if len(match.values) != 2:  # noqa: PLR2004 - mask and wanted flags
        return None
    mask, wanted = (set(part.split(",")) for part in match.values)
    everything = "ALL" in mask or "SYN" in mask
    return ({"SYN"} if everything else set()) == (wanted - {"NONE"})


def _reverse_path(match: Match, state: State) -> bool | None:
    """Whether answers leave by the same link: sure where it has the only default route."""
    del match
    packet = state.packet
    back = link_to(state.firewall.links or (), packet.source)
    if back is not None:
        return back == packet.link or None
    routed = [link for link in state.firewall.links or () if packet.version in link.routes]
    return True if routed == [packet.link] else None


_CHECKS: dict[str, Callable[[Match, State], bool | None]] = {
    "iif": lambda match, state: _link(state.packet.link.name, match.values),
    "oif": lambda match, state: state.oif is not None and _link(state.oif.name, match.values),
    "iifkind": lambda match, state: state.packet.link.kind in match.values,
    "protocol": _protocol,
    "family": lambda match, state: f"ipv{state.packet.version}" in match.values,
    "saddr": lambda match, state: _address(state.packet.source, match.values),
    "daddr": lambda match, state: _address(state.packet.destination, match.values),
    "sport": _source_port,
    "dport": lambda match, state: _port(state.packet.port, match.values),
    "origdport": lambda match, state: _port(state.original_port, match.values),
    "ctstate": _state_of_connection,
    "ctstatus": _status,
    "ctdir": lambda match, state: "original" in match.values,  # noqa: ARG005 - one type for all
    "daddrtype": _destination_type,
    "mark": _mark,
    "tcpflags": _flags,
    "rpath": _reverse_path,
}


def local_addresses(links: Iterable[Link]) -> frozenset[Address]:
    """Give every address of the host itself."""
    return frozenset(
        ip_address(address.partition("/")[0]) for link in links for address in link.addresses
    )


def link_to(links: Iterable[Link], destination: Address) -> Link | None:
    """Find the link whose network holds an address."""
    best: tuple[int, Link] | None = None
    for link in links:
        for address in link.addresses:
            network = ip_network(address, strict=False)
            fits = network.version == destination.version and destination in network
            if fits and (best is None or network.prefixlen > best[0]):
                best = (network.prefixlen, link)
    return best[1] if best else None


def prefixes(tables: Iterable[Table], version: int, *, admitting: bool = False) -> tuple[str, ...]:
    """Give every source that a rule names in one family; or only those that it could let in."""
    found: dict[str, None] = {}
    for table in tables:
        for chain in table.chains:
            for rule in chain.rules:
                for match in rule.matches:
                    lets_in = match.negated or rule.verdict != "drop"
                    if match.key == "saddr" and (lets_in or not admitting):
                        found.update(dict.fromkeys(match.values))
    return tuple(text for text in found if (span := _range(text)) and span[0] == version)


def inside(address: Address, text: str) -> bool:
    """Whether an address is in a prefix or range."""
    return bool(_address(address, (text,)))


def samples(text: str) -> Iterator[Address]:
    """Give some addresses of a prefix or range: a few of its ends and its middle."""
    span = _range(text)
    if span is None:
        return
    version, first, last = span
    make = IPv4Address if version == 4 else IPv6Address  # noqa: PLR2004 - IPv4
    for number in dict.fromkeys((min(first + 1, last), (first + last) // 2, max(last - 1, first))):
        yield make(number)


def names_port(rule: FilterRule, protocol: str, port: int) -> bool:
    """Whether a rule's own conditions name this port of this protocol."""
    by_key: dict[str, list[Match]] = {}
    for match in rule.matches:
        by_key.setdefault(match.key, []).append(match)
    protocols = [m for m in by_key.get("protocol", ()) if not m.negated]
    ports = [m for m in by_key.get("dport", ()) if not m.negated]
    return (
        bool(ports)
        and all(protocol in m.values for m in protocols)
        and all(_port(port, m.values) is not False for m in ports)
    )
