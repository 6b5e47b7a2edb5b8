"""Which paths of the host a container sees, openly or behind a volume."""

from hullward.model.facts import Container, Mount, Snapshot
from hullward.model.rule import Answers, Fail, Unknown, container_rule
from hullward.model.severity import Severity
from hullward.rules import grants, places, remedies


def _written(mount: Mount) -> str:
    """Write a mount as docker does."""
    through = f" (volume {mount.volume})" if mount.volume else ""
    return f"{mount.source}:{mount.target}{'' if mount.writable else ':ro'}{through}"


def _without(container: Container, mount: Mount) -> str:
    spec = f"{mount.volume or mount.source}:{mount.target}{'' if mount.writable else ':ro'}"
    lines = f"volumes:\n  - {remedies.scalar(spec)}"
    return remedies.remove(container, lines, f"-v {remedies.word(spec)}")


def _is_disk(mount: Mount) -> bool:
    """Whether a volume is a file system on a disk, and not a path of the host."""
    listed = mount.filesystem in {"", "none", "bind", "overlay"}
    return not listed and places.clean(mount.source or "").startswith("/dev/")


def _hidden(container: Container, snapshot: Snapshot) -> Answers:
    names = [mount.volume for mount in container.mounts if mount.source is None]
    if names:
        why = snapshot.gaps.get("volumes", "volumes were not read")
        yield Unknown(f"what the volumes {', '.join(names)} stand for is not known: {why}")


@container_rule(
    id="container-engine-socket",
    title="Container controls the engine",
    severity=Severity.CRITICAL,
    rationale=(
        "Whoever speaks to the engine's socket starts a privileged container and is root on the "
        "host. Mounting it read-only changes nothing: a socket is spoken to, not written."
    ),
    remedy="Remove the mount; put a filtering proxy in between that allows only what is needed.",
    refs=("cis-docker:5.32", "docs.docker.com/engine/security", "guide: Audit containers"),
    host_risk=True,
)
def engine_socket(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for a control socket, or a folder that holds one, whatever the mode."""
    for mount in container.mounts:
        socket = places.controls_engine(mount.source) if mount.source else ""
        if socket:
            note = "" if mount.writable else "; read-only does not protect a socket"
            where = "" if places.clean(mount.source or "") == socket else f", which holds {socket}"
            yield Fail(f"{_written(mount)}{where}{note}", remedy=_without(container, mount))
    yield from _hidden(container, snapshot)


@container_rule(
    id="container-engine-api",
    title="An engine's API is within the container's reach",
    severity=Severity.MEDIUM,
    rationale=(
        "The socket is not the only door: a proxy, DOCKER_HOST or a second engine with an open TCP "
        "port hands the same power to everything on that network."
    ),
    remedy="Allow the proxy GET requests only, on an internal network of its own; use TLS for TCP.",
    refs=("docs.docker.com/engine/security/protect-access",),
)
def engine_api(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for an engine inside that listens without TLS, and for DOCKER_HOST."""
    if container.api_listens and not container.api_verifies:
        yield Fail(
            f"it runs an engine that listens on {', '.join(container.api_listens)} without TLS",
            Severity.HIGH,
        )
    if "DOCKER_HOST" in container.environment:
        proxies = [
            neighbour.name
            for neighbour in grants.neighbours(container, snapshot)
            if grants.holds_socket(neighbour)
        ]
        near = f", and shares a network with {', '.join(proxies)}" if proxies else ""
        yield Fail(f"DOCKER_HOST points it at an engine{near}", Severity.HIGH if proxies else None)


@container_rule(
    id="container-sensitive-bind",
    title="Container sees paths that belong to the host alone",
    severity=Severity.HIGH,
    rationale=(
        "Writable, such a path is a way to run programs on the host as root: a cron job, a key, a "
        "library. Read-only, it gives away keys, hashes and the settings of everything else."
    ),
    remedy="Mount only the file or folder that it needs, read-only, or use a named volume.",
    refs=("cis-docker:5.6", "guide: Audit containers"),
    host_risk=True,
)
def sensitive_bind(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for binds graded by path and mode, also behind volumes."""
    root = snapshot.engine.root_directory if snapshot.engine else ""
    for mount in container.mounts:
        if not mount.source or _is_disk(mount):
            continue
        graded = places.judge(mount.source, root, writable=mount.writable)
        if graded:
            severity, opens = graded
            yield Fail(f"{_written(mount)} opens {opens}", severity, _without(container, mount))
    yield from _hidden(container, snapshot)


@container_rule(
    id="container-volume-hides-bind",
    title="A named volume stands for a path of the host",
    severity=Severity.LOW,
    rationale="`docker inspect` and compose show a volume's name; the path behind it goes unseen.",
    remedy="Write it as a bind, so that everybody sees which path is shared.",
    refs=("docs.docker.com/engine/storage/volumes",),
)
def volume_hides_bind(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for volumes of the local driver with a device."""
    for mount in container.mounts:
        if mount.volume and mount.source:
            disk = _is_disk(mount)
            what = f"the {mount.filesystem} file system on" if disk else "the host's"
            yield Fail(
                f"volume {mount.volume} at {mount.target} is {what} {mount.source}",
                Severity.HIGH if disk else None,
            )
    yield from _hidden(container, snapshot)


@container_rule(
    id="container-volume-credentials",
    title="A volume's options hold credentials",
    severity=Severity.MEDIUM,
    rationale="Everybody who may ask the engine reads them with `docker volume inspect`.",
    remedy="Mount the share on the host with a credentials file, and bind the folder.",
    refs=("docs.docker.com/engine/storage/volumes", "mount.cifs(8)"),
)
def volume_credentials(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for options such as username= and password=; their values are not kept."""
    for mount in container.mounts:
        if mount.credentials:
            kind = mount.filesystem or "driver"
            yield Fail(f"volume {mount.volume}: its {kind} options name a user or password")
    yield from _hidden(container, snapshot)


@container_rule(
    id="container-shared-propagation",
    title="Mounts made in the container appear on the host",
    severity=Severity.MEDIUM,
    rationale="With SYS_ADMIN, it can mount over paths that the host's programs trust.",
    remedy="Use `rslave` or `rprivate` propagation.",
    refs=("cis-docker:5.20", "mount_namespaces(7)"),
    host_risk=True,
)
def shared_propagation(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for shared and rshared."""
    del snapshot
    for mount in container.mounts:
        if mount.propagation in {"shared", "rshared"}:
            admin = "SYS_ADMIN" in grants.granted(container)
            yield Fail(
                f"{_written(mount)} is {mount.propagation}" + (", with SYS_ADMIN" * admin),
                Severity.HIGH if admin else None,
            )


@container_rule(
    id="container-writable-root",
    title="Container may change its own programs",
    severity=Severity.LOW,
    rationale="An intruder installs tools and stays until the container is created anew.",
    remedy="Set `read_only: true`, with `tmpfs: [/tmp, /run]` for what it writes.",
    refs=("cis-docker:5.13", "docker-run(1) --read-only"),
)
def writable_root(container: Container, snapshot: Snapshot) -> Answers:
    """Fail unless the root file system is read-only."""
    del snapshot
    if not container.read_only:
        yield Fail(
            "ReadonlyRootfs is false",
            remedy=remedies.add(
                container, "read_only: true\ntmpfs:\n  - /tmp", "--read-only --tmpfs /tmp"
            ),
        )
