"""Waivers in the comments of a file: `# hullward: ignore[RULE, …] reason`."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from msgspec import Struct

from hullward.compose.model import Place
from hullward.compose.nodes import Alias, Mapping, Node, Scalar, Sequence

# A comment starts a line or stands behind a space (YAML 1.2, 6.6).
_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[ \t]*hullward:[ \t]*(.*)$", re.MULTILINE)
_IGNORE = re.compile(r"ignore[ \t]*\[([^\]\r\n]*)\][ \t]*(?:--|[-:\u2013\u2014])?[ \t]*(.*)")


class Ignore(Struct, frozen=True):
    """An accepted risk: which rules, from which line to which, and why; no reason is no waiver."""

    rules: tuple[str, ...]
    reason: str
    place: Place
    first: int
    last: int

    def covers(self, rule: str, line: int) -> bool:
        """Whether it is meant for this rule on this line."""
        return rule in self.rules and self.first <= line <= self.last


class Misread(Struct, frozen=True):
    """A comment to hullward that says nothing it understands."""

    text: str
    place: Place


def ignores(text: str, roots: Iterable[Node], path: str) -> tuple[Ignore | Misread, ...]:
    """Read the waivers of a file; `roots` are its documents.

    One behind something covers its line and all that is nested in it; one on a line of its own
    covers the next line that is no comment, in the same way.
    """
    if "hullward:" not in text:
        return ()
    lines = text.splitlines()
    starts = _starts(text)
    roots = tuple(roots)
    texts = [span for root in roots for span in _texts(root)]
    blocks = {first: last for root in roots for first, last in _blocks(root)}
    found: list[Ignore | Misread] = []
    for match in _COMMENT.finditer(text):
        if any(first <= match.start() < last for first, last in texts):
            continue
        line = bisect_right(starts, match.start())
        place = Place(path, line, match.start() - starts[line - 1] + 1)
        said = _IGNORE.fullmatch(match[1].rstrip())
        rules = tuple(filter(None, re.split(r"[,\s]+", said[1]))) if said else ()
        if said is None or not rules:
            found.append(Misread(match[1].strip(), place))
            continue
        alone = not lines[line - 1][: place.column - 1].strip()
        first = _next(lines, line) if alone else line
        found.append(Ignore(rules, said[2].strip(), place, first, blocks.get(first, first)))
    return tuple(found)


def _starts(text: str) -> list[int]:
    """Give the index of each line's first character."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _next(lines: list[str], line: int) -> int:
    """Give the number of the first line after this one that says something."""
    rest = range(line + 1, len(lines) + 1)
    return next((n for n in rest if lines[n - 1].strip()[:1] not in {"", "#"}), line)


def _children(node: Node) -> Iterable[Node]:
    if isinstance(node, Sequence):
        return node.items
    if isinstance(node, Mapping):
        return (part for pair in node.pairs for part in pair)
    return ()


def _texts(node: Node) -> Iterator[tuple[int, int]]:
    """Give where texts stand in which `#` is no comment."""
    if isinstance(node, Scalar) and node.style:
        yield node.start.index, node.end.index
    for child in _children(node):
        yield from _texts(child)


def _last(node: Node) -> int:
    """Give the last line of a node; the end of a block is where the next thing starts."""
    if isinstance(node, Alias | Scalar):
        at_start = isinstance(node, Scalar) and node.style in {"|", ">"} and node.end.column == 1
        return max(node.start.line, node.end.line - at_start)
    if node.flow:
        return node.end.line
    return max([node.start.line, *(_last(child) for child in _children(node))])


def _blocks(node: Node) -> Iterator[tuple[int, int]]:
    """Give the first and last line of every entry, the inner before the outer."""
    for child in _children(node):
        yield from _blocks(child)
    if isinstance(node, Sequence):
        for item in node.items:
            yield item.start.line, _last(item)
    elif isinstance(node, Mapping):
        for key, value in node.pairs:
            yield key.start.line, max(_last(key), _last(value))
