"""The namespaces and networks of a service, named as the engine would."""

from collections.abc import Mapping

from hullward.compose import merge
from hullward.compose.model import Network
from hullward.compose.sheet import Sheet
from hullward.compose.values import Leaf, Table

_SERVICE, _CONTAINER = "service:", "container:"
_OF_THE_ENGINE = {"default": "bridge", "bridge": "bridge", "host": "host", "none": "none"}


def mode(sheet: Sheet, key: str, field: str, names: Mapping[str, str], default: str = "") -> str:
    """Give a namespace's mode; `service:` becomes the name of that service's container."""
    found = sheet.leaf(key, field)
    if found is None:
        return default
    if not found.text.startswith(_SERVICE):
        return found.text
    other = found.text.removeprefix(_SERVICE)
    if other not in names and field not in sheet.unresolved:
        sheet.bad(field, found, f"there is no service {other}")
    return _CONTAINER + names.get(other, other)


def networks(
    sheet: Sheet, names: Mapping[str, str], known: Mapping[str, Network]
) -> tuple[str, tuple[str, ...]]:
    """Give the network mode, and the engine's names of the networks that are joined."""
    chosen = mode(sheet, "network_mode", "network_mode", names)
    if chosen:
        sheet.places["networks"] = sheet.places["network_mode"]
        if "network_mode" in sheet.unresolved:
            sheet.unresolved["networks"] = sheet.unresolved["network_mode"]
        if chosen.startswith(_CONTAINER):
            return chosen, ()
        return chosen, (_OF_THE_ENGINE.get(chosen, chosen),)
    if sheet.table.get("provider") is not None:
        return "", ()
    joined = _joined(sheet)
    first = min(joined, key=lambda name: (-joined[name], name))
    mapped = {name: _engine_name(sheet, name, known) for name in joined}
    return mapped[first], tuple(sorted(mapped.values()))


def _joined(sheet: Sheet) -> Mapping[str, int]:
    """Give the keys of the networks with their priorities; `default` where none is named."""
    found = sheet.take("networks", "networks")
    if found is not None:
        sheet.gaps_of("networks", found)
        table = merge.as_table(found)
        if isinstance(table, Table) and table.entries:
            return {name: _priority(table, name) for name in table.entries}
        if not isinstance(table, Table):
            sheet.bad("networks", found, "a list or a mapping belongs there")
    return {"default": 0}


def _priority(table: Table, name: str) -> int:
    settings = table.get(name)
    value = settings.get("priority") if isinstance(settings, Table) else None
    number = value.data if isinstance(value, Leaf) else 0
    return number if isinstance(number, int) else 0


def _engine_name(sheet: Sheet, name: str, known: Mapping[str, Network]) -> str:
    network = known.get(name)
    if network is None:
        tree = sheet.table.get("networks")
        if tree is not None and "networks" not in sheet.unresolved:
            sheet.bad("networks", tree, f"there is no network {name}")
        return name
    return network.facts.name
