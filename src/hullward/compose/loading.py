"""Compose files to one tree: merged, with what they include and extend."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from hullward.compose import merge, opening, paths
from hullward.compose.extends import Extender
from hullward.compose.model import MissingFileError
from hullward.compose.opening import Loaded
from hullward.compose.values import Items, Leaf, Source, Table, Tree
from hullward.model.errors import HullwardError

MAX_DEPTH = 50
# An include counts as so many values: a thousand of them are an attack.
_INCLUDE = 1000

_RESOURCES = ("services", "volumes", "networks", "secrets", "configs", "models")


def model(
    state: Loaded,
    files: Sequence[str],
    base: str,
    environment: Mapping[str, str],
    above: tuple[str, ...] = (),
) -> Table:
    """Read files into one tree, each laid over those before; `above` are those that include it."""
    found = Table({}, {}, Source(files[0], base, environment, state.budget), 1, 1)
    for file in files:
        for document in opening.documents(state, file, base, environment):
            included = _include(state, document, base, (*above, file))
            extended = Extender(state, file).all(included)
            found = opening.settled(merge.over(found, extended), found)
    return found


def _include(state: Loaded, document: Table, base: str, above: tuple[str, ...]) -> Table:
    """Bring in what a document includes; its own settings lie over them."""
    wanted = document.get("include")
    if wanted is None:
        return document
    if not isinstance(wanted, Items):
        raise HullwardError(
            f"{wanted.place}: include is a list", "Write `include:` with one `- FILE` a line."
        )
    for entry in wanted.items:
        imported = _included(state, entry, base, above)
        if imported is None:
            continue
        for kind in _RESOURCES:
            theirs, ours = imported.get(kind), document.get(kind)
            if theirs is None:
                continue
            entries = dict(document.entries)
            entries[kind] = theirs if ours is None else merge.over(theirs, ours, (kind,))
            keys = {kind: imported.keys[kind], **document.keys}
            document = replace(document, entries=entries, keys=keys)
    return document


def _included(state: Loaded, entry: Tree, base: str, above: tuple[str, ...]) -> Table | None:
    source = entry.source
    main = entry if isinstance(entry, Leaf) else None
    names, directory, env_files = _included_paths(entry)
    for name in names:
        if paths.remote(name.text) or name.gap:
            reason = name.gap or "it is fetched from elsewhere"
            state.problem(
                f"include of {paths.shown(name.text)} was not followed: {reason}", name.place
            )
            return None
    if not names:
        state.problem("include names no file", entry.place)
        return None
    files = [paths.absolute(name.text, base, source.environment) for name in names]
    if files[0] in above or len(above) > MAX_DEPTH:
        raise HullwardError(
            f"{(main or names[0]).place}: {files[0]} includes itself",
            "Break the circle: take out one of them.",
        )
    inner = (
        paths.absolute(directory.text, base, source.environment)
        if directory
        else paths.folder(files[0])
    )
    environment = _included_environment(state, env_files, base, inner, source.environment)
    state.budget.spend(_INCLUDE, names[0].place)
    try:
        return model(state, files, inner, environment, above)
    except MissingFileError as error:
        state.problem(f"include was not followed: {error.what}", names[0].place)
        return None


def _included_paths(entry: Tree) -> tuple[list[Leaf], Leaf | None, list[Leaf] | None]:
    if not isinstance(entry, Table):
        return _leaves(entry), None, None
    directory = entry.get("project_directory")
    env = entry.get("env_file")
    path = entry.get("path")
    return (
        _leaves(path) if path else [],
        directory if isinstance(directory, Leaf) else None,
        _leaves(env) if env else None,
    )


def _leaves(tree: Tree) -> list[Leaf]:
    return [item for item in merge.as_list(tree).items if isinstance(item, Leaf)]


def _included_environment(
    state: Loaded,
    env_files: list[Leaf] | None,
    base: str,
    directory: str,
    environment: Mapping[str, str],
) -> Mapping[str, str]:
    """Give the variables of an included file: what is set outside wins over its own .env."""
    if not env_files:
        own = paths.absolute(".env", directory, environment)
        return opening.with_file(state, own, environment, needed=False)
    for leaf in env_files:
        if leaf.text != "/dev/null":
            file = paths.absolute(leaf.text, base, leaf.source.environment)
            environment = opening.with_file(state, file, environment, needed=True)
    return environment
