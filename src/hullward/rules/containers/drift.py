"""Whether a container is still what its compose file says."""

from collections.abc import Callable, Collection, Iterator

from msgspec import Struct

from hullward.model import capabilities
from hullward.model.facts import Container, Snapshot, Written
from hullward.model.rule import Answers, Fail, Unknown, container_rule
from hullward.model.severity import Severity
from hullward.rules import grants, remedies

_ONCE = "com.docker.compose.oneoff"
_MODES = {
    "network_mode": "network",
    "pid_mode": "pid",
    "ipc_mode": "ipc",
    "uts_mode": "uts",
    "userns_mode": "userns_mode",
    "cgroupns_mode": "cgroup",
}


class Difference(Struct, frozen=True):
    """A fact that is one thing in the file and another in the container, in compose's words.

    `weaker` says that the container may do more than the file wants.
    """

    field: str
    file: str
    container: str
    weaker: bool = False


@container_rule(
    id="container-compose-drift",
    title="Container is not what its compose file says",
    severity=Severity.LOW,
    rationale=(
        "A setting in a compose file counts from the next `docker compose up`. Until then the "
        "container runs as it was made, and the file is only a promise."
    ),
    remedy="Make it anew: `docker compose up -d SERVICE`; or take the change out of the file.",
    refs=("docs.docker.com/reference/cli/docker/compose/up",),
)
def compose_drift(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for each difference, high where the container may do more than the file wants.

    What an image or a variable decides is not compared: the first is no drift, the second unknown.
    """
    written = snapshot.written.get(container.id)
    if written is None:
        if container.service and container.labels.get(_ONCE, "").lower() != "true":
            missing = "was not looked at" if container.compose_files else "is named by no label"
            yield Unknown(f"its compose file {missing}")
    elif written.gap:
        yield Unknown(written.gap)
    elif written.service is None:
        yield Fail(f"the compose file has no service {container.service} any more")
    else:
        yield from _compared(container, written, written.service, snapshot)


def _compared(
    container: Container, written: Written, service: Container, snapshot: Snapshot
) -> Answers:
    anew = f"docker compose up -d {remedies.word(container.service)}"
    for found in differences(service, container):
        if found.field == "cgroupns_mode" and _by_the_engine(written, snapshot):
            continue
        reason = written.unresolved.get(found.field)
        if reason is None:
            place = written.places.get(found.field, "")
            at = f" ({place})" if place else ""
            yield Fail(
                f"the file says {found.file}{at}, the container has {found.container}",
                Severity.HIGH if found.weaker else None,
                anew,
            )
        elif reason:
            yield Unknown(f"{found.field}: {reason}")


def _by_the_engine(written: Written, snapshot: Snapshot) -> bool:
    """Whether the engine chose the cgroup namespace; without cgroup v2 its choice is the host's."""
    version = snapshot.engine.cgroup_version if snapshot.engine else ""
    return "cgroupns_mode" not in written.places and version != "2"


def differences(service: Container, running: Container) -> Iterator[Difference]:
    """Compare what decides what a container may do; `service` is as the file has it."""
    if service.image != running.image:
        yield Difference("image", f"image {service.image}", running.image)
    yield from _user(service, running)
    yield from _flag("privileged", service, running, lambda c: c.privileged, wanted=False)
    yield from _flag("read_only", service, running, lambda c: c.read_only, wanted=True)
    yield from _set("cap_add", service, running, lambda c: _capabilities(c.cap_add), more=True)
    yield from _set("cap_drop", service, running, lambda c: _capabilities(c.cap_drop), more=False)
    yield from _options(service, running)
    for field, word in _MODES.items():
        yield from _mode(field, word, service, running)
    yield from _set("groups", service, running, lambda c: set(c.groups), more=True)
    yield from _set("devices", service, running, _devices, more=True)
    yield from _set("mounts", service, running, _binds, more=True)
    yield from _set("wished_ports", service, running, _ports, more=True)
    for field in ("memory", "pids"):
        yield from _limit(field, service, running)


def _user(service: Container, running: Container) -> Iterator[Difference]:
    if service.user != running.user:
        yield Difference(
            "user",
            f"user {service.user or 'of the image'}",
            running.user or "root",
            weaker=grants.may_be_root(running) and service.uid != 0,
        )


def _flag(
    field: str,
    service: Container,
    running: Container,
    read: Callable[[Container], bool],
    *,
    wanted: bool,
) -> Iterator[Difference]:
    """Compare a switch; `wanted` is its safe position."""
    if read(service) != read(running):
        words = {True: f"{field}: true", False: f"no {field}"}
        yield Difference(
            field, words[read(service)], words[read(running)], weaker=read(running) != wanted
        )


def _set(
    field: str,
    service: Container,
    running: Container,
    read: Callable[[Container], Collection[str]],
    *,
    more: bool,
) -> Iterator[Difference]:
    """Compare a set, of which the container may have `more` or less than the file wants."""
    said, held = set(read(service)), set(read(running))
    if said != held:
        word = _WORDS.get(field, field)
        only = held - said if more else said - held
        yield Difference(field, _named(word, said), _named(word, held), weaker=bool(only))


_WORDS = {"groups": "group_add", "mounts": "binds", "wished_ports": "ports"}


def _named(word: str, items: Collection[str]) -> str:
    return f"{word} {' '.join(sorted(items))}" if items else f"no {word}"


def _capabilities(names: Collection[str]) -> set[str]:
    return {capabilities.normalise(name) or name for name in names}


def _devices(container: Container) -> set[str]:
    return {f"{device.path}:{device.permissions}" for device in container.devices}


def _binds(container: Container) -> set[str]:
    return {
        f"{mount.source}:{mount.target}{'' if mount.writable else ':ro'}"
        for mount in container.mounts
        if mount.kind == "bind"
    }


def _ports(container: Container) -> set[str]:
    return {
        f"{'' if port.everywhere else port.address + ':'}{port.public or ''}"
        f":{port.private}/{port.protocol}"
        for port in container.wished_ports
    }


_WEAKEST = {"no-new-privileges": "", "seccomp": "unconfined", "apparmor": "unconfined"}


def _options(service: Container, running: Container) -> Iterator[Difference]:
    """Compare security options by what they mean: the last of a kind counts."""
    for name, weakest in _WEAKEST.items():
        said, held = _option(service, name), _option(running, name)
        if said != held:
            yield Difference(
                "security_opt",
                f"{name}={said}" if said else f"no {name}",
                f"{name}={held}" if held else f"no {name}",
                weaker=held == weakest,
            )


def _option(container: Container, name: str) -> str:
    value = grants.option(container, name)
    if name != "no-new-privileges":
        return value or ""
    return "true" if value is not None and grants.switched_on(value) else ""


def _mode(field: str, word: str, service: Container, running: Container) -> Iterator[Difference]:
    """Compare whether a namespace is the host's; engines have words of their own for the rest."""
    said, held = (getattr(c, field) == "host" for c in (service, running))
    if said != held:
        words = {True: f"{word}: host", False: f"a {word} of its own"}
        yield Difference(field, words[said], words[held], weaker=held)


def _limit(field: str, service: Container, running: Container) -> Iterator[Difference]:
    said, held = getattr(service, field), getattr(running, field)
    if said != held:
        yield Difference(
            field,
            f"a limit of {said} ({field})" if said else f"no limit ({field})",
            str(held) if held else "none",
            weaker=not held or bool(said and held > said),
        )
