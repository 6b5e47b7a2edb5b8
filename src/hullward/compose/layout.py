"""Where the nodes of a YAML text end, and in which manner it is written."""

import re
from collections.abc import Iterator

from hullward.compose.nodes import Alias, Mapping, Node, Scalar, Sequence
from hullward.compose.written import Manner

_BREAK = re.compile(r"\r\n|\n|\r")
_HEADER = re.compile(r"[|>][-0-9]*\+")
_DASH = re.compile(r"[ ]*-([ ]+)\Z")


def content_end(text: str, node: Node) -> int:
    """Give the offset behind a node's last character, comments and blank lines left out.

    Behind the last line of a block scalar, and behind all its blank lines where they are kept.
    """
    while not isinstance(node, Scalar | Alias) and not node.flow:
        node = node.items[-1] if isinstance(node, Sequence) else node.pairs[-1][1]
    if not isinstance(node, Scalar) or node.style not in {"|", ">"}:
        return node.end.index
    written = text[node.start.index : node.end.index]
    if _HEADER.search(written.partition("\n")[0]):
        return len(text[: node.end.index].rstrip(" "))
    return node.start.index + len(written.rstrip())


def next_line(text: str, offset: int) -> int | None:
    """Give where the line behind an offset starts, None where the text ends without a line end."""
    if offset and text[offset - 1] in "\r\n":
        return offset
    found = _BREAK.search(text, offset)
    return found.end() if found else None


def line_end(text: str, offset: int) -> int:
    """Give where the line of an offset ends, before its line end."""
    found = _BREAK.search(text, offset)
    return found.start() if found else len(text)


def line_start(text: str, offset: int) -> int:
    """Give where the line of an offset starts."""
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def newline(text: str, offset: int) -> str:
    """Give the line end of an offset's line, or of the first line where that has none."""
    found = _BREAK.search(text, offset) or _BREAK.search(text)
    return found[0] if found else "\n"


def habit(text: str, root: Mapping) -> Manner:
    """Learn how a whole file is written."""
    found = (_dash(text, key, node) for key, node in _lists(root))
    dash, gap = next(filter(None, found), (2, " "))
    return Manner(step=_step(root), dash=dash, gap=gap)


def manner(text: str, usual: Manner, around: Mapping | Sequence) -> Manner:
    """Learn how to write into a node: as what is in it, else as is usual in the file."""
    lists = _lists(around) if isinstance(around, Mapping) else iter([(around, around)])
    dashes = (_dash(text, key, node) for key, node in lists)
    dash, gap = next(filter(None, dashes), (usual.dash, usual.gap))
    items = around.items if isinstance(around, Sequence) else ()
    quotes = {item.style for item in items if isinstance(item, Scalar)}
    return Manner(
        quote=quotes.pop() if len(quotes) == 1 and quotes <= {"'", '"'} else "",
        step=usual.step,
        dash=dash,
        gap=gap,
        newline=newline(text, around.start.index),
        json=isinstance(around, Mapping) and around.flow and _quoted(around),
    )


def _quoted(node: Mapping) -> bool:
    keys = [key.style for key, _ in node.pairs if isinstance(key, Scalar)]
    return bool(keys) and set(keys) == {'"'}


def _step(root: Mapping) -> int:
    for key, value in root.pairs:
        if isinstance(value, Mapping) and not value.flow and value.pairs:
            return max(value.pairs[0][0].start.column - key.start.column, 1)
    return 2


def _lists(node: Node) -> Iterator[tuple[Node, Sequence]]:
    """Find the lists below the keys of a mapping, at any depth; aliases are not followed."""
    if isinstance(node, Mapping):
        for key, value in node.pairs:
            if isinstance(value, Sequence) and value.items:
                yield key, value
            yield from _lists(value)
    elif isinstance(node, Sequence):
        for item in node.items:
            yield from _lists(item)


def _dash(text: str, key: Node, node: Sequence) -> tuple[int, str] | None:
    """Measure how a list stands under its key, None where it tells nothing."""
    if node.flow:
        return None
    first = node.items[0]
    found = _DASH.match(text[line_start(text, first.start.index) : first.start.index])
    if not found:
        return None
    column = first.start.column - 1 - len(found[1]) - 1
    return column - (key.start.column - 1), found[1]
