"""What can reach what: from outside through a port into a container, and from there to the host."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct, field

from hullward.model.facts import Container, Listener, Port, Snapshot
from hullward.model.report import Behaviour, HostReport, Outcome, Row, Verdict
from hullward.model.severity import Severity
from hullward.rules import grants, port_table
from hullward.rules.port_table import Reach

_Key = tuple[str, str, int, str]
_Words = tuple[str, ...]
_Ports = tuple[_Words, _Words, _Words, _Words]

# What of the host a failed rule opens.
DOORS = {
    "container-privileged": "Every privilege",
    "container-engine-socket": "Engine socket",
    "container-engine-api": "Engine API",
    "container-dangerous-capability": "Capabilities",
    "container-unmasked-paths": "Kernel settings",
    "container-sensitive-bind": "Files",
    "container-host-network": "Network",
    "container-host-pid": "Processes",
    "container-host-ipc": "Shared memory",
    "container-host-userns": "User namespace",
    "container-host-cgroup": "Control groups",
    "container-host-uts": "Host name",
    "container-host-device": "Devices",
    "container-device-rules": "Devices",
    "container-gpu": "GPU",
    "container-shared-propagation": "Mounts",
    "container-privileged-group": "Groups",
}
_DRAWN = frozenset({Outcome.FAIL, Outcome.WAIVED, Outcome.UNKNOWN})
_NO_NETWORK = frozenset({"none", "host"})


class Door(Struct, frozen=True):
    """A way from a container to something of the host; the outcome says how sure it is."""

    name: str
    severity: Severity
    outcome: Outcome
    evidence: str

    @property
    def weight(self) -> tuple[int, int]:
        """Order doors: what stands open before what is accepted or not known, the worst first."""
        order = (Outcome.UNKNOWN, Outcome.WAIVED, Outcome.FAIL)
        return order.index(self.outcome), self.severity.rank


class Node(Struct, frozen=True):
    """A container, or many that share their networks, with all its ways in and out.

    `outside` are the ports that other machines reach as far as the host itself decides, `shut`
    those that its firewall closes, `inside` those that are bound to the loopback; `unsure` says
    that there may be more.
    """

    name: str
    note: str = ""
    worst: Severity | None = None
    behaviour: Behaviour = Behaviour.UNKNOWN
    outside: tuple[str, ...] = ()
    shut: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    doors: Mapping[str, Door] = field(default_factory=dict)
    count: int = 1

    @property
    def order(self) -> tuple[int, int, int, str]:
        """Put what is reached from outside first, then the worst."""
        others = self.shut or self.inside or self.unsure
        reached = 0 if self.outside else 1 if others else 2
        return reached, -(self.worst.rank if self.worst else -1), -len(self.doors), self.name


def nodes(host: HostReport) -> tuple[Node, ...]:
    """Give a node for every container, those that are reached from outside first."""
    snapshot = host.snapshot
    if snapshot is None:
        return ()
    doors: dict[str, dict[str, Door]] = {}
    for verdict in host.verdicts:
        if verdict.rule in DOORS and verdict.outcome in _DRAWN:
            _add(doors.setdefault(verdict.subject, {}), _door(verdict))
    shut = _shut(snapshot)
    found = (_node(row, snapshot, shut, doors.get(row.name, {})) for row in host.rows)
    return tuple(sorted(found, key=lambda node: node.order))


def grouped(found: Iterable[Node], most: int) -> tuple[Node, ...]:
    """Join the containers that are on the same networks; the smallest groups become one."""
    groups: dict[tuple[str, ...], list[Node]] = {}
    for node in found:
        groups.setdefault(node.networks, []).append(node)
    by_size = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    joined = [
        _joined(", ".join(networks) or "no network", members) for networks, members in by_size
    ]
    rest = [node for _, members in by_size[most - 1 :] for node in members]
    if len(joined) > most:
        joined = [*joined[: most - 1], _joined("other networks", rest)]
    return tuple(sorted(joined, key=lambda node: node.order))


def _joined(name: str, members: list[Node]) -> Node:
    doors: dict[str, Door] = {}
    for member in members:
        for door in member.doors.values():
            _add(doors, door)
    worst = max(
        (member.worst for member in members if member.worst), key=lambda s: s.rank, default=None
    )
    states = {member.behaviour for member in members}
    state = next((b for b in (Behaviour.NO, Behaviour.UNKNOWN) if b in states), Behaviour.YES)
    count = len(members)
    return Node(
        name,
        f"{count} container{'' if count == 1 else 's'}",
        worst,
        state,
        _counted([port for member in members for port in member.outside], "open"),
        _counted([port for member in members for port in member.shut], "closed"),
        _counted([port for member in members for port in member.inside], "local"),
        tuple(dict.fromkeys(text for member in members for text in member.unsure)),
        (),
        doors,
        count,
    )


def _counted(ports: list[str], word: str) -> tuple[str, ...]:
    return (f"{len(ports)} {word} port{'' if len(ports) == 1 else 's'}",) if ports else ()


def _door(verdict: Verdict) -> Door:
    said = verdict.reason if verdict.outcome is Outcome.UNKNOWN else verdict.evidence
    return Door(DOORS[verdict.rule], verdict.severity, verdict.outcome, said or "")


def _add(doors: dict[str, Door], door: Door) -> None:
    known = doors.get(door.name)
    if known is None or door.weight > known.weight:
        doors[door.name] = door


def _shut(snapshot: Snapshot) -> frozenset[_Key]:
    """Give the ports that nobody outside reaches, by the rules of the host's firewall."""
    kept = (Reach.BLOCKED, Reach.LOCAL)
    rows = port_table.table(snapshot)
    return frozenset((r.container, r.protocol, r.port, r.address) for r in rows if r.reach in kept)


def _key(name: str, place: Port | Listener) -> _Key:
    number = place.port if isinstance(place, Listener) else place.public
    return name, place.protocol, number, place.address or "0.0.0.0"  # noqa: S104 - compared only


def _node(row: Row, snapshot: Snapshot, shut: Collection[_Key], doors: Mapping[str, Door]) -> Node:
    container = row.container
    if container is None:
        return Node(row.name, "not read", row.worst, row.behaviour, doors=doors)
    return Node(
        row.name,
        _note(container),
        row.worst,
        row.behaviour,
        *_ports(container, snapshot, shut),
        _networks(container, snapshot),
        doors,
    )


def _note(container: Container) -> str:
    if not container.running:
        return container.state
    if container.uid == 0:
        return "left root" if grants.left_root(container) else "root"
    return "" if container.uid is None else f"uid {container.uid}"


def _ports(container: Container, snapshot: Snapshot, shut: Collection[_Key]) -> _Ports:
    """Give the places that other machines reach, the closed, the host's own, what is not known."""
    if container.network_mode == "host" and container.running:
        if container.listeners is None:
            return (), (), (), ("not known",)
        places: list[Port | Listener] = list(container.listeners)
    else:
        owner = grants.namespace(container, snapshot, "network").through
        # The ports of a shared network are drawn at the container that owns it.
        places = [] if owner else list(container.ports)
    beyond = [place for place in places if not _loopback(place.address)]
    return (
        grants.places(place for place in beyond if _key(container.name, place) not in shut),
        grants.places(place for place in beyond if _key(container.name, place) in shut),
        grants.places(place for place in places if _loopback(place.address)),
        (),
    )


def _loopback(address: str) -> bool:
    return address.startswith("127.") or address in {"::1", "::ffff:127.0.0.1"}


def _networks(container: Container, snapshot: Snapshot) -> tuple[str, ...]:
    through = grants.namespace(container, snapshot, "network").through
    owner = through[-1] if through else container
    return tuple(sorted(set(owner.networks) - _NO_NETWORK))


def paths(found: Iterable[Node]) -> Iterator[Node]:
    """Give the nodes that are reached from outside and hold an open door to the host."""
    for node in found:
        if node.outside and any(d.outcome is Outcome.FAIL for d in node.doors.values()):
            yield node
