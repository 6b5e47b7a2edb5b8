"""The values of a compose file, each with its place: aliases followed, variables replaced."""

from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from hullward.compose import interpolate, nodes, scalars
from hullward.compose.budget import Budget
from hullward.compose.model import Place
from hullward.compose.parser import fail
from hullward.compose.scalars import Data

_ESCAPE = "Write $$ for a dollar sign; docs.docker.com/reference/compose-file/interpolation"


class Source(Struct, frozen=True):
    """A file as it was opened: `base` is the folder that its relative paths start from."""

    file: str
    base: str
    environment: Mapping[str, str]
    budget: Budget = field(default_factory=Budget)


class Leaf(Struct, frozen=True, gc=False):
    """A single value. `gap` says why compose cannot know it either, "" where it does.

    `template` is the text before its variables were replaced, "" where it had none; `how` is
    "reset" or "override" for a value with this tag.
    """

    data: Data
    source: Source
    line: int
    column: int
    gap: str = ""
    template: str = ""
    defaults: bool = False
    how: str = ""

    @property
    def place(self) -> Place:
        """Where it is written."""
        return Place(self.source.file, self.line, self.column)

    @property
    def text(self) -> str:
        """Give it as a text, as compose would."""
        return scalars.written(self.data)


class Items(Struct, frozen=True):
    """A list."""

    items: tuple["Tree", ...]
    source: Source
    line: int
    column: int
    how: str = ""

    @property
    def place(self) -> Place:
        """Where it starts."""
        return Place(self.source.file, self.line, self.column)


class Table(Struct, frozen=True):
    """Names with values; `keys` are the places of the names, (source, line, column)."""

    entries: Mapping[str, "Tree"]
    keys: Mapping[str, tuple[Source, int, int]]
    source: Source
    line: int
    column: int
    how: str = ""

    @property
    def place(self) -> Place:
        """Where it starts."""
        return Place(self.source.file, self.line, self.column)

    def key_place(self, key: str) -> Place:
        """Where a name is written."""
        source, line, column = self.keys[key]
        return Place(source.file, line, column)

    def get(self, key: str) -> "Tree | None":
        """Give what stands at a name, None for nothing or null."""
        found = self.entries.get(key)
        return None if isinstance(found, Leaf) and found.data is None else found


Tree = Leaf | Items | Table


def build(node: nodes.Node, source: Source) -> Tree:
    """Turn nodes into values; raises HullwardError for what compose refuses to read."""
    return _build(nodes.resolved(node), source)


def _build(node: nodes.Scalar | nodes.Sequence | nodes.Mapping, source: Source) -> Tree:
    start = node.start
    how = node.tag[1:] if node.tag in {"!reset", "!override"} else ""
    if isinstance(node, nodes.Scalar):
        return _leaf(node, source, how)
    if isinstance(node, nodes.Sequence):
        items = tuple(_build(nodes.resolved(item), source) for item in node.items)
        return Items(items, source, start.line, start.column, how)
    entries: dict[str, Tree] = {}
    keys: dict[str, tuple[Source, int, int]] = {}
    merged: list[nodes.Mapping] = []
    for key, value in node.pairs:
        name = nodes.resolved(key)
        if not isinstance(name, nodes.Scalar):
            fail(source.file, key.start, "a name must be a text", "Write a text before the colon.")
        if name.value == "<<":
            merged += _merged(value, source)
            continue
        entries[name.value] = _build(nodes.resolved(value), source)
        keys[name.value] = (source, key.start.line, key.start.column)
    for mapping in merged:
        other = _build(mapping, source)
        if isinstance(other, Table):
            for name_, value_ in other.entries.items():
                if name_ not in entries:
                    entries[name_], keys[name_] = value_, other.keys[name_]
    return Table(entries, keys, source, start.line, start.column, how)


def _merged(value: nodes.Node, source: Source) -> Iterator[nodes.Mapping]:
    """Give the mappings that a merge key names, those that win first."""
    found = nodes.resolved(value)
    parts = found.items if isinstance(found, nodes.Sequence) else (found,)
    for part in parts:
        mapping = nodes.resolved(part)
        if not isinstance(mapping, nodes.Mapping):
            fail(source.file, value.start, "<< takes mappings only", "Name an anchor of a mapping.")
        yield mapping


def _leaf(node: nodes.Scalar, source: Source, how: str) -> Leaf:
    start, text = node.start, node.value
    if "$" not in text:
        value = scalars.data(text, node.style, node.tag)
        return Leaf(value, source, start.line, start.column, how=how)
    try:
        filled = interpolate.fill(text, source.environment)
    except interpolate.BadTemplateError as error:
        fail(source.file, start, str(error), _ESCAPE)
    place = Place(source.file, start.line, start.column)
    source.budget.spend(len(filled.text) // 100, place)
    gap = ""
    if filled.missing:
        names = ", ".join(filled.missing)
        gap = f"the variable {names} is not set"
        if len(filled.missing) > 1:
            gap = f"the variables {names} are not set"
        if filled.demanded:
            gap += f": {filled.demanded}"
    template = text if filled.variables else ""
    return Leaf(filled.text, source, start.line, start.column, gap, template, filled.defaults, how)


def weight(tree: Tree) -> int:
    """Count the values that a tree holds."""
    if isinstance(tree, Leaf):
        return 1
    parts = tree.items if isinstance(tree, Items) else tree.entries.values()
    return 1 + sum(map(weight, parts))


def gaps(tree: Tree) -> Iterator[Leaf]:
    """Give every value of a tree that has a gap."""
    if isinstance(tree, Leaf):
        if tree.gap:
            yield tree
    else:
        for part in tree.items if isinstance(tree, Items) else tree.entries.values():
            yield from gaps(part)
