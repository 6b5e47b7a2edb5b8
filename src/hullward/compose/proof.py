"""Proof that a new tree is the old tree with exactly the additions that were asked for."""

from msgspec import Struct, field

from hullward.compose.changes import Leaf, Nested
from hullward.compose.nodes import Alias, Mapping, Node, Scalar, Sequence
from hullward.compose.written import plain


class Additions(Struct):
    """What is to come to which node, by the `id` of the old node.

    `keys` come to mappings, `items` to the end of lists; `texts` replace scalars.
    """

    keys: dict[int, dict[str, Nested]] = field(default_factory=dict)
    items: dict[int, tuple[str, ...]] = field(default_factory=dict)
    texts: dict[int, str] = field(default_factory=dict)


def difference(old: Node, new: Node, additions: Additions) -> Node | None:
    """Find the first node of the new tree that is neither old nor asked for.

    Order, tags, anchors, aliases and the quotes of old texts count. None is the proof.
    """
    if isinstance(old, Alias) or isinstance(new, Alias):
        # What an alias stands for is compared where that is written.
        same = isinstance(old, Alias) and isinstance(new, Alias) and old.name == new.name
        return None if same else new
    if (old.tag, old.anchor) != (new.tag, new.anchor):
        return new
    if isinstance(old, Scalar) and isinstance(new, Scalar):
        value = additions.texts.get(id(old), old.value)
        return None if (new.value, new.style) == (value, old.style) else new
    if isinstance(old, Sequence) and isinstance(new, Sequence):
        return _items(old, new, additions)
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return _pairs(old, new, additions)
    return new


def _items(old: Sequence, new: Sequence, additions: Additions) -> Node | None:
    added = additions.items.get(id(old), ())
    kept = len(new.items) - len(added)
    if kept != len(old.items) or old.flow != new.flow:
        return new
    for before, after in zip(old.items, new.items, strict=False):
        if (found := difference(before, after, additions)) is not None:
            return found
    return next((n for n, v in zip(new.items[kept:], added, strict=True) if not _is(n, v)), None)


def _pairs(old: Mapping, new: Mapping, additions: Additions) -> Node | None:
    added = dict(additions.keys.get(id(old), {}))
    before = iter(old.pairs)
    if old.flow != new.flow:
        return new
    for key, value in new.pairs:
        if isinstance(key, Scalar) and key.value in added:
            if not means(value, added.pop(key.value)):
                return value
            continue
        pair = next(before, None)
        if pair is None:
            return key
        for ours, theirs in zip(pair, (key, value), strict=True):
            if (found := difference(ours, theirs, additions)) is not None:
                return found
    return new if added or next(before, None) is not None else None


def means(node: Node, value: Nested) -> bool:
    """Whether a node reads as this value, in YAML 1.1 and 1.2, without tag and anchor."""
    if isinstance(node, Alias) or node.tag or node.anchor:
        return False
    if isinstance(value, Leaf):
        if not isinstance(value.value, tuple):
            return _is(node, value.value)
        return (
            isinstance(node, Sequence)
            and len(node.items) == len(value.value)
            and all(map(_is, node.items, value.value))
        )
    return (
        isinstance(node, Mapping)
        and [key.value for key, _ in node.pairs if isinstance(key, Scalar)] == list(value)
        and all(map(means, (item for _, item in node.pairs), value.values()))
    )


def _is(node: Node, value: bool | int | str) -> bool:  # noqa: FBT001 - a value
    if not isinstance(node, Scalar) or node.tag or node.anchor:
        return False
    if isinstance(value, bool):
        return not node.style and node.value == str(value).lower()
    if isinstance(value, int):
        return not node.style and node.value == str(value)
    return node.value == value and (bool(node.style) or plain(node.value))
