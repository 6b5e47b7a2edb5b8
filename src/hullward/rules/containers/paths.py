"""Attack paths: privileges of a container that lead to the host when they are taken together."""

from collections.abc import Iterator

from msgspec import Struct

from hullward.model.facts import Container, Snapshot
from hullward.model.rule import Answers, Fail, container_rule
from hullward.model.severity import Severity
from hullward.rules import grants, images, places
from hullward.rules.containers import devices

_ROOT_ALONE = ("SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO", "DAC_READ_SEARCH")


class Step(Struct, frozen=True):
    """One step of a path, and the change that takes it away.

    `joined` says that two privileges make this step, so that it is a path of its own.
    """

    says: str
    cut: str
    joined: bool = False


@container_rule(
    id="container-attack-path",
    title="A chain of privileges leads to root on the host",
    severity=Severity.CRITICAL,
    rationale=(
        "Each link may look acceptable by itself. Together they are a way from the network, or "
        "from a registry, to root on the host; taking away one link ends it."
    ),
    remedy="Make the one change that the finding names.",
    refs=("guide: Docker container privileges",),
    host_risk=True,
)
def attack_path(container: Container, snapshot: Snapshot) -> Answers:
    """Join the ways in with the ways out; a way out that needs two privileges counts alone."""
    entries = tuple(_entries(container, snapshot))
    exits = tuple(_exits(container, snapshot))
    if not exits or not (entries or any(step.joined for step in exits)):
        return
    ways_in = " or ".join(step.says for step in entries) or "a flaw in the program"
    ways_out = " or ".join(step.says for step in exits)
    yield Fail(f"{ways_in} → {ways_out} → root on the host", remedy=_cut(entries, exits))


def _cut(entries: tuple[Step, ...], exits: tuple[Step, ...]) -> str:
    """Name the single change that ends every path, or say that there is none."""
    cuts = tuple(dict.fromkeys(step.cut for step in exits))
    if len(cuts) == 1:
        return f"One change cuts it: {cuts[0]}."
    if len(entries) == 1 and not any(step.joined for step in exits):
        return f"One change cuts every path: {entries[0].cut}."
    return f"No single change cuts every path. Together these do: {', and '.join(cuts)}."


def _entries(container: Container, snapshot: Snapshot) -> Iterator[Step]:
    """Ways in: from the network, and from a registry."""
    open_ = grants.places(grants.open_places(container, snapshot))
    if open_:
        where = (
            "bind its listeners to one address"
            if container.listeners
            else ("publish its ports on 127.0.0.1 only")
        )
        yield Step(f"anyone who reaches {', '.join(open_)}", where)
    updater = images.updater_of(container, snapshot) if images.floats(container) else None
    if updater:
        yield Step(
            f"whoever publishes {container.image}, which {updater.name} pulls by itself",
            "name its image by version and digest",
        )


def _exits(container: Container, snapshot: Snapshot) -> Iterator[Step]:
    """Ways out that end as root on the host."""
    for mount in container.mounts:
        if mount.source and places.controls_engine(mount.source):
            yield Step(
                f"the engine's socket through {mount.source}", f"remove the mount of {mount.source}"
            )
    if container.privileged:
        yield Step("privileged", "remove `privileged: true`")
        return
    if not grants.may_be_root(container):
        return
    yield from _capability_exits(container, snapshot)
    yield from _mount_exits(container, snapshot)
    for device in container.devices:
        severity, what = devices.grade(device)
        if severity is Severity.CRITICAL:
            yield Step(f"{device.path}, {what}", f"remove the device {device.path}")
    if "/proc/sys" in grants.unguarded(container):
        yield Step("a writable core_pattern", "remove `systempaths=unconfined`")


def _capability_exits(container: Container, snapshot: Snapshot) -> Iterator[Step]:
    granted = grants.granted(container)
    for name in _ROOT_ALONE:
        if name in granted:
            yield Step(name, _without(container, name))
    cut = _without(container, "SYS_PTRACE")
    if "SYS_PTRACE" in granted and grants.namespace(container, snapshot, "pid").mode == "host":
        yield Step("SYS_PTRACE with the host's processes", cut, joined=True)
    if "NET_ADMIN" in granted and grants.on_host_network(container, snapshot):
        cut = _without(container, "NET_ADMIN")
        yield Step("NET_ADMIN on the host's network", cut, joined=True)
    blocks = [rule for rule in container.device_rules if rule.lstrip()[:1] in {"a", "b"}]
    if "MKNOD" in granted and blocks:
        yield Step(
            f"MKNOD with the device rule {blocks[0]!r}", "remove the device rule", joined=True
        )


def _without(container: Container, name: str) -> str:
    """Say how to take a capability away."""
    if "ALL" in grants.added(container):
        return "remove ALL from cap_add"
    if name in grants.added(container):
        return f"remove {name} from cap_add"
    return f"end the process that holds {name}"


def _mount_exits(container: Container, snapshot: Snapshot) -> Iterator[Step]:
    engine_root = snapshot.engine.root_directory if snapshot.engine else ""
    for mount in container.mounts:
        if not mount.source or places.controls_engine(mount.source):
            continue
        graded = places.judge(mount.source, engine_root, writable=mount.writable)
        if graded and graded[0] is Severity.CRITICAL:
            grade_if_read = places.judge(mount.source, engine_root, writable=False)
            mild = grade_if_read is None or grade_if_read[0] is not Severity.CRITICAL
            how = "read-only or not at all" if mild else "not at all"
            yield Step(f"the bind of {mount.source}", f"mount {mount.source} {how}")
