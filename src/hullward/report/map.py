"""The map of what can reach what, as an inline SVG that the page's style sheet colours."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from msgspec import Struct

from hullward.model.facts import Snapshot
from hullward.model.report import Behaviour, HostReport, Outcome
from hullward.model.severity import Severity
from hullward.report import reach
from hullward.report.reach import Door, Node
from hullward.report.text import visible, width

_MOST = 40
_PORTS = 4
_WIDTH, _TOP, _PITCH, _TALL = 1120, 44, 32, 24
# Left edge and width of each column.
_SOURCE, _PORT, _BOX, _RIGHT = (0, 92), (160, 190), (420, 250), (850, 270)
_GAP = 56


class _Place(Struct, frozen=True):
    """Where a node stands: its middle, and one line for each of its ports."""

    node: Node
    y: float
    ports: tuple[tuple[str, bool, float], ...]


def draw(host: HostReport) -> str:
    """Draw the containers of one target; beyond forty they are joined by network."""
    snapshot = host.snapshot
    found = reach.nodes(host)
    if snapshot is None or not found:
        return ""
    if len(found) > _MOST:
        found = reach.grouped(found, _MOST)
    places = tuple(_placed(found))
    left = _bottom(places)
    networks = _by_height(places)
    doors = _doors(found)
    tall = len(networks) * _PITCH + _GAP + 40 + len(doors) * _PITCH + 16
    height = max(left, _TOP + tall) + 8
    start = _TOP + max(0.0, (height - _TOP - tall - 8) / 2)
    spots = {name: start + i * _PITCH + _TALL / 2 for i, name in enumerate(networks)}
    roof = start + len(networks) * _PITCH + (_GAP if networks else 0)
    gates = {name: roof + 40 + i * _PITCH + _TALL / 2 for i, name in enumerate(doors)}
    return "".join(_svg(snapshot, places, spots, doors, gates, roof, height))


def _svg(  # noqa: PLR0913 - the parts of one picture
    snapshot: Snapshot,
    places: Sequence[_Place],
    spots: Mapping[str, float],
    doors: Mapping[str, Severity],
    gates: Mapping[str, float],
    roof: float,
    height: float,
) -> Iterator[str]:
    yield f'<svg class="map" viewBox="0 0 {_WIDTH} {height:.0f}" role="img" aria-label="{_LABEL}">'
    yield from _heads()
    yield from _host_box(doors, gates, roof)
    if spots:
        yield _network_arrow(spots, roof)
    sources = tuple(_sources(places))
    for name, y, _ in sources:
        yield _pill(_SOURCE, y, name, "source")
    at = {outside: y for _, y, outside in sources}
    internal = {network.name for network in snapshot.networks or () if network.internal}
    for name, y in spots.items():
        note = "internal" if name in internal else ""
        yield _pill(_RIGHT, y, name, "network", note)
    for place in places:
        yield from _container(place, at, spots, gates)
    yield "</svg>"


_LABEL = "What can reach what: the internet, published ports, containers, networks, the host"


def _heads() -> Iterator[str]:
    heads = ((_SOURCE, "From"), (_PORT, "Port"), (_BOX, "Container"), (_RIGHT, "To"))
    for (x, _), head in heads:
        yield f'<text class="head" x="{x}" y="18">{head}</text>'


def _placed(found: Iterable[Node]) -> Iterator[_Place]:
    """Stack the nodes; one with several ports takes a line for each."""
    y = float(_TOP)
    for node in found:
        ports = [*_few(node.outside, outside=True), *_few(node.inside, outside=False)]
        lines = tuple(
            (port, outside, y + i * _PITCH + _TALL / 2) for i, (port, outside) in enumerate(ports)
        )
        rows = max(len(lines), 1)
        yield _Place(node, y + ((rows - 1) * _PITCH + _TALL) / 2, lines)
        y += rows * _PITCH


def _few(ports: Sequence[str], *, outside: bool) -> list[tuple[str, bool]]:
    shown = list(ports) if len(ports) <= _PORTS else list(ports[: _PORTS - 1])
    more = len(ports) - len(shown)
    return [(port, outside) for port in (*shown, *([f"and {more} more"] if more else ()))]


def _bottom(places: Sequence[_Place]) -> float:
    return _TOP + sum(max(len(place.ports), 1) for place in places) * _PITCH


def _by_height(places: Sequence[_Place]) -> tuple[str, ...]:
    """Order the networks by the middle of their containers, so that few lines cross."""
    heights: dict[str, list[float]] = {}
    for place in places:
        for network in place.node.networks:
            heights.setdefault(network, []).append(place.y)
    middle = {name: sum(ys) / len(ys) for name, ys in heights.items()}
    return tuple(sorted(middle, key=lambda name: (middle[name], name)))


def _doors(found: Iterable[Node]) -> dict[str, Severity]:
    """Give each door of the host with the worst way to it, the worst door first."""
    worst: dict[str, Severity] = {}
    for node in found:
        for door in node.doors.values():
            known = worst.get(door.name)
            if known is None or door.severity.rank > known.rank:
                worst[door.name] = door.severity
    return dict(sorted(worst.items(), key=lambda item: (-item[1].rank, item[0])))


def _sources(places: Sequence[_Place]) -> Iterator[tuple[str, float, bool]]:
    for name, outside in (("Internet", True), ("Host only", False)):
        ys = [y for place in places for _, out, y in place.ports if out is outside]
        if ys:
            yield name, sum(ys) / len(ys), outside


def _host_box(
    doors: Mapping[str, Severity], gates: Mapping[str, float], roof: float
) -> Iterator[str]:
    x, wide = _RIGHT
    tall = 40 + len(doors) * _PITCH + 8
    yield (
        f'<rect class="host" x="{x - 14}" y="{roof:.1f}" width="{wide + 14}" height="{tall}" '
        f'rx="10"/><text class="title" x="{x}" y="{roof + 24:.1f}">Host</text>'
    )
    if not doors:
        yield f'<text class="note" x="{x + 60}" y="{roof + 24:.1f}">no container has a way in</text>'
    for name, y in gates.items():
        yield _pill((x, wide - 14), y, name, f"door {doors[name].value}")


def _network_arrow(spots: Mapping[str, float], roof: float) -> str:
    x, y = _RIGHT[0] + 24, max(spots.values()) + _TALL / 2
    return (
        f'<path class="edge plain" d="M{x},{y + 4:.1f}V{roof - 3:.1f}m-4,-6l4,6l4,-6"/>'
        f'<text class="note" x="{x + 14}" y="{(y + roof) / 2 + 4:.1f}">'
        "every network reaches the host's own addresses</text>"
    )


def _container(
    place: _Place,
    sources: Mapping[bool, float],
    spots: Mapping[str, float],
    gates: Mapping[str, float],
) -> Iterator[str]:
    """Draw a node with everything that belongs to it, so that pointing at it shows all of it."""
    node = place.node
    end = _BOX[0] + _BOX[1]
    yield '<g class="node">'
    for network in node.networks:
        yield _edge((end, place.y), (_RIGHT[0], spots[network]), "plain", f"on {network}")
    for door in sorted(node.doors.values(), key=lambda d: d.weight):
        where = (_RIGHT[0], gates[door.name])
        yield _edge((end, place.y), where, _look(door), f"{door.name}: {door.evidence}")
    for port, outside, y in place.ports:
        kind = "open" if outside else "local"
        start = (_SOURCE[0] + _SOURCE[1], sources[outside])
        yield _edge(start, (_PORT[0], y), kind, port)
        yield _edge((_PORT[0] + _PORT[1], y), (_BOX[0], place.y), kind, port)
        yield _pill(_PORT, y, port, f"port {kind}")
    yield _pill(_BOX, place.y, node.name, f"box {_grade(node)}", node.note)
    bar = f'x="{_BOX[0]}" y="{place.y - _TALL / 2:.1f}" width="5" height="{_TALL}" rx="2.5"'
    yield f'<rect class="bar {_grade(node)}" {bar}/></g>'


def _grade(node: Node) -> str:
    if node.worst:
        return node.worst.value
    return "good" if node.behaviour is Behaviour.YES else "none"


def _look(door: Door) -> str:
    sure = {Outcome.FAIL: door.severity.value, Outcome.WAIVED: f"{door.severity.value} waived"}
    return sure.get(door.outcome, "unknown")


def _edge(start: tuple[float, float], end: tuple[float, float], look: str, title: str) -> str:
    (x1, y1), (x2, y2) = start, end
    bend = (x2 - x1) / 2
    path = f"M{x1},{y1:.1f}C{x1 + bend:.0f},{y1:.1f} {x2 - bend:.0f},{y2:.1f} {x2},{y2:.1f}"
    return f'<path class="edge {look}" d="{path}"><title>{_safe(title)}</title></path>'


def _pill(column: tuple[int, int], y: float, name: str, look: str, note: str = "") -> str:
    x, wide = column
    room = (wide - 24) // 7 - (width(visible(note)) + 1 if note else 0)
    rest = f'<text class="note end" x="{x + wide - 9}" y="{y + 4:.1f}">{_safe(note)}</text>'
    return (
        f'<g class="pill {look}"><title>{_safe(name)}</title>'
        f'<rect x="{x}" y="{y - _TALL / 2:.1f}" width="{wide}" height="{_TALL}" rx="6"/>'
        f'<text x="{x + 13}" y="{y + 4:.1f}">{_safe(_cut(visible(name), room))}</text>'
        f"{rest if note else ''}</g>"
    )


def _cut(text: str, columns: int) -> str:
    """Shorten visible text to so many columns."""
    if width(text) <= columns:
        return text
    while text and width(text) >= columns:
        text = text[:-1]
    return f"{text}…"


def _safe(text: str) -> str:
    return escape(visible(text))
