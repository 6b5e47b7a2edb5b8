"""One packet on its way through the kernel's rules: the first of a new connection, from outside.

Nothing is guessed: a condition that cannot be judged leaves both ways open, and only what comes
out the same on every way is certain.
"""

from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from msgspec import Struct
from msgspec.structs import replace

from hullward.model.firewall import Chain, FilterRule, Firewall, Table
from hullward.rules.conditions import Budget, Packet, State, fits, link_to, local_addresses

# The kernel refuses chains that jump deeper, or in a circle.
_DEPTH = 16


class Ending(Struct, frozen=True):
    """One way in which it can end; `by` is the rule, policy or lack that decides.

    `how` is accepted, dropped or unknown, `via` input or forward.
    """

    how: str
    by: str = ""
    via: str = ""
    table: str = ""


def walk(firewall: Firewall, packet: Packet, budget: Budget) -> tuple[Ending, ...]:
    """Give every way in which the packet can end; one way means certainty."""
    state = State(packet, firewall, budget, original_port=packet.port)
    endings: list[Ending] = []
    ways = [state]
    for table, chain in chains(firewall, packet, ("ingress", "prerouting")):
        ways = [way for before in ways for way in _pass(table, chain, before, endings, "")]
    for way in ways:
        endings += _after_routing(way)
    return tuple(dict.fromkeys(endings))


def claims(firewall: Firewall, packet: Packet, budget: Budget) -> tuple[Ending, ...]:
    """Name the chains that would surely drop it, were it meant for the host itself."""
    found: list[Ending] = []
    for table, chain in chains(firewall, packet, ("ingress", "prerouting", "input")):
        if chain.kind == "nat":
            continue
        endings: list[Ending] = []
        state = State(packet, firewall, budget, original_port=packet.port)
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


def _after_routing(way: State) -> Iterator[Ending]:
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


def _pass(
    table: Table, chain: Chain, state: State, endings: list[Ending], via: str
) -> Iterator[State]:
    """Let the packet through one chain of the kernel; what ends here is added to `endings`."""
    here = f"{table.family} {table.name}"
    if table.source != "nft":
        here = f"{'ip6tables' if table.family == 'ip6' else 'iptables'} {table.name}"
    passed = False
    for kind, rule in _run(table, chain, state, ()).items():
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


def _translated(state: State, target: str, endings: list[Ending], here: str) -> Iterator[State]:
    address, _, port = target.partition(" ")
    try:
        destination = ip_address(address) if address else state.packet.destination
        number = int(port) if port else state.packet.port
    except ValueError:
        endings.append(Ending("unknown", f"the translation to {target}", "", here))
        return
    packet = replace(state.packet, destination=destination, port=number)
    yield replace(state, packet=packet, translated=True)


def _run(table: Table, chain: Chain, state: State, above: tuple[str, ...]) -> dict[str, str]:
    """Give every verdict that the chain can reach, each with the rule; "end" for none."""
    reached: dict[str, str] = {}
    if len(above) > _DEPTH or chain.name in above:
        return {"unknown": "chains that jump in a circle"}
    for rule in chain.rules:
        state.budget.steps -= 1
        if state.budget.steps < 0:
            return {"unknown": "too many rules"}
        fitting = fits(rule, state)
        if fitting is False:
            continue
        results = _apply(table, rule, state, (*above, chain.name))
        goes_on = results.pop("next", None) is not None
        reached = {**results, **reached}
        if fitting and not goes_on:
            return reached
        if results and not fitting:
            state.doubts = (*state.doubts, f"{chain.name}: {rule.text}")
    return {**reached, "end": ""}


def _apply(table: Table, rule: FilterRule, state: State, above: tuple[str, ...]) -> dict[str, str]:
    if rule.verdict in {"accept", "drop", "unknown"}:
        return {rule.verdict: rule.text}
    if rule.verdict == "return":
        return {"end": ""}
    if rule.verdict in {"jump", "goto"}:
        chain = table.chain(rule.target)
        results = {"unknown": rule.text} if chain is None else _run(table, chain, state, above)
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
