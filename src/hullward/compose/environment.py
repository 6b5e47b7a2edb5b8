"""A service's variables, by name and where their values come from, and its labels."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from hullward.compose import dotenv, paths
from hullward.compose.model import MissingFileError, Variable
from hullward.compose.opening import Loaded
from hullward.compose.sheet import Sheet, truth
from hullward.compose.values import Items, Leaf, Table, Tree

_FIELD, _FILES = "environment", "env_files"


def read(sheet: Sheet, state: Loaded, environment: Mapping[str, str]) -> tuple[Variable, ...]:
    """Give the variables by name; those of the service itself win over its files."""
    found: dict[str, Variable] = {}
    for file in files(sheet):
        for name in _read(sheet, state, file, environment, _FILES):
            found[name] = Variable(name, "env_file", file.leaf.place)
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


class EnvFile(Struct, frozen=True):
    """A file that a service takes variables or labels from."""

    path: str
    leaf: Leaf
    required: bool = True
    raw: bool = False


def files(sheet: Sheet, key: str = "env_file") -> list[EnvFile]:
    """Give the files of `env_file`, or of another key of its form."""
    entry = sheet.table.get(key)
    parts = entry.items if isinstance(entry, Items) else (entry,)
    return [found for part in parts if (found := _file(part))]


def labels(sheet: Sheet, state: Loaded, environment: Mapping[str, str]) -> dict[str, Leaf]:
    """Give the labels with `name=value` texts; those of the service itself win over its files."""
    found: dict[str, Leaf] = {}
    for file in files(sheet, "label_file"):
        for name, value in _read(sheet, state, file, environment, "labels").items():
            found[name] = replace(file.leaf, data=f"{name}={value}")
    return {**found, **sheet.pairs("labels", "labels")}


def _file(part: Tree | None) -> EnvFile | None:
    path, required, raw = part, None, None
    if isinstance(part, Table):
        path, required, raw = (part.get(key) for key in ("path", "required", "format"))
    if not isinstance(path, Leaf):
        return None
    return EnvFile(
        _path(path),
        path,
        not isinstance(required, Leaf) or truth(required.data) is not False,
        isinstance(raw, Leaf) and raw.text == "raw",
    )


def _path(leaf: Leaf) -> str:
    return paths.absolute(leaf.text, leaf.source.base, leaf.source.environment)


def _origin(leaf: Leaf) -> str:
    if leaf.defaults:
        return "default"
    return "variable" if leaf.template else "literal"


def _read(
    sheet: Sheet, state: Loaded, file: EnvFile, environment: Mapping[str, str], field: str
) -> Mapping[str, str]:
    """Read one file; note it where it cannot be had."""
    if file.leaf.gap:
        sheet.gap(field, file.leaf.gap, file.leaf.place, "variable")
        return {}
    try:
        content = state.text(file.path)
    except MissingFileError as error:
        if file.required:
            sheet.gap(field, error.what, file.leaf.place, "file")
        return {}
    file.leaf.source.budget.spend(1 + len(content) // 100, file.leaf.place)
    parse = dotenv.parse_raw if file.raw else dotenv.parse
    return parse(content, file.path, environment)
