"""Which line of which file decides a setting of sshd, as sshd_config(5) orders them."""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import translate

from msgspec import Struct

from hullward.model.sshd import Probe, Setting

_WORDS = re.compile(r'"([^"]*)"|([^\s"]+)')
_ALIASES = {"challengeresponseauthentication": "kbdinteractiveauthentication"}
_VALUES = {"prohibit-password": "without-password", "true": "yes", "false": "no"}
# sshd prints these at full length, or one line each: they cannot be compared with what is written.
_EXPANDED = frozenset(
    {
        "allowgroups",
        "allowusers",
        "authenticationmethods",
        "ciphers",
        "denygroups",
        "denyusers",
        "hostkey",
        "hostkeyalgorithms",
        "kexalgorithms",
        "macs",
        "port",
    }
)
_DEPTH, _MOST_LINES = 8, 5000


class Block(Struct, frozen=True):
    """A Match line: until the next one, or the end of its file, all lines are its own."""

    file: str
    line: int
    criteria: str


class Line(Struct, frozen=True):
    """A line that sets something, under all the blocks that must match for it to count."""

    file: str
    line: int
    keyword: str
    value: str
    blocks: tuple[Block, ...] = ()


class Files(Struct, frozen=True):
    """The judged lines of each file, and which files each Include line brings in."""

    texts: Mapping[str, Sequence[tuple[int, str]]]
    includes: Mapping[tuple[str, int], Sequence[str]]
    main: str = ""


def lines(files: Files, options: Iterable[str] = ()) -> tuple[Line, ...]:
    """Put every line in the order in which sshd reads it: the command line, then the files."""
    given = tuple(
        Line("-o", 0, keyword, value)
        for keyword, value in map(_split, options)
        if keyword and value is not None
    )
    return given + tuple(_walk(files, files.main, (), iter(range(_MOST_LINES))))


def _walk(
    files: Files, name: str, outer: tuple[Block, ...], budget: Iterator[int], depth: int = 0
) -> Iterator[Line]:
    inner = outer
    # Files that include each other would never end: the budget is that of all lines together.
    for (number, text), _ in zip(files.texts.get(name, ()), budget, strict=False):
        keyword, value = _split(text)
        if keyword == "match":
            inner = (*outer, Block(name, number, value))
        elif keyword == "include":
            children = files.includes.get((name, number), ()) if depth < _DEPTH else ()
            for child in children:
                yield from _walk(files, child, inner, budget, depth + 1)
        elif keyword:
            yield Line(name, number, keyword, value, inner)


def _split(text: str) -> tuple[str, str]:
    """Take a line apart: the keyword in lower case, and its value without quotes or remark."""
    match = re.match(r"\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+|(?=\"))(.*)", text)
    if not match:
        return "", ""
    words = []
    for quoted, plain in _WORDS.findall(match[2]):
        if plain.startswith("#"):
            break
        words.append(quoted or plain)
    keyword = match[1].lower()
    return _ALIASES.get(keyword, keyword), " ".join(words)


def drop_in_first(files: Files) -> bool:
    """Whether sshd_config.d/*.conf is read before any line of the main file."""
    for number, text in files.texts.get(files.main, ()):
        keyword, value = _split(text)
        if keyword == "include":
            names = [*value.split(), *files.includes.get((files.main, number), ())]
            if any(re.search(r"(^|/)sshd_config\.d/(\*\.conf$|\*$)", name) for name in names):
                return True
        else:
            return False
    return False


def decide(
    everything: Iterable[Line], keyword: str, value: str, probe: Probe, groups: Sequence[str] | None
) -> Setting:
    """Name the line that gives a value to somebody: the first that counts and says so.

    Match blocks overrule what stands outside of them; among equals the first line wins.
    """
    about = [line for line in everything if line.keyword == keyword]
    counts = [line for line in about if applies(line.blocks, probe, groups) is not False]
    ordered = [x for x in counts if x.blocks] + [x for x in counts if not x.blocks]
    winner = next((line for line in ordered if _says(line, value)), None)
    overruled = tuple(
        _in_vain(line, line in counts)
        for line in about
        if not _says(line, value) and line != winner
    )[:3]
    if winner is None:
        return Setting(value, overruled=overruled)
    match = winner.blocks[-1].criteria if winner.blocks else ""
    return Setting(value, winner.file, winner.line, match, overruled)


def _in_vain(line: Line, counts: bool) -> str:  # noqa: FBT001 - one of two reasons
    where = "the command line" if line.file == "-o" else f"{line.file}:{line.line}"
    if not counts:
        block = line.blocks[-1]
        return f"{where} says {line.value}, but only for Match {block.criteria} (line {block.line})"
    return f"{where} says {line.value}, but is overruled"


def _says(line: Line, value: str) -> bool:
    return line.keyword in _EXPANDED or _plain(line.value) == _plain(value)


def _plain(value: str) -> str:
    return _VALUES.get(value.lower(), value.lower())


def applies(blocks: Iterable[Block], probe: Probe, groups: Sequence[str] | None) -> bool | None:
    """Whether all blocks match somebody; None where that cannot be told from here."""
    answers = [_matches(block.criteria, probe, groups) for block in blocks]
    if False in answers:
        return False
    return None if None in answers else True


def _matches(criteria: str, probe: Probe, groups: Sequence[str] | None) -> bool | None:
    words = criteria.replace("=", " ").split()
    if [word.lower() for word in words] == ["all"]:
        return True
    answers: list[bool | None] = []
    for name, patterns in zip(words[::2], words[1::2], strict=False):
        match name.lower():
            case "user":
                answers.append(pattern_list(patterns, probe.user))
            case "group" if groups is not None:
                hits = [pattern_list(patterns, group) for group in groups]
                answers.append(any(hits))
            case "address":
                answers.append(address_list(patterns, probe.address))
            case "localaddress":
                answers.append(address_list(patterns, probe.local_address))
            case "localport":
                answers.append(pattern_list(patterns, probe.local_port))
            case "host":
                answers.append(pattern_list(patterns.lower(), probe.host.lower()))
            case _:
                answers.append(None)
    if False in answers:
        return False
    return None if None in answers or not answers else True


def pattern_list(patterns: str, name: str) -> bool:
    """Match as ssh_config(5) PATTERNS: a negated hit beats every other."""
    hit = False
    for pattern in patterns.split(","):
        if re.match(_wildcards(pattern.removeprefix("!")), name):
            if pattern.startswith("!"):
                return False
            hit = True
    return hit


def _wildcards(pattern: str) -> str:
    return translate(pattern.replace("[", "[[]"))


def address_list(patterns: str, address: str) -> bool:
    """Match an address against networks and wildcards; a negated hit beats every other."""
    hit = False
    for pattern in patterns.split(","):
        if _in_network(pattern.removeprefix("!"), address):
            if pattern.startswith("!"):
                return False
            hit = True
    return hit


def _in_network(pattern: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return bool(re.match(_wildcards(pattern), address))
