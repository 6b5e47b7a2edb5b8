"""The wall between the outside and the host with its published ports, as a ruleset of nftables.

It drops before Docker translates an address, so one rule covers services of the host, docker-proxy,
translated ports and containers in the host's network, whatever Docker's own backend is. Measured
row by row with real packets: tests/live/test_wall.py.
"""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network

import msgspec
from msgspec import Struct

from hullward.fixes import isolation, nft
from hullward.model.errors import HullwardError
from hullward.model.firewall import Link
from hullward.model.policy import GUIDE, Policy
from hullward.model.walls import FIREWALL, Ground, Opening, Session

COMMAND = "firewall"
LOOPBACK, CONTAINER, OUTSIDE, TRUSTED, UNKNOWN = (
    "loopback",
    "container",
    "outside",
    "trusted",
    "unclassified",
)
_PROTOCOLS = ("tcp", "udp")


class Wishes(Struct, frozen=True):
    """What the owner asked for: ports by number or with conditions, and what kind a link is."""

    open_tcp: tuple[int, ...] = tuple(sorted(GUIDE.open_tcp))
    open_udp: tuple[int, ...] = tuple(sorted(GUIDE.open_udp))
    open: tuple[str, ...] = ()
    trust: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()


class Wall(Struct, frozen=True):
    """What the ruleset holds: `open` by protocol for everybody, `openings` with conditions.

    `routed` are the subnets of containers that are reached without a translation.
    """

    trusted: frozenset[str]
    host_bridges: frozenset[str]
    open: Mapping[str, frozenset[int]]
    openings: tuple[Opening, ...] = ()
    routed: tuple[str, ...] = ()


def wishes(
    policy: Policy, extra: Iterable[str], trust: Iterable[str], outside: Iterable[str]
) -> Wishes:
    """Join the policy of hullward.toml with what the command line adds."""
    return Wishes(
        tuple(sorted(policy.open_tcp)),
        tuple(sorted(policy.open_udp)),
        tuple(sorted({*policy.open, *extra})),
        tuple(sorted({*policy.trust, *trust})),
        tuple(sorted({*policy.outside, *outside})),
    )


def kind(link: Link, ground: Ground, wishes: Wishes) -> str:
    """Classify a link: by its owner's word, else by what it certainly is."""
    if link.role == LOOPBACK:
        return LOOPBACK
    if link.name in wishes.trust:
        return TRUSTED
    if link.name in wishes.outside:
        return OUTSIDE
    if link.name in isolation.container_bridges(ground):
        return CONTAINER
    if link.master and _within(link, ground):
        return CONTAINER
    return OUTSIDE if link.role == OUTSIDE else UNKNOWN


def _within(link: Link, ground: Ground) -> bool:
    """Whether it is a port of a container's bridge, so that no packet enters the host by it."""
    return link.master in isolation.container_bridges(ground)


def kinds(ground: Ground, wishes: Wishes) -> Mapping[str, str]:
    """Classify every link; a port of any bridge or bond counts as what it is a port of."""
    found = {link.name: kind(link, ground, wishes) for link in ground.links}
    for link in ground.links:
        if link.master and found[link.name] in {UNKNOWN, OUTSIDE} and link.master in found:
            found[link.name] = found[link.master]
    return found


def plan(ground: Ground, wishes: Wishes) -> Wall:
    """Work the wall out; raises HullwardError where the ground forbids it."""
    _refuse(ground, wishes)
    openings = tuple(map(nft.opening, wishes.open))
    plain = {o for o in openings if not (o.source or o.link or o.last)}
    tcp = {*wishes.open_tcp, *ground.ssh_ports, *_ports(plain, "tcp")}
    udp = {*wishes.open_udp, *_ports(plain, "udp")}
    wall = Wall(
        trusted=frozenset(wishes.trust),
        host_bridges=isolation.host_bridges(ground),
        open={"tcp": frozenset(tcp), "udp": frozenset(udp)},
        openings=tuple(sorted(set(openings) - plain)),
        routed=tuple(sorted(ground.routed)),
    )
    for session in [ground.here] if ground.here else ground.sessions:
        if not admits(wall, ground, wishes, session):
            raise HullwardError(
                f"The ssh connection from {session.client} to port {session.port}"
                f"{f' on {session.link}' if session.link else ''} would be closed.",
                f"Add --open {session.port}/tcp, or --trust its interface. Nothing was changed.",
            )
    return wall


def _ports(openings: Iterable[Opening], protocol: str) -> frozenset[int]:
    return frozenset(o.first for o in openings if o.protocol == protocol)


def _refuse(ground: Ground, wishes: Wishes) -> None:
    """Raise HullwardError for links that nobody has classified, or that mean two things."""
    known = {link.name for link in ground.links}
    for name in (*wishes.trust, *wishes.outside):
        nft.name(name)
        if name in wishes.trust and name in wishes.outside:
            raise HullwardError(f"{name} is both trusted and outside.", "Keep one of them.")
        if name not in known and name in wishes.outside:
            raise HullwardError(f"There is no interface {name}.", "`ip link` lists them.")
    masters = {link.name for link in ground.links if not link.master}
    found = kinds(ground, wishes)
    unclear = [name for name in found if found[name] == UNKNOWN and name in masters]
    if unclear:
        raise HullwardError(
            f"What these interfaces lead to is not known: {', '.join(sorted(unclear))}.",
            "Say it: --trust NAME lets everything in over it, --outside NAME what is open only.",
        )
    mine = isolation.host_bridges(ground) - set(wishes.trust)
    filtered = [name for name in ground.filtered if name in mine]
    if filtered:
        raise HullwardError(
            f"Guests are bridged over {', '.join(filtered)}, and br_netfilter is on: rules "
            "of the host would filter their packets too.",
            "`sysctl net.bridge.bridge-nf-call-iptables=0` and its ip6tables sister, or --trust "
            "that bridge.",
        )


def admits(wall: Wall, ground: Ground, wishes: Wishes, session: Session) -> bool:
    """Whether a new connection like this one would come in."""
    found = kinds(ground, wishes).get(session.link, UNKNOWN)
    if found in {LOOPBACK, TRUSTED, CONTAINER} or session.port in wall.open["tcp"]:
        return True
    try:
        client = ip_address(session.client)
    except ValueError:
        return False
    return any(
        o.protocol == "tcp"
        and o.holds(session.port)
        and o.link in {"", session.link}
        and (not o.source or client in ip_network(o.source))
        for o in wall.openings
    )


def text(wall: Wall, wishes: Wishes) -> str:
    """Write the ruleset."""
    body = "".join(_sets(wall)) + _HEAD + "".join(f"        {r}\n" for r in _rules(wall)) + _TAIL
    return nft.table(FIREWALL, COMMAND, wishes, body)


def wished(text: str | None) -> Wishes | None:
    """Read back what was wished when a text was made."""
    found = nft.wishes(text)
    try:
        return msgspec.json.decode(found, type=Wishes) if found else None
    except msgspec.MsgspecError:
        return None


def _sets(wall: Wall) -> Iterator[str]:
    trusted = map(nft.name, sorted(wall.trusted))
    yield nft.set_("trusted", "ifname", trusted, "everything may come in over these")
    bridges = map(nft.name, sorted(wall.host_bridges))
    yield nft.set_("host_bridges", "ifname", bridges, "every other bridge carries containers")
    for protocol in _PROTOCOLS:
        ports = map(str, sorted(wall.open[protocol]))
        yield nft.set_(f"open_{protocol}", "inet_service", ports, "open to everybody")


def _rules(wall: Wall) -> Iterator[str]:
    """Write what is open: only to the host's own addresses, and to containers that are routed."""
    for protocol in _PROTOCOLS:
        yield f"fib daddr type local {protocol} dport @open_{protocol} accept"
    # A client asks a group of its neighbours, as mDNS does.
    yield "fib daddr type { broadcast, multicast } udp dport @open_udp accept"
    for opening in wall.openings:
        words = []
        if opening.link:
            words.append(f"iifname {nft.name(opening.link)}")
        if opening.source:
            family = "ip" if ip_network(opening.source).version == 4 else "ip6"  # noqa: PLR2004
            words.append(f"{family} saddr {opening.source}")
        ports = nft.port(opening.first, opening.last)
        yield " ".join([*words, f"fib daddr type local {opening.protocol} dport {ports} accept"])
    for subnet in wall.routed:
        family = "ip" if ip_network(subnet).version == 4 else "ip6"  # noqa: PLR2004 - IPv4
        for protocol in _PROTOCOLS:
            yield f"{family} daddr {subnet} {protocol} dport @open_{protocol} accept"


# Priority -150 is behind conntrack (-200), so that answers pass by their state, and before
# Docker's translation (-100), so that the port is the one that the client asked for. What is no
# loopback, no trusted link and no bridge of containers is outside, also a link that comes later.
_HEAD = """\
    counter denied {
    }
    chain prerouting {
        type filter hook prerouting priority -150; policy accept;
        iifname "lo" accept
        ct state established,related accept
        iifname @trusted accept
        meta iifkind "bridge" iifname != @host_bridges accept
        icmpv6 type { destination-unreachable, packet-too-big, time-exceeded } accept
        icmpv6 type { parameter-problem, echo-request } accept
        icmpv6 type { nd-router-solicit, nd-router-advert } accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
        icmpv6 type { mld-listener-query, mld-listener-report } accept
        icmpv6 type { mld-listener-done, mld2-listener-report } accept
        icmp type { destination-unreachable, time-exceeded } accept
        icmp type { parameter-problem, echo-request } accept
        ip protocol igmp accept
        # DHCP for the host itself
        udp sport 67 udp dport 68 accept
        ip6 saddr fe80::/10 udp dport 546 accept
        ip daddr 127.0.0.0/8 goto refuse
"""
_TAIL = """\
        goto refuse
    }
    chain refuse {
        limit rate 10/minute log prefix "hullward-firewall "
        counter name "denied"
        drop
    }
"""
