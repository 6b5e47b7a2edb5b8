"""Published ports, in short and long syntax."""

import re
from collections.abc import Iterator

from hullward.compose.sheet import Sheet
from hullward.compose.values import Leaf, Table, Tree
from hullward.model.facts import Port

_FIELD = "wished_ports"
_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})
_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_LAST = 65535
# A port counts as so many values: there are a hundred thousand at most.
_COST = 10


class _BadPortError(ValueError):
    """What is wrong with a port."""


def read(sheet: Sheet) -> tuple[Port, ...]:
    """Give what a service publishes; a port that the engine chooses has the number 0."""
    found: dict[tuple[str, str, int, str], tuple[Port, Tree]] = {}
    for entry in sheet.tables("ports", _FIELD):
        if sheet.gaps_of(_FIELD, entry):
            continue
        try:
            wanted = list(_entry(entry))
            sheet.table.source.budget.spend(_COST * len(wanted), entry.place)
            for port, wish in wanted:
                found[(port.address, wish, port.private, port.protocol)] = (port, entry)
        except _BadPortError as error:
            sheet.bad(_FIELD, entry, str(error))
    ordered = sorted(found.values(), key=lambda pair: pair[0])
    for index, (_, entry) in enumerate(ordered):
        sheet.places[f"{_FIELD}[{index}]"] = entry.place
    return tuple(port for port, _ in ordered)


def _entry(entry: Tree) -> Iterator[tuple[Port, str]]:
    if isinstance(entry, Leaf):
        yield from _short(entry.text)
    elif isinstance(entry, Table):
        yield from _long(entry)
    else:
        raise _BadPortError("a list is no port")


def _long(table: Table) -> Iterator[tuple[Port, str]]:
    parts = {key: found.text for key in table.entries if isinstance(found := table.get(key), Leaf)}
    target, published = parts.get("target", ""), parts.get("published", "")
    protocol = parts.get("protocol", "tcp").lower()
    if protocol not in _PROTOCOLS:
        raise _BadPortError(f"{protocol!r} is no protocol")
    first, last = _range(target)
    if first != last:
        raise _BadPortError("target is one port")
    public = _range(published) if published else (0, 0)
    number = public[0] if public[0] == public[1] else 0
    yield Port(first, protocol, parts.get("host_ip", ""), number), published


def _short(text: str) -> Iterator[tuple[Port, str]]:
    """Read [[ADDRESS:]HOST:]CONTAINER[/PROTOCOL], where ranges are as long as each other."""
    spec, _, protocol = text.partition("/")
    protocol = (protocol or "tcp").lower()
    if protocol not in _PROTOCOLS:
        raise _BadPortError(f"{protocol!r} is no protocol")
    rest, _, target = spec.rpartition(":")
    address, _, host = rest.rpartition(":")
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    first, last = _range(target)
    if not host:
        for number in range(first, last + 1):
            yield Port(number, protocol, address, 0), ""
        return
    low, high = _range(host)
    if high - low != last - first:
        if first != last:
            raise _BadPortError(f"the ranges {host} and {target} are not of one length")
        yield Port(first, protocol, address, 0), host
        return
    for offset in range(last - first + 1):
        yield Port(first + offset, protocol, address, low + offset), str(low + offset)


def _range(text: str) -> tuple[int, int]:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise _BadPortError(f"{text!r} is no port")
    first, last = int(match[1]), int(match[2] or match[1])
    if first > last or last > _LAST:
        raise _BadPortError(f"{text!r} is no range of ports")
    return first, last
