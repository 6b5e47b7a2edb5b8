"""One packet on its way through the kernel's rules: the first of a new connection, from outside.

Nothing is guessed: a condition that cannot be judged leaves both ways open, and only what comes
out the same on every way is certain.
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
from msgspec.structs import replace

from hullward.model.firewall import Chain, FilterRule, Firewall, Link, Match, Table

Address = IPv4Address | IPv6Address

_DEPTH = 16
_STEPS = 20_000
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


class Ending(Struct, frozen=True):
    """One way in which it can end; `by` is the rule, policy or lack that decides.

    `how` is accepted, dropped or unknown, `via` input or forward.
    """

    how: str
    by: str = ""
    via: str = ""
    table: str = ""


class _State(Struct):
    """Where a packet is; `marked` says that a rule may have changed what later rules ask for."""

    packet: Packet
    firewall: Firewall
    oif: Link | None = None
    original_port: int = 0
    translated: bool = False
    marked: bool = False
    steps: int = 0
    doubts: tuple[str, ...] = ()


def walk(firewall: Firewall, packet: Packet) -> tuple[Ending, ...]:
    """Give every way in which the packet can end; one way means certainty."""
    state = _State(packet, firewall, original_port=packet.port)
    endings: list[Ending] = []
    ways = [state]
    for table, chain in chains(firewall, packet, ("ingress", "prerouting")):
        ways = [way for before in ways for way in _pass(table, chain, before, endings, "")]
    for way in ways:
        endings += _after_routing(way)
    return tuple(dict.fromkeys(endings))


def claims(firewall: Firewall, packet: Packet) -> tuple[Ending, ...]:
    """Name the chains that would surely drop it, were it meant for the host itself."""
    found: list[Ending] = []
    for table, chain in chains(firewall, packet, ("ingress", "prerouting", "input")):
        if chain.kind == "nat":
            continue
        endings: list[Ending] = []
        state = _State(packet, firewall, original_port=packet.port)
        if not list(_pass(table, chain, state, endings, "input")) and _only(endings, "dropped"):
            found.append(endings[0])
    return tuple(found)


def _only(endings: Iterable[Ending], how: str) -> bool:
    return all(ending.how == how for ending in endings)


def chains(
    firewall: Firewall, packet: Packet, hooks: tuple[str, ...]
) -> Iterator[tuple[Table, Chain]]:
    """Give the chains that see the packet at these hooks, in the kernel's order."""
    families = {"ip" if packet.version == 4 else "ip6", "inet", "netdev"}  # noqa: PLR2004 - IPv4
    found = [
        (table, chain)
        for table in firewall.tables or ()
        if table.family in families
        for chain in table.chains
        if chain.hook in hooks and (not chain.devices or packet.link.name in chain.devices)
    ]
    return iter(sorted(found, key=lambda pair: (hooks.index(pair[1].hook), pair[1].priority)))


def _after_routing(way: _State) -> Iterator[Ending]:
    packet = way.packet
    links = way.firewall.links or ()
    if packet.destination.is_loopback:
        yield Ending("dropped", "the kernel takes no packets for loopback from outside", "input")
        return
    local = packet.destination in local_addresses(links)
    hook = "input" if local else "forward"
    if not local:
        forwards = way.firewall.forwarding.get(str(packet.version))
        way.oif = link_to(links, packet.destination)
        if way.oif is None:
            yield Ending("unknown", f"where {packet.destination} is cannot be seen", hook)
            return
        if not forwards:
            lack = "the kernel forwards nothing" if forwards is False else "ip_forward is not known"
            yield Ending("unknown" if forwards is None else "dropped", lack, hook)
            return
    endings: list[Ending] = []
    ways = [way]
    for table, chain in chains(way.firewall, packet, (hook,)):
        ways = [after for before in ways for after in _pass(table, chain, before, endings, hook)]
    yield from endings
    for after in ways:
        by = "; ".join(dict.fromkeys(after.doubts))
        yield Ending("accepted", "" if not endings else by, hook)


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


def _pass(
    table: Table, chain: Chain, state: _State, endings: list[Ending], via: str
) -> Iterator[_State]:
    """Let the packet through one chain of the kernel; what ends here is added to `endings`."""
    here = f"{table.family} {table.name}"
    if table.source != "nft":
        here = f"{'ip6tables' if table.family == 'ip6' else 'iptables'} {table.name}"
    passed = False
    for kind, rule in _run(table, chain, state, 0).items():
        verb, _, target = kind.partition(":")
        if verb == "end":
            if chain.policy == "drop":
                endings.append(Ending("dropped", f"the policy of {chain.name}", via, here))
            else:
                passed = True
        elif verb == "accept":
            passed = True
        elif verb in {"drop", "unknown"}:
            how = "dropped" if verb == "drop" else "unknown"
            endings.append(Ending(how, rule, via, here))
        elif verb == "dnat":
            yield from _translated(state, target, endings, here)
    if passed:
        yield state


def _translated(state: _State, target: str, endings: list[Ending], here: str) -> Iterator[_State]:
    address, _, port = target.partition(" ")
    try:
        destination = ip_address(address) if address else state.packet.destination
        number = int(port) if port else state.packet.port
    except ValueError:
        endings.append(Ending("unknown", f"the translation to {target}", "", here))
        return
    packet = replace(state.packet, destination=destination, port=number)
    yield replace(state, packet=packet, translated=True)


def _run(table: Table, chain: Chain, state: _State, depth: int) -> dict[str, str]:
    """Give every verdict that the chain can reach, each with the rule; "end" for none."""
    reached: dict[str, str] = {}
    if depth > _DEPTH:
        return {"unknown": "chains that jump too deep"}
    for rule in chain.rules:
        state.steps += 1
        if state.steps > _STEPS:
            return {"unknown": "too many rules"}
        fits = _fits(rule, state)
        if fits is False:
            continue
        results = _apply(table, rule, state, depth)
        goes_on = results.pop("next", None) is not None
        reached = {**results, **reached}
        if fits and not goes_on:
            return reached
        if results and not fits:
            state.doubts = (*state.doubts, f"{chain.name}: {rule.text}")
    return {**reached, "end": ""}


def _apply(table: Table, rule: FilterRule, state: _State, depth: int) -> dict[str, str]:
    if rule.verdict in {"accept", "drop", "unknown"}:
        return {rule.verdict: rule.text}
    if rule.verdict == "return":
        return {"end": ""}
    if rule.verdict in {"jump", "goto"}:
        chain = table.chain(rule.target)
        results = {"unknown": rule.text} if chain is None else _run(table, chain, state, depth + 1)
        if rule.verdict == "jump" and "end" in results:
            del results["end"]
            results["next"] = ""
        return results
    if rule.verdict == "dnat":
        return {f"dnat:{rule.target}": rule.text}
    if rule.verdict == "redirect":
        return {f"dnat: {rule.target}": rule.text}
    if rule.verdict == "mark":
        state.marked = True
    return {"next": ""}


def _fits(rule: FilterRule, state: _State) -> bool | None:
    """Whether all conditions fit: None where that cannot be said."""
    answer: bool | None = True
    for match in rule.matches:
        fits = _holds(match, state)
        if fits is False:
            return False
        if fits is None:
            answer = None
    return answer


def _holds(match: Match, state: _State) -> bool | None:
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


def _protocol(match: Match, state: _State) -> bool | None:
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


def _source_port(match: Match, state: _State) -> bool | None:
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


def _state_of_connection(match: Match, state: _State) -> bool | None:
    wanted = set(match.values)
    states = {"new", *({"dnat"} if state.translated else ())}
    return bool(wanted & states)


def _status(match: Match, state: _State) -> bool | None:
    if set(match.values) == {"dnat"}:
        return state.translated
    return None


def _destination_type(match: Match, state: _State) -> bool | None:
    local = state.packet.destination in local_addresses(state.firewall.links or ())
    loopback = state.packet.destination.is_loopback
    known = {"local", "unicast", "broadcast", "multicast", "anycast", "unspec", "prohibit"}
    if not set(match.values) <= known:
        return None
    return ("local" if local or loopback else "unicast") in match.values


def _mark(match: Match, state: _State) -> bool | None:
    if state.marked or len(match.values) != 1:
        return None
    value, _, _ = match.values[0].partition("/")
    try:
        # A new packet has no mark.
        return int(value, 0) == 0
    except ValueError:
        return None


def _flags(match: Match, state: _State) -> bool | None:
    del state
    if len(match.values) != 2:  # noqa: PLR2004 - mask and wanted flags
        return None
    mask, wanted = (set(part.split(",")) for part in match.values)
    everything = "ALL" in mask or "SYN" in mask
    return ({"SYN"} if everything else set()) == (wanted - {"NONE"})


def _reverse_path(match: Match, state: _State) -> bool | None:
    """Whether answers leave by the same link: sure where it has the only default route."""
    del match
    packet = state.packet
    back = link_to(state.firewall.links or (), packet.source)
    if back is not None:
        return back == packet.link or None
    routed = [link for link in state.firewall.links or () if packet.version in link.routes]
    return True if routed == [packet.link] else None


_CHECKS: dict[str, Callable[[Match, _State], bool | None]] = {
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


def prefixes(tables: Iterable[Table], version: int) -> tuple[str, ...]:
    """Give every source that a rule names, in one family of addresses."""
    found: dict[str, None] = {}
    for table in tables:
        for chain in table.chains:
            for rule in chain.rules:
                for match in rule.matches:
                    if match.key == "saddr":
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
