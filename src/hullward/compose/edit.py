"""Text and changes in, text out: nothing else changes, or the change is refused."""

import re
from collections.abc import Iterator
from collections.abc import Mapping as Names
from collections.abc import Sequence as List

from msgspec.structs import replace

from hullward.compose import layout, locate, placing, proof
from hullward.compose.changes import Change, Edited, Leaf, Nested, Piece, Refusal, spliced
from hullward.compose.locate import Spot
from hullward.compose.nodes import Mapping, Node, Scalar, Sequence, parse, resolved
from hullward.model.errors import HullwardError

_HEAD = 20
_GENERATED = re.compile(
    r"do not edit|auto-?generated|generated (by|from|automatically)", re.IGNORECASE
)


def edit(text: str, changes: List[Change], path: str) -> Edited:
    """Make the changes that can be made and proven; the others are refused, each with its reason.

    The new text is parsed again and must be the old tree with exactly these additions. Raises
    HullwardError, with `path`, for a text that is no YAML.
    """
    root = parse(text, path)
    if line := generated(text):
        reason = "the file is generated: it belongs into what makes it"
        return Edited(text, refused=tuple(Refusal(change, reason, line) for change in changes))
    found = list(locate.spots(root, changes))
    refused = [item for item in found if isinstance(item, Refusal)]
    wanted = [item for item in found if isinstance(item, Spot)]
    if not isinstance(root, Mapping):
        return Edited(text, refused=tuple(refused))
    done, failed = _largest(text, root, wanted, path)
    return _finished(text, (root, path), done, [*refused, *failed])


def generated(text: str) -> int:
    """Give the line of a comment near the top that says that a program writes the file, or 0."""
    for number, line in enumerate(text.splitlines()[:_HEAD], 1):
        if line.lstrip("\ufeff ").startswith("#") and _GENERATED.search(line):
            return number
    return 0


def _largest(
    text: str, root: Mapping, wanted: List[Spot], path: str
) -> tuple[list[Spot], list[Refusal]]:
    """Take all spots if they can be proven together, else one by one what can be proven."""
    if _proven(text, root, wanted, path):
        return list(wanted), []
    done: list[Spot] = []
    failed = []
    for spot in wanted:
        if _proven(text, root, [*done, spot], path):
            done.append(spot)
        else:
            failed.append(Refusal(spot.change, "it cannot be written there", spot.node.start.line))
    return done, failed


def _proven(text: str, root: Mapping, spots: List[Spot], path: str) -> bool:
    pieces, additions = _pieces(text, root, spots)
    try:
        new = parse(spliced(text, pieces), path)
    except HullwardError:
        return False
    return new is not None and proof.difference(root, new, additions) is None


def _finished(
    text: str, source: tuple[Mapping, str], done: List[Spot], refused: List[Refusal]
) -> Edited:
    root, path = source
    pieces, _ = _pieces(text, root, done)
    new = spliced(text, pieces)
    found = locate.services(parse(new, path))
    services = locate.by_name(found) if found is not None else {}
    lines = [(spot.change, _line(services, spot.change)) for spot in done]
    # Two changes may want different things at the same place; the first one has it.
    lost = [Refusal(change, "another change is made there") for change, line in lines if not line]
    made = [(change, line) for change, line in lines if line]
    return Edited(
        new,
        pieces,
        tuple(change for change, _ in made),
        tuple(line for _, line in made),
        (*refused, *lost),
    )


def _pieces(
    text: str, root: Mapping, spots: List[Spot]
) -> tuple[tuple[Piece, ...], proof.Additions]:
    """Give the pieces that make the changes, and what they add to which node."""
    additions = proof.Additions()
    ranked: list[tuple[int, int, int, Piece]] = []

    def take(spot: Spot, pieces: Iterator[Piece]) -> None:
        # At one offset, what is nested deeper comes first.
        ranked.extend((p.start, -spot.depth, len(ranked) + i, p) for i, p in enumerate(pieces))

    habit = layout.habit(text, root)
    planned: dict[tuple[int, str], Spot] = {}
    mappings: dict[int, tuple[Spot, Mapping]] = {}
    for spot in spots:
        node = spot.node
        if spot.done or _inherited(spot, planned):
            continue
        if isinstance(node, Mapping):
            planned.setdefault((id(node), spot.key), spot)
            mappings.setdefault(id(node), (spot, node))
            new = additions.keys.setdefault(id(node), {})
            new[spot.key] = _joined(new.get(spot.key), spot.value)
        elif isinstance(node, Sequence) and isinstance(spot.value, Leaf):
            if id(node) not in additions.items and isinstance(spot.value.value, tuple):
                additions.items[id(node)] = spot.value.value
                take(spot, placing.items(text, habit, node, spot.value))
        elif isinstance(node, Scalar) and id(node) not in additions.texts:
            additions.texts[id(node)] = str(spot.change.value)
            take(spot, placing.replaced(text, node, str(spot.change.value), spot.change.comment))
    for identity, (spot, mapping) in mappings.items():
        take(spot, placing.keys(text, habit, mapping, additions.keys[identity]))
    return tuple(piece for *_, piece in sorted(ranked)), additions


def _inherited(spot: Spot, planned: Names[tuple[int, str], Spot]) -> bool:
    """Whether a service gets the same key from a mapping that it merges."""
    if not isinstance(spot.node, Mapping):
        return False
    others = (planned.get((id(base), spot.key)) for base in locate.bases(spot.node))
    return any(other.value == spot.value for other in others if other)


def _joined(old: Nested | None, new: Nested) -> Nested:
    """Bring two values for the same new key together; a leaf stays as it is."""
    if old is None or isinstance(new, Leaf) or isinstance(old, Leaf):
        return new if old is None else old
    return {**old, **{key: _joined(old.get(key), value) for key, value in new.items()}}


def _line(services: Names[str, Node], change: Change) -> int:
    """Give the line where a change is written in the new tree, 0 where it is not."""
    written = replace(change, before=str(change.value)) if change.before is not None else change
    spot = locate.find(services, written)
    if not isinstance(spot, Spot) or not (spot.done or change.before is not None):
        return 0
    if isinstance(spot.node, Sequence) and isinstance(change.value, tuple):
        found = (node for item in spot.node.items if isinstance(node := resolved(item), Scalar))
        return next((n.start.line for n in found if n.value in change.value), 0)
    return spot.node.start.line
