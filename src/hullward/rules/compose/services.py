"""Services as the containers that they would be: asked by the rules for running ones."""

from collections.abc import Iterator
from typing import cast

from msgspec.structs import replace

from hullward.compose.model import Place, Project, Service, Unresolved
from hullward.model.facts import AssumedEngine, Container, Snapshot
from hullward.model.rule import ContainerRule, EngineRule, Fail, Unknown
from hullward.rules import grants
from hullward.rules.compose import decided
from hullward.rules.compose.rule import Spot

ENGINE = AssumedEngine(
    "",
    security_options=("name=apparmor", "name=seccomp,profile=builtin", "name=cgroupns"),
    cgroup_version="2",
    default_runtime="runc",
)
# Facts whose rules know that they may be missing.
_OPTIONAL = frozenset({"health", "listeners", "processes", "program", "uid", "uid_gap", "user"})
# Lists of which each entry is bad by itself, so that an unknown one hides no other.
_GROWING = frozenset(
    {
        "cap_add", "device_requests", "device_rules", "devices", "environment", "groups", "mounts",
        "ports", "sysctls", "ulimits",
    }
)  # fmt: skip
_PART = "neither image nor build is here: the rest of the service is in another file"
_FLOATING = "container-floating-image"
# By these, rules recognise programs that they know; an unknown one is any other.
_NAMES = frozenset({"image", "labels"})
# Properties of a container, and the fact that they are made of.
_PARTS = {"image_name": "image", "running": "state", "service": "labels"}
# More entries than anybody writes are not tried one by one.
_MANY = 200
_ALIASES = {"wished_ports": "ports"}
_DEFAULTS = {name: getattr(Container(""), name) for name in Container.__struct_fields__}


class Services:
    """The services of a project, side by side."""

    def __init__(self, project: Project, target: str, collected_at: str = "") -> None:
        """Take a project, and what the report calls it."""
        self._project = project
        self._seen: set[tuple[str, str]] = set()
        self.snapshot = Snapshot(
            target,
            collected_at,
            ENGINE,
            tuple(_running(service, project) for service in project.services),
            networks=tuple(network.facts for network in project.networks),
            gaps={"volumes": "a file does not say what an external volume is"},
        )
        self._containers = {container.name: container for container in self.snapshot.containers}
        self._places = {service.name: service.places for service in project.services}
        found = ((service.name, tuple(_open(service))) for service in project.services)
        self._open = {name: gaps for name, gaps in found if gaps}
        watched = tuple(
            _Watched(container, self._seen) if container.name in self._open else container
            for container in self.snapshot.containers
        )
        self._asked = self.snapshot
        if self._open:
            self._asked = replace(self.snapshot, containers=cast("tuple[Container, ...]", watched))
        self._faces = {container.name: container for container in self._asked.containers}

    def ask(self, rule: ContainerRule, service: Service) -> list[Spot]:
        """Ask a rule about a service; what rests on an unresolved fact is unknown, by its line."""
        self._seen.clear()
        found = list(rule.check(self._faces[service.name], self._asked))
        if service.build and rule.id == _FLOATING and "image" not in service.places:
            found = []  # nobody pulls what is built here: its base is judged
        gaps = list(self._left_open(rule, service)) if self._open else []
        if not (found or gaps):
            return []
        open_ = [field for field, _ in gaps]
        causes = _Causes(rule, service, self._containers[service.name], self.snapshot)
        placed = [(_told(answer, service), causes.of(answer)) for answer in found]
        near = service.places.get(decided.NEAR.get(rule.id, ""), service.place)
        unclear = dict.fromkeys(gap for _, gap in gaps)
        return [
            *(Spot(answer, cause or near) for answer, cause in placed if _is_sure(cause, open_)),
            *(Spot(Unknown(f"{gap.reason} ({gap.place})"), gap.place) for gap in unclear),
        ]

    def ask_networks(self, rule: EngineRule) -> Iterator[Spot]:
        """Ask a rule for the engine's networks, one network of the project at a time."""
        for network in self._project.networks:
            if not network.external:
                alone = replace(self.snapshot, networks=(network.facts,), containers=())
                yield from (Spot(answer, network.place) for answer in rule.check(alone))

    def milder(self, service: Service) -> str:
        """Say what makes the service's root less than the host's root, "" for nothing."""
        return grants.weakened(self._containers[service.name], self.snapshot)

    def _left_open(self, rule: ContainerRule, service: Service) -> Iterator[tuple[str, Unresolved]]:
        """Give what the files leave open of the facts that the rule asked for."""
        about = decided.ABOUT.get(rule.id, ())
        for name, key in sorted(self._seen):
            if key not in _NAMES or (name == service.name and key in about):
                yield from self._gaps(name, key)

    def _gaps(self, name: str, key: str) -> Iterator[tuple[str, Unresolved]]:
        """Give what the files leave open of a fact."""
        for field, gap in self._open.get(name, ()):
            whole = field == "*" and key not in self._places[name]
            if whole or _ALIASES.get(field, field) == key:
                yield field, gap


def _open(service: Service) -> Iterator[tuple[str, Unresolved]]:
    """Give what the files leave open, but for that of which the rules know that it may be.

    A part of a service leaves all open that it lacks.
    """
    for field, gap in service.unresolved.items():
        if gap.cause != "image" and field not in _OPTIONAL:
            yield field, gap
    known = {"image", "build", "provider", "extends"} & set(service.keys)
    if not known and not service.container.image and "*" not in service.unresolved:
        yield "*", Unresolved(_PART, service.place, "file")


class _Causes:
    """The facts of a service, taken away one by one to see what a rule then says."""

    def __init__(
        self, rule: ContainerRule, service: Service, container: Container, snapshot: Snapshot
    ) -> None:
        self._tried: list[tuple[Place, frozenset[Fail | Unknown]]] = []
        self._rest = (
            (place, frozenset(rule.check(less, snapshot)))
            for field in decided.ABOUT.get(rule.id, ())
            for place, less in _without(service, container, field)
        )

    def of(self, answer: Fail | Unknown) -> Place | None:
        """Find the first written fact without which the rule would not say this."""
        if not isinstance(answer, Fail):
            return None
        for place, answers in self._tried:
            if answer not in answers:
                return place
        for place, answers in self._rest:
            self._tried.append((place, answers))
            if answer not in answers:
                return place
        return None


def _is_sure(cause: Place | None, open_: list[str]) -> bool:
    """Whether an answer holds, whatever is in these fields; "*" are all that are not written."""
    return all(
        cause is not None if field == "*" else _ALIASES.get(field, field) in _GROWING
        for field in open_
    )


def _told(answer: Fail | Unknown, service: Service) -> Fail | Unknown:
    """Say where the image may change what a file says."""
    gap = service.unresolved.get("health")
    if isinstance(answer, Fail) and gap and answer.evidence == "no health check is defined":
        return replace(answer, evidence=f"{answer.evidence} here; the image may have one")
    return answer


class _Watched:
    """A container that remembers which of its facts were asked for."""

    __slots__ = ("_container", "_seen")

    def __init__(self, container: Container, seen: set[tuple[str, str]]) -> None:
        self._container = container
        self._seen = seen

    def __getattr__(self, name: str) -> object:
        container = self._container
        self._seen.add((container.name, _PARTS.get(name, name)))
        return getattr(container, name)


def _running(service: Service, project: Project) -> Container:
    """Give the container as if it ran, by the names of the file.

    It answers to the name that compose gives it as to an id.
    """
    container = service.container
    keys = {volume.name: volume.key for volume in project.volumes}
    return replace(
        container,
        id=container.name,
        name=service.name,
        state="running",
        ports=container.ports or container.wished_ports,
        mounts=tuple(replace(m, volume=keys.get(m.volume, m.volume)) for m in container.mounts),
    )


def _without(
    service: Service, container: Container, field: str
) -> Iterator[tuple[Place, Container]]:
    """Give the container without this fact, or without one entry of it, in the order of places."""
    value = getattr(container, field)
    items = range(len(value)) if isinstance(value, tuple) else ()
    for name in (field, *(old for old, new in _ALIASES.items() if new == field)):
        written = [(service.places.get(f"{name}[{i}]"), i) for i in items]
        found = sorted((_key(place), i, place) for place, i in written if place is not None)
        if 0 < len(found) <= _MANY:
            for _, i, place in found:
                yield place, replace(container, **{field: (*value[:i], *value[i + 1 :])})
        elif found or name in service.places:
            place = found[0][2] if found else service.places[name]
            yield place, replace(container, **{field: _DEFAULTS[field]})


def _key(place: Place) -> tuple[str, int, int]:
    return place.file, place.line, place.column
