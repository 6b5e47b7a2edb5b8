"""Which services see which nodes, through anchors, aliases and merge keys."""

from collections.abc import Iterator
from collections.abc import Mapping as Names

from hullward.compose.nodes import Mapping, Node, Scalar, Sequence, resolved

MERGE = "<<"


def merged(node: Mapping) -> Iterator[Mapping]:
    """Give the mappings that a mapping takes its other keys from, the strongest first."""
    for key, value in node.pairs:
        if not (isinstance(key, Scalar) and key.value == MERGE and not key.style):
            continue
        found = resolved(value)
        for item in found.items if isinstance(found, Sequence) else (found,):
            base = resolved(item)
            if isinstance(base, Mapping):
                yield base


def look_up(node: Mapping, key: str) -> Node | None:
    """Give the value that a mapping has at a key, its own or a merged one."""
    own = node.get(key)
    if own is not None:
        return own
    return next((found for base in merged(node) if (found := look_up(base, key)) is not None), None)


def seen_by(root: Mapping, services: Mapping) -> Names[int, frozenset[str]]:
    """Tell of each node, by `id`, what it is a part of: names of services, and others in words."""
    found: dict[int, set[str]] = {}
    for key, value in root.pairs:
        # What stands below x-… is nothing by itself.
        if resolved(value) is not services and not (
            isinstance(key, Scalar) and key.value[:2] == "x-"
        ):
            _mark(value, "other parts of the file", found)
    for key, value in services.pairs:
        if isinstance(key, Scalar):
            _mark(value, key.value, found)
    return {node: frozenset(names) for node, names in found.items()}


def _mark(node: Node, name: str, found: dict[int, set[str]]) -> None:
    waiting = [node]
    while waiting:
        here = resolved(waiting.pop())
        names = found.setdefault(id(here), set())
        if name in names:
            names.add(f"another part of {name}")
            continue
        names.add(name)
        if isinstance(here, Sequence):
            waiting += here.items
        elif isinstance(here, Mapping):
            waiting += [value for _, value in here.pairs]
