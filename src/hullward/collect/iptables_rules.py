"""The output of iptables-save and ip6tables-save, as tables."""

import re
import shlex
from collections.abc import Iterator, Mapping
from itertools import pairwise

from msgspec import Struct

from hullward.model.firewall import Chain, FilterRule, Match, Table

# linux/netfilter_ipv4.h; nat has another priority at each hook.
_PRIORITY = {"raw": -300, "mangle": -150, "filter": 0, "security": 50}
_NAT = {"PREROUTING": -100, "OUTPUT": -100, "INPUT": 100, "POSTROUTING": 100}
_HOOKS = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
_TEXT = 200

_KEYS = {
    "-p": "protocol",
    "-s": "saddr",
    "-d": "daddr",
    "-i": "iif",
    "-o": "oif",
    "--dport": "dport",
    "--dports": "dport",
    "--sport": "sport",
    "--sports": "sport",
    "--ctstate": "ctstate",
    "--state": "ctstate",
    "--ctstatus": "ctstatus",
    "--ctdir": "ctdir",
    "--ctorigdstport": "origdport",
    "--dst-type": "daddrtype",
    "--src-range": "saddr",
    "--dst-range": "daddr",
    "--mark": "mark",
}
# Options that fit, or do not fit, the first packet of a new connection from a stranger.
_ALWAYS = frozenset({"--limit", "--hashlimit-upto", "--hashlimit", "--connlimit-upto", "--set"})
_NEVER = frozenset({"--hashlimit-above", "--connlimit-above", "--update", "--rcheck"})
_EXTENSIONS = frozenset({"rt", "frag", "hbh", "dst", "ipv6header", "mh"})
_SILENT = frozenset(
    {
        "-m", "--comment", "--limit-burst", "--hashlimit-burst", "--hashlimit-mode",
        "--hashlimit-name", "--hashlimit-htable-expire", "--hashlimit-htable-size",
        "--hashlimit-htable-max", "--hashlimit-htable-gcinterval", "--hashlimit-srcmask",
        "--hashlimit-dstmask", "--seconds", "--hitcount", "--name", "--mask", "--rsource",
        "--rdest", "--reap", "--rttl", "--icmp-type", "--icmpv6-type", "--connlimit-mask",
        "--connlimit-saddr", "--connlimit-daddr", "--validmark", "--loose", "--accept-local",
        "-c", "-A",
    }
)  # fmt: skip
_TARGETS = {
    "ACCEPT": "accept",
    "DROP": "drop",
    "REJECT": "drop",
    "RETURN": "return",
    "MARK": "mark",
    "CONNMARK": "mark",
    "DNAT": "dnat",
    "REDIRECT": "redirect",
    "QUEUE": "unknown",
    "NFQUEUE": "unknown",
    "TPROXY": "unknown",
    "NOTRACK": "unknown",
    "CT": "unknown",
    "NETMAP": "unknown",
    "SYNPROXY": "unknown",
    "CLUSTERIP": "unknown",
}


class Saved(Struct, frozen=True):
    """The tables of one dump; `foreign` are tables that only nft can show, `legacy` its backend."""

    tables: tuple[Table, ...] = ()
    foreign: tuple[str, ...] = ()
    complete: bool = False
    legacy: bool = False


def parse(text: str, family: str) -> Saved:
    """Read a dump; one that was cut off is not complete."""
    # A dump of old versions, before there was a second backend, names none.
    legacy = "(nf_tables)" not in text
    source = "iptables-legacy" if legacy else "iptables-nft"
    tables: list[Table] = []
    name, lines = "", list[str]()
    for line in text.splitlines():
        if line.startswith("*"):
            name, lines = line[1:].strip(), []
        elif line.strip() == "COMMIT" and name:
            tables.append(Table(family, name, tuple(_chains(name, lines)), source))
            name = ""
        else:
            lines.append(line)
    foreign = tuple(re.findall(r"^# Table `(.*)' is incompatible", text, re.MULTILINE))
    return Saved(tuple(tables), foreign, not name, legacy)


def _chains(table: str, lines: list[str]) -> Iterator[Chain]:
    policies = dict(re.findall(r"^:(\S+) (\S+)", "\n".join(lines), re.MULTILINE))
    rules: dict[str, list[FilterRule]] = {name: [] for name in policies}
    for line in lines:
        if match := re.match(r"(?:\[\d+:\d+\] )?-A (\S+)", line):
            rules.setdefault(match[1], []).append(_rule(line[match.start() :], policies))
    for name, found in rules.items():
        hook = name.lower() if name in _HOOKS else ""
        yield Chain(
            name=name,
            rules=tuple(found),
            hook=hook,
            kind="nat" if table == "nat" else "filter",
            priority=_NAT.get(name, 0) if table == "nat" else _PRIORITY.get(table, 0),
            policy="drop" if hook and policies.get(name) == "DROP" else "accept",
        )


def _rule(line: str, chains: Mapping[str, str]) -> FilterRule:
    text = re.sub(r"^(\[\d+:\d+\] )?-A \S+ ?", "", line)[:_TEXT]
    try:
        words = shlex.split(line)
    except ValueError:
        return FilterRule((Match("unknown", (text,)),), "unknown", "", text)
    matches, jump = _matches(words)
    verdict, target = _verdict(jump, chains)
    return FilterRule(tuple(matches), verdict, target, text)


def _matches(words: list[str]) -> tuple[list[Match], list[str]]:
    """Take the conditions; what comes after -j or -g belongs to the target."""
    matches: list[Match] = []
    if "rpfilter" in words:
        # The match fits a valid reverse path; with --invert the other ones.
        matches.append(Match("rpath", negated="--invert" in words))
        words = [word for word in words if word != "--invert"]
    if any(option == "-m" and name in _EXTENSIONS for option, name in pairwise(words)):
        # A plain packet of IPv6 has no extension header.
        return [Match("never")], words[words.index("-j") :] if "-j" in words else []
    negated = False
    i = 0
    while i < len(words):
        word, i = words[i], i + 1
        if word in {"-j", "-g"}:
            return matches, words[i - 1 :]
        if word == "!":
            negated = True
            continue
        if not word.startswith("-"):
            continue
        start = i
        while i < len(words) and not words[i].startswith("-") and words[i] != "!":
            i += 1
        if found := _match(word, words[start:i], negated=negated):
            matches.append(found)
        negated = False
    return matches, []


def _match(option: str, values: list[str], *, negated: bool) -> Match | None:
    if key := _KEYS.get(option):
        return Match(key, tuple(_values(key, values)), negated)
    if option in _ALWAYS or option in _NEVER:
        fits = (option in _ALWAYS) != negated
        return Match("always" if fits else "never")
    if option == "--tcp-flags" and len(values) == 2:  # noqa: PLR2004 - mask and flags
        return Match("tcpflags", tuple(values), negated)
    if option in {"--syn", "--tcp-flags"}:
        return Match("tcpflags", ("SYN,RST,ACK,FIN", "SYN"), negated)
    if option in _SILENT:
        return None
    return Match("unknown", (" ".join([option, *values])[:_TEXT],))


def _values(key: str, values: list[str]) -> Iterator[str]:
    for value in (part for word in values for part in word.split(",")):
        if key in {"dport", "sport", "origdport"}:
            yield value.replace(":", "-")
        elif key in {"iif", "oif"} and value.endswith("+"):
            yield value[:-1] + "*"
        elif key in {"protocol", "ctstate", "ctstatus", "ctdir", "daddrtype"}:
            yield value.lower()
        else:
            yield value


def _verdict(jump: list[str], chains: Mapping[str, str]) -> tuple[str, str]:
    if len(jump) < 2:  # noqa: PLR2004 - no target: the rule only counts
        return ("continue", "") if not jump else ("unknown", "")
    option, name = jump[:2]
    if name in chains:
        return ("goto" if option == "-g" else "jump"), name
    verdict = _TARGETS.get(name, "continue")
    if verdict == "dnat":
        return _dnat(jump)
    if verdict == "redirect":
        ports = jump[jump.index("--to-ports") + 1 :][:1] if "--to-ports" in jump else []
        return ("redirect", ports[0]) if ports and ports[0].isdecimal() else ("unknown", "")
    return verdict, ""


def _dnat(jump: list[str]) -> tuple[str, str]:
    if "--to-destination" not in jump:
        return "unknown", ""
    where = "".join(jump[jump.index("--to-destination") + 1 :][:1])
    match = re.fullmatch(r"\[?([0-9a-fA-F.:]*?)\]?(?::(\d+))?", where) if where else None
    if match is None or ("[" not in where and where.count(":") > 1):
        return ("dnat", f"{where} ") if re.fullmatch(r"[0-9a-fA-F:]+", where) else ("unknown", "")
    return "dnat", f"{match[1]} {match[2] or ''}"
