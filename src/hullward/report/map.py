"""The map of what can reach what, as an inline SVG that the page's style sheet colours."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from html import escape

from msgspec import Struct

from hullward.model.report import Behaviour, HostReport, Outcome
from hullward.model.severity import Severity
from hullward.report import reach
from hullward.report.reach import Door, Node
from hullward.report.text import visible, width

_MOST, _GROUPS = 40, 24
_PORTS = 4
_TOP, _PITCH, _TALL, _LINE = 44, 32, 24, 16
_GAP, _FRONT = 56, 40


_Column = tuple[int, int]


class _Shape(Struct, frozen=True):
    """Left edge and width of each column; a narrow map writes the ports under their container."""

    width: int
    box: _Column
    right: _Column
    source: _Column = (0, 0)
    port: _Column | None = None
    heads: tuple[tuple[int, str], ...] = ()


_WIDE = _Shape(
    1120, (420, 250), (850, 270), (0, 92), (160, 190),
    ((0, "From"), (160, "Port"), (420, "Container"), (850, "To")),
)  # fmt: skip
_NARROW = _Shape(390, (0, 170), (230, 160), heads=((0, "Container"), (230, "To")))


class _Place(Struct, frozen=True):
    """Where a node stands: its middle; for each of its ports the words, the look, the middle."""

    node: Node
    y: float
    ports: tuple[tuple[str, str, float], ...]


class _Plan(Struct, frozen=True):
    """Where everything stands: containers, networks, doors with the worst way to each, the host."""

    shape: _Shape
    places: tuple[_Place, ...]
    spots: Mapping[str, float]
    doors: Mapping[str, Severity]
    gates: Mapping[str, float]
    roof: float
    height: float


def draw(host: HostReport, *, narrow: bool = False) -> str:
    """Draw the containers of one target; beyond forty they are joined by network."""
    snapshot = host.snapshot
    found = reach.nodes(host)
    if snapshot is None or not found:
        return ""
    if len(found) > _MOST:
        found = reach.grouped(found, _GROUPS)
    internal = {network.name for network in snapshot.networks or () if network.internal}
    return "".join(_svg(_plan(found, _NARROW if narrow else _WIDE), internal))


def _plan(found: Sequence[Node], shape: _Shape) -> _Plan:
    """Find a place for everything; the right column stands in the middle of its height."""
    places = tuple(_placed(found, shape))
    networks = _by_height(places)
    doors = _doors(found)
    roof = len(networks) * _PITCH + (_GAP if networks else 0)
    tall = roof + _FRONT + len(doors) * _PITCH + 8
    height = max(_bottom(places, shape), _TOP + tall) + 8
    start = _TOP + (height - _TOP - tall - 8) / 2
    spots = {name: start + i * _PITCH + _TALL / 2 for i, name in enumerate(networks)}
    gates = {name: start + roof + _FRONT + i * _PITCH + _TALL / 2 for i, name in enumerate(doors)}
    return _Plan(shape, places, spots, doors, gates, start + roof, height)


def _svg(plan: _Plan, internal: Collection[str]) -> Iterator[str]:
    shape = plan.shape
    form, box = "wide" if shape.port else "narrow", f"0 0 {shape.width} {plan.height:.0f}"
    yield f'<svg class="map {form}" viewBox="{box}" role="img" aria-label="{_LABEL}">'
    yield from (f'<text class="head" x="{x}" y="18">{head}</text>' for x, head in shape.heads)
    yield from _host_box(plan)
    if plan.spots:
        yield _network_arrow(plan)
    sources = tuple(_sources(plan.places)) if shape.port else ()
    for name, y in sources:
        yield _pill(shape.source, y, name, "source")
    for name, y in plan.spots.items():
        yield _pill(shape.right, y, name, "network", "internal" if name in internal else "")
    at = {look: y for name, y in sources for look in _SOURCES[name]}
    for place in plan.places:
        yield from _container(place, plan, at)
    yield "</svg>"


_LABEL = "What can reach what: the internet, published ports, containers, networks, the host"


def _placed(found: Iterable[Node], shape: _Shape) -> Iterator[_Place]:
    """Stack the nodes; each port takes a row beside its container, or a line under it."""
    y = float(_TOP)
    for node in found:
        ports = [
            *_few(node.outside, "open"), *_few(node.shut, "shut"), *_few(node.inside, "local"),
            *_few(node.unsure, "unknown"),
        ]  # fmt: skip
        first, step = (y + _TALL / 2, _PITCH) if shape.port else (y + _TALL + 12, _LINE)
        lines = tuple((port, look, first + i * step) for i, (port, look) in enumerate(ports))
        rows = max(len(lines), 1) if shape.port else 1
        yield _Place(node, y + ((rows - 1) * _PITCH + _TALL) / 2, lines)
        y += _rows(len(lines), shape)


def _rows(ports: int, shape: _Shape) -> float:
    return max(ports, 1) * _PITCH if shape.port else _PITCH + ports * _LINE


def _few(ports: Sequence[str], look: str) -> list[tuple[str, str]]:
    shown = list(ports) if len(ports) <= _PORTS else list(ports[: _PORTS - 1])
    more = len(ports) - len(shown)
    return [(port, look) for port in (*shown, *([f"and {more} more"] if more else ()))]


def _bottom(places: Sequence[_Place], shape: _Shape) -> float:
    return _TOP + sum(_rows(len(place.ports), shape) for place in places)


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


_SOURCES = {"Internet": ("open", "shut", "unknown"), "Host only": ("local",)}


def _sources(places: Sequence[_Place]) -> Iterator[tuple[str, float]]:
    lowest = 0.0
    for name, looks in _SOURCES.items():
        ys = [y for place in places for _, look, y in place.ports if look in looks]
        if ys:
            lowest = max(sum(ys) / len(ys), lowest + _PITCH)
            yield name, lowest


def _host_box(plan: _Plan) -> Iterator[str]:
    x, wide = plan.shape.right
    tall = _FRONT + len(plan.doors) * _PITCH + 8
    yield (
        f'<rect class="host" x="{x - 14}" y="{plan.roof:.1f}" width="{wide + 14}" '
        f'height="{tall}" rx="10"/><text class="title" x="{x}" y="{plan.roof + 25:.1f}">Host</text>'
    )
    if not plan.doors:
        where = f'x="{x + 60}" y="{plan.roof + 25:.1f}"'
        yield f'<text class="note" {where}>no container has a way in</text>'
    for name, y in plan.gates.items():
        yield _pill((x, wide - 14), y, name, f"door {plan.doors[name].value}")


def _network_arrow(plan: _Plan) -> str:
    x, y = plan.shape.right[0] + 20, max(plan.spots.values()) + _TALL / 2
    return (
        f'<path class="edge plain" d="M{x},{y + 4:.1f}V{plan.roof - 3:.1f}m-4,-6l4,6l4,-6"/>'
        f'<text class="note" x="{x + 14}" y="{(y + plan.roof) / 2 + 4:.1f}">'
        f"{'networks reach the' if plan.shape.port else ''} host's own addresses</text>"
    )


def _container(place: _Place, plan: _Plan, sources: Mapping[str, float]) -> Iterator[str]:
    """Draw a node with everything that belongs to it, so that pointing at it shows all of it."""
    node, shape = place.node, plan.shape
    end, right = sum(shape.box), shape.right[0]
    yield '<g class="node">'
    for network in node.networks:
        yield _edge((end, place.y), (right, plan.spots[network]), "plain", f"on {network}")
    for door in sorted(node.doors.values(), key=lambda d: d.weight):
        where = (right, plan.gates[door.name])
        yield _edge((end, place.y), where, _look(door), f"{door.name}: {door.evidence}")
    for line in place.ports:
        yield from _port(line, place.y, shape, sources)
    yield _pill(shape.box, place.y, node.name, f"box {_grade(node)}", node.note)
    bar = f'x="{shape.box[0]}" y="{place.y - _TALL / 2:.1f}" width="5" height="{_TALL}" rx="2.5"'
    yield f'<rect class="bar {_grade(node)}" {bar}/></g>'


def _port(
    line: tuple[str, str, float], box: float, shape: _Shape, sources: Mapping[str, float]
) -> Iterator[str]:
    port, look, y = line
    if shape.port is None:
        text = _safe(_cut(visible(port), 24))
        yield f'<text class="under {look}" x="{shape.box[0] + 13}" y="{y:.1f}">→ {text}</text>'
        return
    yield _edge((sum(shape.source), sources[look]), (shape.port[0], y), look, port)
    yield _edge((sum(shape.port), y), (shape.box[0], box), look, port)
    yield _pill(shape.port, y, port, f"port {look}", "closed" if look == "shut" else "")


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


def _pill(column: _Column, y: float, name: str, look: str, note: str = "") -> str:
    x, wide = column
    # So many letters have room, also wide ones; a note goes where the whole name stays.
    room = (wide - 18) * 10 // (64 if look.startswith(("port", "network")) else 73)
    rest = ""
    if note and width(visible(name)) + width(visible(note)) < room:
        rest = f'<text class="note end" x="{x + wide - 8}" y="{y + 4:.1f}">{_safe(note)}</text>'
    return (
        f'<g class="pill {look}"><title>{_safe(name)}</title>'
        f'<rect x="{x}" y="{y - _TALL / 2:.1f}" width="{wide}" height="{_TALL}" rx="6"/>'
        f'<text x="{x + 13}" y="{y + 4:.1f}">{_safe(_cut(visible(name), room))}</text>{rest}</g>'
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
