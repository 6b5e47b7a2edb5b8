"""One compose file laid over another, and a service over the one that it extends.

The rules are those of docs.docker.com/reference/compose-file/merge; where it says nothing,
compose-go's override package decides.
"""

from collections.abc import Callable
from typing import NoReturn

from msgspec.structs import replace

from hullward.compose.values import Items, Leaf, Source, Table, Tree
from hullward.model.errors import HullwardError

Path = tuple[str, ...]
SERVICE: Path = ("services", "*")

# Below these, every name is the user's own.
_NAMED_BY_USER = frozenset(
    {
        ("services",),
        ("networks",),
        ("volumes",),
        ("secrets",),
        ("configs",),
        (*SERVICE, "ulimits"),
    }
)


def over(base: Tree, other: Tree, path: Path = ()) -> Tree:
    """Lay one tree over another; raises HullwardError where their forms differ."""
    if other.how:
        return other
    merger = _MERGERS.get(path)
    if merger:
        return merger(base, other, path)
    if isinstance(other, Leaf) and other.data is None:
        return base
    if isinstance(base, Table):
        return _tables(base, other, path)
    if isinstance(base, Items):
        if not isinstance(other, Items):
            _refuse(other, path, "a list")
        return replace(base, items=(*base.items, *other.items))
    return other


def settled(tree: Tree) -> Tree | None:
    """Take out what was reset, and forget that the rest was an override; None for nothing left."""
    if tree.how == "reset":
        return None
    if isinstance(tree, Leaf):
        return replace(tree, how="") if tree.how else tree
    if isinstance(tree, Items):
        return replace(tree, items=tuple(filter(None, map(settled, tree.items))), how="")
    entries = {name: settled(value) for name, value in tree.entries.items()}
    return replace(tree, entries={n: v for n, v in entries.items() if v is not None}, how="")


def as_list(tree: Tree) -> Items:
    """Write a mapping as a list of `name=value`, a single text as a list of one."""
    if isinstance(tree, Items):
        return tree
    items: list[Tree] = []
    if isinstance(tree, Leaf):
        items = [] if tree.data is None else [tree]
    else:
        for name, value in tree.entries.items():
            items += _pairs(name, tree.keys[name], value)
    return Items(tuple(items), tree.source, tree.line, tree.column)


def as_table(tree: Tree) -> Tree:
    """Write a list of names as a mapping of names to nothing."""
    if not isinstance(tree, Items):
        return tree
    leaves = [item for item in tree.items if isinstance(item, Leaf)]
    return Table(
        {leaf.text: replace(leaf, data=None) for leaf in leaves},
        {leaf.text: (leaf.source, leaf.line, leaf.column) for leaf in leaves},
        tree.source,
        tree.line,
        tree.column,
    )


def _pairs(name: str, key: tuple[Source, int, int], value: Tree) -> list[Tree]:
    if isinstance(value, Items):
        return [pair for item in value.items for pair in _pairs(name, key, item)]
    if isinstance(value, Table):
        return []
    source, line, column = key
    text = name if value.data is None else f"{name}={value.text}"
    template = f"{name}={value.template}" if value.template else ""
    return [Leaf(text, source, line, column, value.gap, template, value.defaults, value.how)]


def _refuse(other: Tree, path: Path, form: str) -> NoReturn:
    where = ".".join(path) or "the file"
    raise HullwardError(
        f"{other.place}: {where} is {form} in what this lies over",
        "Write both in the same form; `docker compose config` refuses them too.",
    )


def _tables(base: Tree, other: Tree, path: Path) -> Tree:
    if isinstance(other, Leaf) and other.data is None:
        return base
    if isinstance(base, Leaf) and base.data is None:
        return other
    if not isinstance(base, Table) or not isinstance(other, Table):
        _refuse(other, path, "a mapping" if isinstance(base, Table) else "no mapping")
    entries, keys = dict(base.entries), dict(base.keys)
    below = "*" if path in _NAMED_BY_USER else ""
    for name, value in other.entries.items():
        known = entries.get(name)
        merged = value if known is None else over(known, value, (*path, below or name))
        entries[name] = merged
        if known is None or merged is value:
            keys[name] = other.keys[name]
    return replace(base, entries=entries, keys=keys)


def _last(base: Tree, other: Tree, path: Path) -> Tree:
    del base, path
    return other


def _lists(base: Tree, other: Tree, path: Path) -> Tree:
    del path
    first = as_list(base)
    return replace(first, items=(*first.items, *as_list(other).items))


def _named(base: Tree, other: Tree, path: Path) -> Tree:
    return _tables(as_table(base), as_table(other), path)


def _build(base: Tree, other: Tree, path: Path) -> Tree:
    return _tables(_build_table(base), _build_table(other), path)


def _build_table(tree: Tree) -> Tree:
    if not isinstance(tree, Leaf) or tree.data is None:
        return tree
    key = (tree.source, tree.line, tree.column)
    return Table({"context": tree}, {"context": key}, *key)


def _logging(base: Tree, other: Tree, path: Path) -> Tree:
    """Merge the options only where both mean the same driver."""
    if isinstance(base, Table) and isinstance(other, Table):
        drivers = [t.get("driver") for t in (base, other)]
        if all(drivers) and len({d.text for d in drivers if isinstance(d, Leaf)}) > 1:
            return other
    return _tables(base, other, path)


_MERGERS: dict[Path, Callable[[Tree, Tree, Path], Tree]] = {
    ("networks", "*", "labels"): _lists,
    ("volumes", "*", "labels"): _lists,
    (*SERVICE, "build"): _build,
    (*SERVICE, "depends_on"): _named,
    (*SERVICE, "networks"): _named,
    (*SERVICE, "models"): _named,
    (*SERVICE, "logging"): _logging,
    (*SERVICE, "ulimits", "*"): _last,
    **{(*SERVICE, *key.split(".")): _last for key in ("command", "entrypoint", "healthcheck.test")},
    **{
        (*SERVICE, *key.split(".")): _lists
        for key in (
            "annotations",
            "build.args",
            "build.additional_contexts",
            "build.extra_hosts",
            "build.labels",
            "deploy.labels",
            "dns",
            "dns_opt",
            "dns_search",
            "env_file",
            "label_file",
            "environment",
            "extra_hosts",
            "labels",
            "sysctls",
            "tmpfs",
        )
    },
}
