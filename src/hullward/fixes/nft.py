"""The words of nft(8): sets, openings and the frame of a table that is ours alone."""

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address, ip_network

import msgspec

from hullward.model.errors import HullwardError
from hullward.model.walls import MARK, Opening

# What the kernel allows in a name and nft can hold in a string; `*` would be a wildcard.
_NAME = re.compile(r"[A-Za-z0-9_.@+~^%=,!-]{1,15}")
_OPENING = re.compile(
    r"(?P<first>[0-9]{1,5})(-(?P<last>[0-9]{1,5}))?(/(?P<protocol>tcp|udp))?"
    r"(\s+from\s+(?P<source>[0-9A-Fa-f.:/]+))?(\s+on\s+(?P<link>\S+))?"
)
_SET = re.compile(
    r"^    set (?P<name>\w+) \{\n        type [^\n]*\n"
    r"(        elements = \{(?P<elements>[^}]*)\}\n)?    \}$",
    re.MULTILINE,
)
_ELEMENT = re.compile(r'"([^"]*)"|([^",\s][^",\n]*)')
_WISHES = "# wishes: "
_TOP = 65535
_LINE = 8


def table(name: str, command: str, wishes: object, body: str) -> str:
    """Frame a table: loading the text replaces the table in one transaction, and nothing else."""
    return (
        f"#!/usr/sbin/nft -f\n"
        f"# Made by `hullward {command}`; `hullward {command} refresh` makes it anew.\n"
        f"{_WISHES}{msgspec.json.encode(wishes).decode()}\n"
        f"add table inet {name}\n"
        f"delete table inet {name}\n"
        f"table inet {name} {{\n"
        f"    chain {MARK} {{\n    }}\n"
        f"{body}"
        "}\n"
    )


def wishes(text: str | None) -> bytes | None:
    """Find what its owner wished in a text that `table` has made."""
    for line in (text or "").splitlines():
        if line.startswith(_WISHES):
            return line.removeprefix(_WISHES).encode()
    return None


def elements(text: str | None) -> Mapping[str, frozenset[str]]:
    """Read the sets of a text of ours, each element as nft lists it."""
    found: dict[str, frozenset[str]] = {}
    for match in _SET.finditer(text or ""):
        words = _ELEMENT.findall(match["elements"] or "")
        found[match["name"]] = frozenset(quoted or plain.strip() for quoted, plain in words)
    return found


def rules(text: str) -> Mapping[str, int]:
    """Count the rules of each chain in a text of ours, to see whether the kernel has as many."""
    found: dict[str, int] = {}
    chain = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("chain "):
            chain = line.split()[1]
            found[chain] = 0
        elif line == "}":
            chain = ""
        elif chain and not line.startswith(("#", "type ")):
            found[chain] += 1
    return found


def set_(name: str, kind: str, elements: Iterable[str], why: str = "") -> str:
    """Write a set, a few elements a line; an empty one is valid as well."""
    found = list(elements)
    rows = [", ".join(found[at : at + _LINE]) for at in range(0, len(found), _LINE)]
    held = ",\n            ".join(rows)
    body = f"        elements = {{ {held} }}\n" if found else ""
    comment = f"    # {why}\n" if why else ""
    return f"{comment}    set {name} {{\n        type {kind}\n{body}    }}\n"


def name(link: str) -> str:
    """Quote the name of a link; raises HullwardError for one that nft cannot hold."""
    if not _NAME.fullmatch(link):
        raise HullwardError(
            f"The interface {link!r} has a name that nft cannot hold.",
            "Rename it (`ip link set dev NAME name NEW`), and give the new name where it is made.",
        )
    return f'"{link}"'


def port(number: int, last: int = 0) -> str:
    """Write a port or a range."""
    return f"{number}-{last}" if last else f"{number}"


def place(address: str, number: int) -> str:
    """Write an element of a set of addresses with ports."""
    return f"{ip_address(address)} . {number}"


def opening(text: str) -> Opening:
    """Read an opening as people write it; raises HullwardError for what it cannot mean.

    `53/udp`, `22`, `60000-61000/udp`, `5432/tcp from 10.0.0.0/8`, `9090/tcp on wg0`.
    """
    match = _OPENING.fullmatch(text.strip())
    advice = 'Write PORT/tcp or PORT/udp, and if you like "from 10.0.0.0/8" or "on eth1" after it.'
    if match is None:
        raise HullwardError(f"{text!r} names no port.", advice)
    first, last = int(match["first"]), int(match["last"] or 0)
    if not 0 < first <= _TOP or (last and not first < last <= _TOP):
        raise HullwardError(f"{text!r} names no port between 1 and {_TOP}.", advice)
    source = match["source"] or ""
    try:
        source = str(ip_network(source, strict=False)) if source else ""
    except ValueError as error:
        raise HullwardError(f"{source!r} is no range of addresses.", advice) from error
    link = match["link"] or ""
    if link:
        name(link)
    return Opening(match["protocol"] or "tcp", first, last, source, link)
