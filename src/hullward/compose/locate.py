"""Where in a tree a change belongs, and whether other services would get it too."""

from collections.abc import Collection, Iterator
from collections.abc import Mapping as Names
from collections.abc import Sequence as List

from msgspec import Struct

from hullward.compose.changes import Change, Leaf, Nested, Refusal
from hullward.compose.nodes import Alias, Mapping, Node, Scalar, Sequence, resolved
from hullward.compose.sharing import look_up, merged, seen_by

# The tag that adds nothing to what is written: the list or mapping replaces that of other files.
_REPLACES = {"", "!override"}


class Spot(Struct, frozen=True):
    """Where a change is made: a new `key` of a mapping, new items of a list, or a scalar's text.

    `depth` counts the keys that lead there; `value` is what comes, `done` that it is there.
    """

    change: Change
    node: Scalar | Sequence | Mapping
    depth: int
    value: Nested
    key: str = ""
    done: bool = False


def services(root: Node | None) -> Mapping | None:
    """Find the services of a compose file, None where it has none."""
    found = root.get("services") if isinstance(root, Mapping) else None
    node = resolved(found) if found is not None else None
    return node if isinstance(node, Mapping) else None


def spots(root: Node | None, changes: List[Change]) -> Iterator[Spot | Refusal]:
    """Give the place of each change, in their order; those of shared nodes only if all agree."""
    found = services(root)
    if found is None or not isinstance(root, Mapping):
        yield from (Refusal(change, "the file has no services") for change in changes)
        return
    seen, names = seen_by(root, found), by_name(found)
    agree: dict[object, set[str]] = {}
    for change in changes:
        agree.setdefault(_alike(change), set()).add(change.service)
    for change in changes:
        spot = find(names, change)
        if isinstance(spot, Spot) and not spot.done:
            others = seen[id(spot.node)] - agree[_alike(change)]
            yield _shared(spot, others) if others else spot
        else:
            yield spot


def _shared(spot: Spot, others: Collection[str]) -> Refusal:
    names = ", ".join(sorted(others))
    return Refusal(spot.change, f"an anchor shares this place with {names}", _line(spot.node))


def by_name(found: Mapping) -> Names[str, Node]:
    """Give the services by their names."""
    return {key.value: value for key, value in found.pairs if isinstance(key, Scalar)}


def find(services: Names[str, Node], change: Change) -> Spot | Refusal:
    """Give the place of one change among the services."""
    value = Leaf(change.value, change.comment)
    service = services.get(change.service)
    if service is None:
        return Refusal(change, "the service is not written in this file")
    here: Node = service
    for depth, step in enumerate(change.path):
        node = resolved(here)
        if node.tag not in _REPLACES:
            return Refusal(change, f"{node.tag} stands here", _line(node))
        if isinstance(node, Mapping) and isinstance(step, str):
            inner = look_up(node, step)
            if inner is None:
                return _new(change, node, depth, value)
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            inner = node.items[step]
        else:
            return Refusal(change, f"{_named(change, depth)} has no keys here", _line(node))
        here = inner
    return _existing(change, here, value)


def bases(node: Mapping) -> Iterator[Mapping]:
    """Give the mappings that a mapping takes keys from, at any distance, each once."""
    waiting, seen = list(merged(node)), set()
    while waiting:
        base = waiting.pop()
        if id(base) not in seen:
            seen.add(id(base))
            yield base
            waiting += merged(base)


def _new(change: Change, node: Mapping, depth: int, value: Leaf) -> Spot | Refusal:
    key, *rest = change.path[depth:]
    if change.before is not None or not all(isinstance(step, str) for step in [key, *rest]):
        return Refusal(change, f"{_named(change, len(change.path))} is not there", _line(node))
    nested: Nested = value
    for step in reversed(rest):
        nested = {str(step): nested}
    return Spot(change, node, depth + 1, nested, str(key))


def _existing(change: Change, here: Node, value: Leaf) -> Spot | Refusal:
    node = resolved(here)
    name = _named(change, len(change.path))
    if node.tag not in _REPLACES:
        return Refusal(change, f"{node.tag} stands at {name}", _line(node))
    if isinstance(node, Sequence) and isinstance(change.value, tuple):
        return _more(change, node, change.value)
    if isinstance(node, Scalar) and not isinstance(change.value, tuple):
        done = change.before is None and node.value == _text(change.value)
        fits = change.before is not None and node.value == change.before
        if done or (fits and not isinstance(here, Alias)):
            return Spot(change, node, len(change.path) + 1, value, done=done)
    return Refusal(change, f"{name} is set already", here.start.line)


def _more(change: Change, node: Sequence, value: tuple[str, ...]) -> Spot | Refusal:
    there = [found.value for item in node.items if isinstance(found := resolved(item), Scalar)]
    if len(there) < len(node.items):
        name = _named(change, len(change.path))
        return Refusal(change, f"{name} holds more than single texts", _line(node))
    missing = tuple(item for item in value if item not in there)
    leaf = Leaf(missing, change.comment)
    return Spot(change, node, len(change.path) + 1, leaf, done=not missing)


def _alike(change: Change) -> object:
    """Give what is the same for changes that differ in nothing but their service."""
    return change.path, type(change.value), change.value, change.before


def _text(value: bool | int | str) -> str:  # noqa: FBT001 - a value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _named(change: Change, depth: int) -> str:
    steps = (f"[{s}]" if isinstance(s, int) else f".{s}" for s in change.path[:depth])
    return (change.service + "".join(steps)) if depth == 0 else "".join(steps).removeprefix(".")


def _line(node: Node) -> int:
    return node.start.line
