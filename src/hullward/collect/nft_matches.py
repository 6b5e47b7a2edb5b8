"""The conditions of nftables' JSON, as matches; what is not understood is said to be unknown."""

import json
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from hullward.model.firewall import Match

Json = Any
Sets = Mapping[str, Sequence[Json]]
_Ways = Sequence[tuple[Match, ...]]
_TEXT = 200
_MOST = 4096
_META = {
    "iif": "iif",
    "iifname": "iif",
    "oif": "oif",
    "oifname": "oif",
    "iifkind": "iifkind",
    "l4proto": "protocol",
    "nfproto": "family",
    "protocol": "family",
    "mark": "mark",
}
_CT = {
    "state": "ctstate",
    "status": "ctstatus",
    "direction": "ctdir",
    "mark": "mark",
}
_ADDRESS = {"saddr": "saddr", "daddr": "daddr"}
_PORT = {"sport": "sport", "dport": "dport"}
_FAMILY = {"ip": "ipv4", "ip6": "ipv6"}
_FLAGS = ["fin", "syn", "rst", "ack"]


def element(entry: Json) -> Json:
    """Take an element of a set out of the wrapper that tells its timeout."""
    if isinstance(entry, dict) and isinstance(entry.get("elem"), dict):
        return entry["elem"].get("val")
    if isinstance(entry, list):
        return [element(part) for part in entry]
    return entry


def values(right: Json) -> list[Json]:
    """Give the alternatives of a right side."""
    if isinstance(right, dict) and "set" in right:
        found = right["set"]
        return [element(entry) for entry in (found if isinstance(found, list) else [found])]
    return right if isinstance(right, list) else [right]


def conditions(body: Mapping[str, Json], sets: Sets) -> _Ways:
    """Give the alternatives of a match, each a list of conditions of which all must fit."""
    left, right, operator = body["left"], body["right"], body.get("op", "==")
    if isinstance(right, str) and right.startswith("@"):
        if right[1:] not in sets:
            return _unknown(body)
        found = list(sets[right[1:]])
    else:
        found = values(right)
    if operator not in {"==", "!=", "in"} or len(found) > _MOST:
        return _unknown(body)
    negated = operator == "!="
    if isinstance(left, dict) and "concat" in left:
        return _concat(left["concat"], found, body, negated=negated)
    single = _single(left, found, negated=negated)
    return _unknown(body) if single is None else [single]


def _unknown(body: Mapping[str, Json]) -> _Ways:
    return [(Match("unknown", (json.dumps(body, separators=(",", ":"))[:_TEXT],)),)]


def _concat(
    lefts: Sequence[Json], found: Sequence[Json], body: Mapping[str, Json], *, negated: bool
) -> _Ways:
    """Take a concatenation apart: one alternative an element."""
    ways: list[tuple[Match, ...]] = []
    for entry in found:
        parts = entry.get("concat") if isinstance(entry, dict) else None
        if negated or not isinstance(parts, list) or len(parts) != len(lefts):
            return _unknown(body)
        matches: list[Match] = []
        for left, part in zip(lefts, parts, strict=True):
            single = _single(left, values(part), negated=False)
            if single is None:
                return _unknown(body)
            matches += single
        ways.append(tuple(matches))
    return ways or [(Match("never"),)]


def _single(left: Json, found: Sequence[Json], *, negated: bool) -> tuple[Match, ...] | None:
    """Translate a plain left side with the conditions that it implies; None for another one."""
    if not isinstance(left, dict) or not left:
        return None
    ((name, about),) = left.items()
    if name == "payload" and isinstance(about, dict):
        return _payload(about, found, negated=negated)
    if name == "&":
        return _masked(about, found, negated=negated)
    if not isinstance(about, dict):
        return None
    if name == "fib":
        return _fib(about, found, negated=negated)
    key = {"meta": _META, "ct": _CT}.get(name, {}).get(str(about.get("key")))
    if name == "ct" and about.get("key") == "proto-dst" and about.get("dir") == "original":
        key = "origdport"
    texts = _texts(key, found) if key else None
    return None if key is None or texts is None else (Match(key, texts, negated),)


def _payload(
    about: Mapping[str, Json], found: Sequence[Json], *, negated: bool
) -> tuple[Match, ...] | None:
    protocol, name = str(about.get("protocol")), str(about.get("field"))
    if protocol in _FAMILY:
        family = Match("family", (_FAMILY[protocol],))
        key = _ADDRESS.get(name) or ("protocol" if name in {"protocol", "nexthdr"} else "")
        texts = _texts(key, found) if key else None
        # Another field of the header decides nothing for the other family.
        return (family, Match(key, texts, negated) if texts is not None else _riddle(about))
    if protocol in {"tcp", "udp", "th"}:
        over = Match("protocol", ("tcp", "udp") if protocol == "th" else (protocol,))
        texts = _texts("dport", found) if name in _PORT else None
        if protocol == "tcp" and name == "flags" and len(found) == 1:
            return _tcp_flags(_FLAGS, found, negated=negated)
        return (over, Match(_PORT[name], texts, negated) if texts is not None else _riddle(about))
    if protocol in {"icmp", "icmpv6", "sctp", "dccp", "udplite", "esp", "ah", "igmp", "comp"}:
        return (Match("protocol", (protocol,)), _riddle(about))
    return None


def _riddle(about: Mapping[str, Json]) -> Match:
    return Match("unknown", (json.dumps(about, separators=(",", ":"))[:_TEXT],))


def _masked(
    about: Json,
    found: Sequence[Json],
    *,
    negated: bool,
) -> tuple[Match, ...] | None:
    if not isinstance(about, list) or len(about) != 2:  # noqa: PLR2004 - value and mask
        return None
    value, mask = about
    if value == {"payload": {"protocol": "tcp", "field": "flags"}}:
        return _tcp_flags(mask, found, negated=negated)
    if value in ({"meta": {"key": "mark"}}, {"ct": {"key": "mark"}}):
        return (Match("mark", tuple(map(str, found)), negated),)
    return None


def _tcp_flags(
    mask: Json,
    found: Sequence[Json],
    *,
    negated: bool,
) -> tuple[Match, ...] | None:
    masked, wanted = _flags(mask), _flags(list(found))
    if masked is None or wanted is None:
        return None
    return (
        Match("protocol", ("tcp",)),
        Match("tcpflags", (",".join(masked), ",".join(wanted) or "NONE"), negated),
    )


def _flags(side: Json) -> list[str] | None:
    """List the flags of an expression such as fin | syn."""
    if isinstance(side, dict) and "|" in side:
        side = side["|"]
    words: list[str] = []
    for part in side if isinstance(side, list) else [side]:
        if isinstance(part, dict):
            inner = _flags(part)
            if inner is None:
                return None
            words += inner
        elif isinstance(part, str):
            words.append(part.upper())
        elif part != 0:
            return None
    return words


def _fib(
    about: Mapping[str, Json], found: Sequence[Json], *, negated: bool
) -> tuple[Match, ...] | None:
    flags = about.get("flags", ())
    flags = [flags] if isinstance(flags, str) else list(flags)
    if about.get("result") == "type" and "daddr" in flags and "oif" not in flags:
        return (Match("daddrtype", tuple(map(str, found)), negated),)
    if about.get("result") == "oif" and {"saddr", "iif"} <= set(flags) and len(found) == 1:
        # `missing` is false, `exists` is true.
        missing = found[0] is False or found[0] == 0
        return (Match("rpath", negated=missing != negated),)
    return None


def _texts(key: str, found: Sequence[Json]) -> tuple[str, ...] | None:
    texts: list[str] = []
    for value in found:
        text = _text(value)
        if text is None:
            return None
        texts.append(_renamed(key, text))
    if key in {"saddr", "daddr"} and not all(map(_is_address, texts)):
        return None
    return tuple(texts)


def _text(value: Json) -> str | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str | int):
        return str(value)
    if isinstance(value, dict) and isinstance(value.get("prefix"), dict):
        return f"{value['prefix'].get('addr')}/{value['prefix'].get('len')}"
    if isinstance(value, dict) and isinstance(value.get("range"), list):
        return "-".join(str(end) for end in value["range"])
    return None


def _renamed(key: str, text: str) -> str:
    return {"ip": "ipv4", "ip6": "ipv6"}.get(text, text) if key == "family" else text


def _is_address(text: str) -> bool:
    try:
        for part in text.partition("/")[0].split("-"):
            ip_address(part)
    except ValueError:
        return False
    return True
