"""The environment variables of a service: names and where their values come from, no value."""

from collections.abc import Iterator, Mapping

from hullward.compose import dotenv, paths
from hullward.compose.loading import Loaded
from hullward.compose.model import MissingFileError, Place, Variable
from hullward.compose.sheet import Sheet, truth
from hullward.compose.values import Leaf, Table, Tree

_FIELD, _FILES = "environment", "env_files"


def read(sheet: Sheet, state: Loaded, environment: Mapping[str, str]) -> tuple[Variable, ...]:
    """Give the variables by name; those of the service itself win over its files."""
    found: dict[str, Variable] = {}
    for name, place in _from_files(sheet, state, environment):
        found[name] = Variable(name, "env_file", place)
    for leaf in sheet.pairs("environment", _FIELD).values():
        name, sign, _ = leaf.text.partition("=")
        found[name] = Variable(name, _origin(leaf) if sign else "passed", leaf.place)
    variables = tuple(sorted(found.values(), key=lambda variable: variable.name))
    for index, variable in enumerate(variables):
        sheet.places[f"{_FIELD}[{index}]"] = variable.place
    # Values are not looked at, so their gaps are none; a file that is missing is one.
    sheet.unresolved.pop(_FIELD, None)
    if _FILES in sheet.unresolved:
        sheet.unresolved[_FIELD] = sheet.unresolved[_FILES]
    return variables


def files(sheet: Sheet) -> list[tuple[str, Leaf, bool]]:
    """Give the paths of `env_file` with their places, and whether each is required."""
    found = []
    entry = sheet.table.get("env_file")
    parts = entry.items if entry is not None and not isinstance(entry, Leaf | Table) else (entry,)
    for part in parts:
        leaf, required = _file(part)
        if leaf is not None:
            found.append((_path(leaf), leaf, required))
    return found


def _file(part: Tree | None) -> tuple[Leaf | None, bool]:
    if isinstance(part, Table):
        path, required = part.get("path"), part.get("required")
        needed = truth(required.data) is not False if isinstance(required, Leaf) else True
        return (path if isinstance(path, Leaf) else None), needed
    return (part if isinstance(part, Leaf) else None), True


def _path(leaf: Leaf) -> str:
    return paths.absolute(leaf.text, leaf.source.base, leaf.source.environment)


def _origin(leaf: Leaf) -> str:
    if leaf.defaults:
        return "default"
    return "variable" if leaf.template else "literal"


def _from_files(
    sheet: Sheet, state: Loaded, environment: Mapping[str, str]
) -> Iterator[tuple[str, Place]]:
    """Give the names in the files of `env_file`; note those that cannot be read."""
    for path, leaf, required in files(sheet):
        if leaf.gap:
            sheet.gap(_FILES, leaf.gap, leaf.place, "variable")
            continue
        try:
            content = state.text(path)
        except MissingFileError as error:
            if required:
                sheet.gap(_FILES, error.what, leaf.place, "file")
            continue
        for name in dotenv.parse(content, path, environment):
            yield name, leaf.place
