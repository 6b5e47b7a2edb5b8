"""The lines of a file that are not shown: values of variables, and secrets wherever they stand."""

from collections.abc import Iterator

from msgspec import Struct

from hullward.compose.literals import literals
from hullward.compose.nodes import Mapping, Node, Scalar, Sequence, resolved
from hullward.compose.walk import child, descend, items, pairs, services

_HIDDEN = "…"
_NAMED = (("environment",), ("build", "args"))
_HOOKS = ("post_start", "pre_stop")


class Concealed(Struct, frozen=True):
    """Lines, from 1, that hold what is not shown, and the texts themselves as they are written."""

    lines: frozenset[int] = frozenset()
    texts: tuple[str, ...] = ()

    def masked(self, line: str) -> str:
        """Write a line without what is not shown."""
        for text in self.texts:
            line = line.replace(text, _HIDDEN)
        return line


def concealed(text: str, root: Node | None) -> Concealed:
    """Find what must not be shown of a file."""
    if root is None:
        return Concealed()
    marks = {literal.mark.index for literal in literals(root)}
    secret = [node for node in _scalars(root) if node.start.index in marks]
    nodes = {id(node): node for node in (*_values(root), *secret)}.values()
    lines = {number for node in nodes for number in range(node.start.line, node.end.line + 1)}
    written = {text[node.start.index : node.end.index] for node in nodes}
    return Concealed(
        frozenset(lines), tuple(sorted(filter(str.strip, written), key=len, reverse=True))
    )


def _values(root: Node) -> Iterator[Scalar]:
    """Give what stands for the values of variables."""
    for _, service in services(root):
        for path in _NAMED:
            yield from _named(descend(service, path))
        for hook in _HOOKS:
            for item in items(child(service, hook)):
                yield from _named(child(item, "environment"))
    for _, config in pairs(child(root, "configs")):
        yield from _scalars(child(config, "content"))


def _named(node: Node | None) -> Iterator[Scalar]:
    """Give the values of `NAME: value`, and the whole of `NAME=value`."""
    yield from (item for item in items(node) if isinstance(item, Scalar) and "=" in item.value)
    yield from (value for _, value in pairs(node) if isinstance(value, Scalar) and value.value)


def _scalars(node: Node | None) -> Iterator[Scalar]:
    waiting = [node] if node else []
    seen: set[int] = set()
    while waiting:
        here = resolved(waiting.pop())
        if id(here) in seen:
            continue
        seen.add(id(here))
        if isinstance(here, Scalar):
            yield here
        elif isinstance(here, Sequence):
            waiting += here.items
        elif isinstance(here, Mapping):
            waiting += [value for _, value in here.pairs]
