"""The wall between the host's users and its containers, as a ruleset of nftables.

Measured row by row with real packets: tests/live/test_isolation.py. The chains match positively
only: a link without a kind, such as loopback or a network card, breaks a match on its kind, and a
negated match would then fall through to the deny.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address

import msgspec
from msgspec import Struct

from hullward.fixes import nft
from hullward.model.errors import HullwardError
from hullward.model.users import Account
from hullward.model.walls import ISOLATION, Ground, Opening, Publication

COMMAND = "isolate"
# Bridges of engines that were not asked, or that are gone.
_ENGINES = re.compile(
    r"docker\d+|docker_gwbridge|br-[0-9a-f]{12}|podman\d+|cni-podman\d+|cni\d+|nerdctl\d+"
)
_BRIDGE = frozenset({"bridge", "other"})
_TOP_UID = 2**32 - 2
_PROTOCOLS = ("tcp", "udp")
_VERSIONS = (4, 6)


class Wishes(Struct, frozen=True):
    """What the owner asked for: users by name or number, and ports that containers may use."""

    users: tuple[str, ...] = ()
    open: tuple[str, ...] = ()


class Isolation(Struct, frozen=True):
    """The elements of the sets; keys of the maps are (protocol, version of IP) or the protocol.

    `at` are places published on one address, which containers may use; `guarded` are those that
    only root and the allowed may use.
    """

    uids: frozenset[int]
    host_bridges: frozenset[str]
    open: Mapping[str, frozenset[int]]
    at: Mapping[tuple[str, int], frozenset[tuple[str, int]]]
    guarded: Mapping[tuple[str, int], frozenset[tuple[str, int]]]


def container_bridges(ground: Ground) -> frozenset[str]:
    """Name the bridges that are there and carry containers."""
    return frozenset(link.name for link in ground.links if _carries(link.name, link.kind, ground))


def _carries(link: str, kind: str, ground: Ground) -> bool:
    return kind in _BRIDGE and (link in ground.bridges or bool(_ENGINES.fullmatch(link)))


def host_bridges(ground: Ground) -> frozenset[str]:
    """Name the bridges of the host itself: every one that no engine made."""
    return frozenset(
        link.name
        for link in ground.links
        if link.kind == "bridge" and not _carries(link.name, link.kind, ground)
    )


def plan(ground: Ground, wishes: Wishes) -> Isolation:
    """Work the sets out; raises HullwardError where the ground forbids the wall."""
    refuse(ground)
    opened = tuple(map(nft.opening, wishes.open))
    inward = {
        address.partition("/")[0]
        for link in ground.links
        if link.name in container_bridges(ground)
        for address in link.addresses
    }
    places = [
        (published, _local(published.address, inward))
        for published in ground.published
        if published.protocol in _PROTOCOLS
    ]
    return Isolation(
        uids=frozenset({0, *(proxy.uid for proxy in ground.proxies), *uids(ground, wishes)}),
        host_bridges=host_bridges(ground),
        open={protocol: _open(protocol, opened, ground.published) for protocol in _PROTOCOLS},
        at=_grouped(
            published
            for published, local in places
            if not _everywhere(published) and (not local or published.address in inward)
        ),
        guarded=_grouped(published for published, local in places if local),
    )


def refuse(ground: Ground) -> None:
    """Raise HullwardError for a present ssh connection that the wall would treat as a container."""
    for session in filter(None, (ground.here, *ground.sessions)):
        link = ground.link(session.link)
        if link is not None and link.name in container_bridges(ground):
            raise HullwardError(
                f"An ssh connection from {session.client} comes over {link.name}, a bridge of "
                "containers: the wall would close it.",
                "Log in over another interface, and end that connection.",
            )


def uids(ground: Ground, wishes: Wishes) -> frozenset[int]:
    """Resolve the users who were allowed by name or number."""
    return frozenset(_uid(user, ground.accounts) for user in wishes.users)


def _uid(user: str, accounts: Iterable[Account]) -> int:
    if user.isdecimal() and len(user) < 11 and int(user) <= _TOP_UID:  # noqa: PLR2004 - digits
        return int(user)
    for account in accounts:
        if account.name == user:
            return account.uid
    raise HullwardError(
        f"There is no user {user!r} on the host.", "Give a name of its passwd file, or a uid."
    )


def _everywhere(published: Publication) -> bool:
    return published.address in {"", "0.0.0.0", "::"}  # noqa: S104 - compared, never bound


def _local(address: str, inward: Iterable[str]) -> bool:
    """Whether it is published for the host alone: on loopback, or on a bridge of containers."""
    if not address:
        return False
    return ip_address(address).is_loopback or address in inward


def _open(
    protocol: str, opened: Iterable[Opening], published: Iterable[Publication]
) -> frozenset[int]:
    return frozenset(
        {
            port
            for opening in opened
            if opening.protocol == protocol
            for port in range(opening.first, (opening.last or opening.first) + 1)
        }
        | {p.port for p in published if p.protocol == protocol and _everywhere(p)}
    )


def _grouped(
    published: Iterable[Publication],
) -> Mapping[tuple[str, int], frozenset[tuple[str, int]]]:
    found: dict[tuple[str, int], set[tuple[str, int]]] = {
        (protocol, version): set() for protocol in _PROTOCOLS for version in _VERSIONS
    }
    for one in published:
        address = ip_address(one.address)
        found[one.protocol, address.version].add((str(address), one.port))
    return {key: frozenset(places) for key, places in found.items()}


def text(isolation: Isolation, wishes: Wishes) -> str:
    """Write the ruleset."""
    body = "".join(_sets(isolation)) + _CHAINS
    return nft.table(ISOLATION, COMMAND, wishes, body)


def wished(text: str | None) -> Wishes | None:
    """Read back what was wished when a text was made."""
    found = nft.wishes(text)
    try:
        return msgspec.json.decode(found, type=Wishes) if found else None
    except msgspec.MsgspecError:
        return None


def _sets(isolation: Isolation) -> Iterator[str]:
    uids = map(str, sorted(isolation.uids))
    yield nft.set_("allowed_uids", "uid", uids, "who may reach containers")
    bridges = map(nft.name, sorted(isolation.host_bridges))
    yield nft.set_("host_bridges", "ifname", bridges, "every other bridge carries containers")
    for protocol in _PROTOCOLS:
        ports = map(str, sorted(isolation.open[protocol]))
        why = "ports of the host that containers may use"
        yield nft.set_(f"open_{protocol}", "inet_service", ports, why)
    whys = {
        "at": "the same, on one address",
        "guarded": "published for the host alone: the allowed may use them",
    }
    for prefix, sets in (("at", isolation.at), ("guarded", isolation.guarded)):
        for (protocol, version), places in sets.items():
            found = (nft.place(*place) for place in sorted(places))
            kind = f"ipv{version}_addr . inet_service"
            yield nft.set_(f"{prefix}{version}_{protocol}", kind, found, whys[prefix])


# Priority -150 is behind conntrack (-200) and before Docker's translation (-100), so that the
# address and port are still those that the client asked for. `skuid` fits only packets that a
# socket of a user sends: the kernel's own answers and neighbour discovery pass.
_CHAINS = """\
    counter denied_out {
    }
    counter denied_in {
    }
    chain output {
        type filter hook output priority -150; policy accept;
        # answers of the host's services, whoever runs them
        ct direction reply accept
        meta skuid @allowed_uids accept
        meta oifkind "bridge" oifname != @host_bridges meta skuid >= 0 goto refuse_out
        ip daddr . tcp dport @guarded4_tcp meta skuid >= 0 goto refuse_out
        ip6 daddr . tcp dport @guarded6_tcp meta skuid >= 0 goto refuse_out
        ip daddr . udp dport @guarded4_udp meta skuid >= 0 goto refuse_out
        ip6 daddr . udp dport @guarded6_udp meta skuid >= 0 goto refuse_out
    }
    chain refuse_out {
        limit rate 10/minute log prefix "hullward-isolation out " flags skuid
        counter name "denied_out"
        # ICMP errors are rate limited by the kernel, resets are not: nobody hangs
        meta l4proto tcp reject with tcp reset
        reject with icmpx type admin-prohibited
    }
    chain input {
        type filter hook input priority 0; policy accept;
        meta iifkind "bridge" iifname != @host_bridges goto from_containers
    }
    chain from_containers {
        ct state established,related accept
        icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } accept
        icmpv6 type { mld-listener-report, mld-listener-done, mld2-listener-report } accept
        icmpv6 type echo-request accept
        icmp type echo-request accept
        tcp dport @open_tcp accept
        udp dport @open_udp accept
        ip daddr . tcp dport @at4_tcp accept
        ip6 daddr . tcp dport @at6_tcp accept
        ip daddr . udp dport @at4_udp accept
        ip6 daddr . udp dport @at6_udp accept
        limit rate 10/minute log prefix "hullward-isolation in "
        counter name "denied_in"
        meta l4proto tcp reject with tcp reset
        fib daddr type local reject with icmpx type admin-prohibited
        # broadcast and multicast
        drop
    }
"""
