"""Steps through the nodes of a compose file as it is written, also through what is merged in."""

from collections.abc import Iterator

from hullward.compose.nodes import Mapping, Node, Scalar, Sequence, resolved

_MERGE, _DEEPEST = "<<", 10


def child(node: Node | None, key: str) -> Node | None:
    """Give what stands at a key, also where it was merged in, as the node that it is."""
    return next((value for name, value in pairs(node) if name.value == key), None)


def descend(node: Node | None, path: tuple[str, ...]) -> Node | None:
    """Go down by these keys."""
    for key in path:
        node = child(node, key)
    return node


def items(node: Node | None) -> Iterator[Node]:
    """Give the entries of a list, nothing for anything else."""
    found = resolved(node) if node else None
    if isinstance(found, Sequence):
        yield from map(resolved, found.items)


def pairs(node: Node | None, depth: int = 0) -> Iterator[tuple[Scalar, Node]]:
    """Give the entries of a mapping, its own before those that it merges."""
    found = resolved(node) if node else None
    if not isinstance(found, Mapping) or depth > _DEEPEST:
        return
    merged: list[Node] = []
    for key, value in found.pairs:
        if not isinstance(key, Scalar):
            continue
        if key.value == _MERGE:
            merged += items(value) if isinstance(resolved(value), Sequence) else [value]
        else:
            yield key, resolved(value)
    for other in merged:
        yield from pairs(other, depth + 1)


def services(root: Node) -> Iterator[tuple[Scalar, Node]]:
    """Give the services of a file."""
    yield from pairs(child(root, "services"))


def texts(node: Node | None) -> Iterator[Scalar]:
    """Give the texts of a list."""
    yield from (item for item in items(node) if isinstance(item, Scalar))
