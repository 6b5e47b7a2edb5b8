"""The pieces of text that make a change at its place."""

import re
from collections.abc import Iterator
from collections.abc import Mapping as Names
from collections.abc import Sequence as List

from hullward.compose import layout, written
from hullward.compose.changes import Leaf, Nested, Piece
from hullward.compose.nodes import Mapping, Node, Scalar, Sequence
from hullward.compose.written import Manner

# New keys stand beside these, where a service has some of them.
_KIN = frozenset(
    {"user", "privileged", "read_only", "tmpfs", "security_opt", "cap_add", "cap_drop"}
    | {"pids_limit", "mem_limit", "cpus"}
)
_ANYTHING = re.compile(r"[ \t]*")


def keys(text: str, habit: Manner, node: Mapping, new: Names[str, Nested]) -> Iterator[Piece]:
    """Add keys to a mapping."""
    manner = layout.manner(text, habit, node)
    if node.flow:
        yield from _keys_flow(text, node, new, manner)
        return
    indent = " " * (node.pairs[0][0].start.column - 1)
    lines = [indent + line for key in new for line in written.block(key, new[key], manner)]
    yield _lines(text, _after(text, node), lines)


def items(text: str, habit: Manner, node: Sequence, around: Leaf) -> Iterator[Piece]:
    """Add items to the end of a list."""
    manner = layout.manner(text, habit, node)
    if node.flow:
        yield from _items_flow(text, node, around, manner)
        return
    last = node.items[-1]
    before = text[layout.line_start(text, last.start.index) : last.start.index]
    indent = before[: len(before) - len(before.lstrip(" "))]
    lines = [indent + line for line in written.items(around, manner)]
    yield _lines(text, last, lines)


def replaced(text: str, node: Scalar, value: str, comment: str) -> Iterator[Piece]:
    """Put a longer text in the place of a scalar; what stays of the old one is not touched."""
    start = text.rindex(node.value, node.start.index, node.end.index)
    if value.endswith(node.value):
        yield Piece(start, start, value.removesuffix(node.value))
    else:
        yield Piece(start, start + len(node.value), value)
    yield from _behind(text, node.end.index, [comment] if comment else [])


def _after(text: str, node: Mapping) -> Node:
    """Choose the value behind which new keys stand: the last one, or the last of their kin."""
    values = [value for _, value in node.pairs]
    kin = [v for k, v in node.pairs if isinstance(k, Scalar) and k.value in _KIN]
    for value in [*kin[-1:], *reversed(values)]:
        # A line end behind a block scalar that has none would become a part of it.
        if not _open(text, value):
            return value
    return values[-1]


def _open(text: str, node: Node) -> bool:
    while not isinstance(node, Scalar) and not getattr(node, "flow", True):
        node = node.items[-1] if isinstance(node, Sequence) else node.pairs[-1][1]  # type: ignore[union-attr]
    block = isinstance(node, Scalar) and node.style in {"|", ">"}
    return block and layout.next_line(text, layout.content_end(text, node)) is None


def _lines(text: str, after: Node, lines: List[str]) -> Piece:
    """Put whole lines behind a node's last one."""
    end = layout.content_end(text, after)
    start = layout.next_line(text, end)
    newline = layout.newline(text, layout.line_start(text, end))
    if start is None:
        return Piece(len(text), len(text), "".join(newline + line for line in lines))
    return Piece(start, start, "".join(line + newline for line in lines))


def _keys_flow(
    text: str, node: Mapping, new: Names[str, Nested], manner: Manner
) -> Iterator[Piece]:
    pairs = [written.pair(key, value, manner) for key, value in new.items()]
    notes = [note for value in new.values() for note in written.comments(value)]
    brace = text.index("{", node.start.index) + 1
    if not node.pairs:
        yield Piece(brace, brace, ", ".join(pairs))
        yield from _behind(text, brace, notes)
        return
    first, last = node.pairs[0][0], node.pairs[-1][1]
    if layout.line_start(text, first.start.index) <= brace:
        end = last.end.index
        yield Piece(end, end, "".join(", " + pair for pair in pairs))
        yield from _behind(text, end, notes)
        return
    # Lines of their own before the first key leave the others as they are.
    start = layout.line_start(text, first.start.index)
    indent = text[start : first.start.index]
    newline = layout.newline(text, start)
    lines = []
    for pair, value in zip(pairs, new.values(), strict=True):
        note = "; ".join(dict.fromkeys(written.comments(value)))
        lines.append(f"{indent}{pair},{written.behind(note)}{newline}")
    yield Piece(start, start, "".join(lines))


def _items_flow(text: str, node: Sequence, leaf: Leaf, manner: Manner) -> Iterator[Piece]:
    texts = [
        written.scalar(item, manner, flow=True)
        for item in (leaf.value if isinstance(leaf.value, tuple) else ())
    ]
    notes = list(written.comments(leaf))
    if not node.items:
        end = text.index("[", node.start.index) + 1
        yield Piece(end, end, ", ".join(texts))
    else:
        end = node.items[-1].end.index
        start = layout.line_start(text, end)
        own = text.index("[", node.start.index) < start
        indent = _ANYTHING.match(text, start)[0] if own else ""  # type: ignore[index]
        join = "," + layout.newline(text, start) + indent if own else ", "
        yield Piece(end, end, "".join(join + item for item in texts))
    yield from _behind(text, end, notes)


def _behind(text: str, offset: int, notes: List[str]) -> Iterator[Piece]:
    """Put comments behind the line of an offset."""
    if notes:
        end = layout.line_end(text, offset)
        yield Piece(end, end, written.behind("; ".join(dict.fromkeys(notes))))
