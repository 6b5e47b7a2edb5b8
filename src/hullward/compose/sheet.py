"""Reading the keys of one service: each fact with its place, each gap with its reason."""

import re

from hullward.compose import merge
from hullward.compose.model import Place, Problem, Unresolved
from hullward.compose.scalars import Data
from hullward.compose.values import Items, Leaf, Table, Tree, gaps

_TRUE = frozenset({"true", "y", "yes", "on"})
_FALSE = frozenset({"false", "n", "no", "off"})
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]{1,18}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?")
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?) ?([kmgtp]?)i?b?", re.IGNORECASE)
_NO_LIMIT = "-1"
_UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


class Sheet:
    """One service being read. `places` and `unresolved` fill while its keys are read."""

    def __init__(self, table: Table, name: str) -> None:
        """Take the service as its files leave it."""
        self.table = table
        self.name = name
        self.places: dict[str, Place] = {}
        self.unresolved: dict[str, Unresolved] = {}
        self.problems: list[Problem] = []

    def take(self, key: str, field: str, table: Table | None = None) -> Tree | None:
        """Give what is written at a key, and note its place for this field."""
        table = self.table if table is None else table
        found = table.get(key)
        if key in table.entries:
            self.places.setdefault(field, table.key_place(key))
        return found

    def leaf(self, key: str, field: str, table: Table | None = None) -> Leaf | None:
        """Give a single value, None where it is absent or of another form."""
        found = self.take(key, field, table)
        if found is None:
            return None
        if not isinstance(found, Leaf):
            self.bad(field, found, "a single value belongs there")
            return None
        self.known(field, found)
        return found

    def known(self, field: str, leaf: Leaf) -> bool:
        """Note it where a value has a gap; give whether it has none."""
        if leaf.gap:
            self.gap(field, leaf.gap, leaf.place, "variable")
        elif "{{" in leaf.text:
            self.gap(field, "a template stands for it", leaf.place, "variable")
        else:
            return True
        return False

    def gap(self, field: str, reason: str, place: Place, cause: str) -> None:
        """Note that a field is not known; the first reason stays."""
        self.unresolved.setdefault(field, Unresolved(reason, place, cause))

    def bad(self, field: str, tree: Tree, what: str) -> None:
        """Note a value that compose would refuse; the fields made of it are not known then."""
        if all(problem.place != tree.place for problem in self.problems):
            self.problems.append(Problem(f"service {self.name}: {field}: {what}", tree.place))
        self.gap(field, what, tree.place, "value")

    def text(self, key: str, field: str, table: Table | None = None) -> str:
        """Give a text, "" for none."""
        leaf = self.leaf(key, field, table)
        return leaf.text if leaf else ""

    def flag(self, key: str, field: str, table: Table | None = None) -> bool:
        """Give a boolean, which may be written as a text; False for none."""
        leaf = self.leaf(key, field, table)
        if leaf is None:
            return False
        found = truth(leaf.data)
        if found is None and field not in self.unresolved:
            self.bad(field, leaf, f"{leaf.text!r} is neither true nor false")
        return bool(found)

    def number(self, key: str, field: str, table: Table | None = None) -> int:
        """Give a whole number, which may be written as a text; 0 for none."""
        leaf = self.leaf(key, field, table)
        return 0 if leaf is None else self.whole(field, leaf)

    def whole(self, field: str, leaf: Leaf) -> int:
        """Give the whole number that a value is."""
        if isinstance(leaf.data, float) and leaf.data.is_integer():
            return int(leaf.data)
        if _NUMBER.fullmatch(leaf.text):
            return int(leaf.text)
        if field not in self.unresolved:
            self.bad(field, leaf, f"{leaf.text!r} is no whole number")
        return 0

    def decimal(self, key: str, field: str, table: Table | None = None) -> float:
        """Give a number, 0 for none."""
        leaf = self.leaf(key, field, table)
        if leaf is None:
            return 0
        if _DECIMAL.fullmatch(leaf.text):
            return float(leaf.text)
        if field not in self.unresolved:
            self.bad(field, leaf, f"{leaf.text!r} is no number")
        return 0

    def size(self, key: str, field: str, table: Table | None = None) -> int:
        """Give bytes, such as 1g or 512m; 0 for none."""
        leaf = self.leaf(key, field, table)
        if leaf is None:
            return 0
        match = _SIZE.fullmatch(leaf.text)
        if match:
            return int(float(match[1]) * 1024 ** _UNITS[match[2].lower()])
        if field not in self.unresolved and leaf.text != _NO_LIMIT:
            self.bad(field, leaf, f"{leaf.text!r} is no size")
        return 0

    def leaves(self, key: str, field: str, table: Table | None = None) -> list[Leaf]:
        """Give the single values of a list, or of a mapping as name=value."""
        found = self.take(key, field, table)
        if found is None:
            return []
        leaves = []
        for item in merge.as_list(found).items:
            if isinstance(item, Leaf):
                self.known(field, item)
                leaves.append(item)
            else:
                self.bad(field, item, "a single value belongs there")
        return leaves

    def texts(self, key: str, field: str, *, unique: bool = False) -> tuple[str, ...]:
        """Give a list of texts, and note the place of each; `unique` keeps the first of equals."""
        leaves = self.leaves(key, field)
        if unique:
            leaves = list({leaf.text.partition("=")[0]: leaf for leaf in leaves}.values())
        self.note(field, leaves)
        return tuple(leaf.text for leaf in leaves)

    def note(self, field: str, trees: list[Leaf]) -> None:
        """Note the places of the entries of a field."""
        for index, leaf in enumerate(trees):
            self.places[f"{field}[{index}]"] = leaf.place

    def pairs(self, key: str, field: str, table: Table | None = None) -> dict[str, Leaf]:
        """Give name=value entries by their names, the last of each."""
        found = self.leaves(key, field, table)
        return {leaf.text.partition("=")[0]: leaf for leaf in found}

    def tables(self, key: str, field: str, table: Table | None = None) -> list[Tree]:
        """Give the entries of a list, whatever their form."""
        found = self.take(key, field, table)
        if found is None:
            return []
        if not isinstance(found, Items):
            self.bad(field, found, "a list belongs there")
            return []
        return list(found.items)

    def below(self, key: str, field: str, table: Table | None = None) -> Table | None:
        """Give a mapping, None where it is absent or of another form."""
        found = (self.table if table is None else table).get(key)
        if found is None or isinstance(found, Table):
            return found
        self.bad(field, found, "a mapping belongs there")
        return None

    def gaps_of(self, field: str, tree: Tree) -> bool:
        """Note the gaps of all that a tree holds; give whether there are any."""
        found = list(gaps(tree))
        for leaf in found:
            self.known(field, leaf)
        return bool(found)


def truth(data: Data) -> bool | None:
    """Read a boolean as compose does, None for what is none."""
    if isinstance(data, bool):
        return data
    word = data.lower() if isinstance(data, str) else ""
    return True if word in _TRUE else False if word in _FALSE else None
