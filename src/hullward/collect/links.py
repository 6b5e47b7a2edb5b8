"""The network interfaces of the host: what each is, and which lead outside."""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from ipaddress import ip_interface
from typing import Any

from msgspec.structs import replace

from hullward.collect.collector import Question
from hullward.model.firewall import Link, Table

QUESTION = Question(
    "links",
    "echo '== json'; ip -j -d addr || { echo '== plain'; ip -o addr; "
    "echo '== bridges'; ls -d /sys/class/net/*/bridge; "
    "echo '== hardware'; ls -d /sys/class/net/*/device; }; "
    "for f in /proc/net/route /proc/net/ipv6_route /proc/sys/net/ipv4/ip_forward "
    '/proc/sys/net/ipv6/conf/all/forwarding; do echo "== $f"; cat $f; done',
)

_BRIDGE = re.compile(r"docker\d+|docker_gwbridge|br-[0-9a-f]{12}|podman\d+|cni\d+|nerdctl\d+")
# Docker's own chains; in DOCKER-USER stands what the administrator wrote.
_DOCKER = frozenset({"DOCKER", "DOCKER-BRIDGE", "DOCKER-CT", "DOCKER-ISOLATION-STAGE-1"})
_NIC = frozenset({"", "vlan", "bond", "team", "veth", "bridge"})
# linux/route.h: RTF_UP and RTF_REJECT.
_UP, _REJECT = 0x1, 0x200
_ROUTE_FIELDS, _ROUTE6_FIELDS = 8, 10


def parse(parts: Mapping[str, str], tables: Iterable[Table]) -> tuple[Link, ...] | None:
    """Read `ip addr` in JSON, or line by line as old versions and busybox write it."""
    found = _json(parts.get("json", ""))
    if found is None:
        found = _plain(parts)
    if not found:
        return None
    routes = {4: set(_routes4(parts)), 6: set(_routes6(parts))}
    names = _bridges_of_docker(tables)
    links = [_classified(link, routes, names) for link in found]
    if not any(link.role == "outside" for link in links):
        # Without a default route, every card may be the way in.
        links = [
            replace(link, role="outside")
            if link.role == "inside" and link.addresses and link.kind in _NIC
            else link
            for link in links
        ]
    return tuple(links)


def _json(text: str) -> list[Link] | None:
    try:
        entries = json.loads(text)
        return [_link(entry) for entry in entries if entry.get("ifname")]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return None


def _link(entry: Mapping[str, Any]) -> Link:
    kind = (entry.get("linkinfo") or {}).get("info_kind", "")
    addresses = [
        f"{info['local']}/{int(info['prefixlen'])}"
        for info in entry.get("addr_info") or []
        if "local" in info and "prefixlen" in info
    ]
    return Link(
        name=str(entry["ifname"]),
        kind=str(kind),
        role="loopback" if entry.get("link_type") == "loopback" else "inside",
        addresses=tuple(filter(_is_interface, addresses)),
        master=str(entry.get("master", "")),
        program="xdp" in entry,
    )


def _is_interface(text: str) -> bool:
    try:
        ip_interface(text)
    except ValueError:
        return False
    return True


def _plain(parts: Mapping[str, str]) -> list[Link]:
    """Read `ip -o addr`; the kind of a link is then told by /sys only."""
    bridges = set(re.findall(r"/net/([^/\n]+)/bridge", parts.get("bridges", "")))
    hardware = set(re.findall(r"/net/([^/\n]+)/device", parts.get("hardware", "")))
    addresses: dict[str, list[str]] = {}
    for line in parts.get("plain", "").splitlines():
        match = re.match(r"\d+:\s+([^\s@:]+)\S*\s+inet6?\s+(\S+)", line)
        if match and "/" in match[2] and _is_interface(match[2]):
            addresses.setdefault(match[1], []).append(match[2])
    return [
        Link(
            name,
            "bridge" if name in bridges else "" if name in hardware or name == "lo" else "other",
            "loopback" if name == "lo" else "inside",
            tuple(found),
        )
        for name, found in addresses.items()
    ]


def _classified(
    link: Link, routes: Mapping[int, Collection[str]], bridges: Collection[str]
) -> Link:
    leads = tuple(version for version in (4, 6) if link.name in routes[version])
    if link.role == "loopback":
        return link
    if leads:
        return replace(link, role="outside", routes=leads)
    named = bool(_BRIDGE.fullmatch(link.name)) or link.name in bridges
    if (link.kind in {"bridge", "other"} and named) or (link.kind == "veth" and link.master):
        return replace(link, role="container")
    return link


def _bridges_of_docker(tables: Iterable[Table]) -> frozenset[str]:
    """Give the bridges that Docker's own chains name, whatever they are called."""
    return frozenset(
        value
        for table in tables
        for chain in table.chains
        for rule in chain.rules
        if {chain.name, rule.target} & _DOCKER
        for match in rule.matches
        if match.key in {"iif", "oif"}
        for value in match.values
    )


def _routes4(parts: Mapping[str, str]) -> Iterator[str]:
    for line in parts.get("/proc/net/route", "").splitlines()[1:]:
        words = line.split()
        if len(words) >= _ROUTE_FIELDS and words[1] == words[7] == "00000000":
            flags = _hex(words[3])
            if flags & _UP and not flags & _REJECT:
                yield words[0]


def _routes6(parts: Mapping[str, str]) -> Iterator[str]:
    for line in parts.get("/proc/net/ipv6_route", "").splitlines():
        words = line.split()
        if len(words) >= _ROUTE6_FIELDS and words[0] == "0" * 32 and words[1] == "00":
            flags = _hex(words[8])
            if flags & _UP and not flags & _REJECT:
                yield words[9]


def _hex(word: str) -> int:
    try:
        return int(word, 16)
    except ValueError:
        return 0
