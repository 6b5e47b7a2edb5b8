"""Which namespaces of the host, or of other containers, a container uses."""

from hullward.model.facts import AssumedEngine, Container, Snapshot
from hullward.model.rule import Answers, Fail, Unknown, container_rule
from hullward.model.severity import Severity
from hullward.rules import grants, remedies

_KINDS = ("network", "pid", "ipc")


@container_rule(
    id="container-host-network",
    title="Container uses the host's network",
    severity=Severity.HIGH,
    rationale=(
        "It reaches services that listen on the host's loopback only, abstract sockets, and the "
        "cloud's metadata address, and it listens on every address without publishing a port."
    ),
    remedy="Remove `network_mode: host`, and publish the ports that it needs.",
    refs=("cis-docker:5.10", "network_namespaces(7)", "CVE-2020-15257"),
)
def host_network(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for network_mode host; name what it listens on where the kernel was asked."""
    del snapshot
    if container.network_mode != "host":
        return
    listening = "what it listens on is not known"
    if container.listeners is not None:
        places = ", ".join(grants.places(container.listeners))
        listening = f"it listens on {places}" if places else "it listens on nothing now"
    yield Fail(
        f"NetworkMode is host; {listening}",
        remedy=remedies.remove(container, "network_mode: host", "--network host"),
    )


@container_rule(
    id="container-host-pid",
    title="Container sees and signals the host's processes",
    severity=Severity.HIGH,
    rationale=(
        "In the host's PID namespace /proc shows the environment and, to root, the files of every "
        "process of the host; with SYS_PTRACE they can be taken over."
    ),
    remedy="Remove `pid: host`; monitoring can read a read-only mount of /proc instead.",
    refs=("cis-docker:5.16", "pid_namespaces(7)"),
    host_risk=True,
)
def host_pid(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for pid host; critical for root, who walks through /proc/PID/root."""
    del snapshot
    if container.pid_mode != "host":
        return
    root = grants.may_be_root(container)
    yield Fail(
        "PidMode is host" + (", as root" if root else f", as uid {container.uid}"),
        Severity.CRITICAL if root else None,
        remedies.remove(container, "pid: host", "--pid host"),
    )


@container_rule(
    id="container-host-ipc",
    title="Container shares the host's IPC",
    severity=Severity.MEDIUM,
    rationale="Shared memory and semaphores of the host's programs can be read and changed.",
    remedy="Remove `ipc: host`; use `ipc: shareable` and `ipc: container:NAME` between containers.",
    refs=("cis-docker:5.17", "ipc_namespaces(7)"),
    host_risk=True,
)
def host_ipc(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for ipc host."""
    del snapshot
    if container.ipc_mode == "host":
        yield Fail("IpcMode is host", remedy=remedies.remove(container, "ipc: host", "--ipc host"))


@container_rule(
    id="container-host-uts",
    title="Container shares the host's name",
    severity=Severity.LOW,
    rationale="With SYS_ADMIN it can rename the host, which confuses logs and licences.",
    remedy="Remove `uts: host`.",
    refs=("cis-docker:5.21", "uts_namespaces(7)"),
    host_risk=True,
)
def host_uts(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for uts host."""
    del snapshot
    if container.uts_mode == "host":
        yield Fail("UTSMode is host", remedy=remedies.remove(container, "uts: host", "--uts host"))


@container_rule(
    id="container-host-userns",
    title="Container opts out of the remapped user namespace",
    severity=Severity.HIGH,
    rationale="The engine maps root to a harmless uid; this container's root is the host's again.",
    remedy="Remove `userns_mode: host`.",
    refs=("cis-docker:5.31", "docs.docker.com/engine/security/userns-remap"),
)
def host_userns(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for userns host on an engine that remaps, milder on one that nobody asked."""
    if container.userns_mode != "host":
        return
    if snapshot.engine is None or snapshot.engine.security_options is None:
        yield Unknown(snapshot.gaps.get("info", "whether the engine remaps is not known"))
    elif isinstance(snapshot.engine, AssumedEngine):
        yield Fail(
            "UsernsMode is host: where the engine remaps, its root is the host's again",
            Severity.MEDIUM,
            remedies.remove(container, "userns_mode: host", "--userns host"),
        )
    elif snapshot.engine.option("userns"):
        yield Fail(
            "UsernsMode is host, and the engine remaps user namespaces",
            remedy=remedies.remove(container, "userns_mode: host", "--userns host"),
        )


@container_rule(
    id="container-host-cgroup",
    title="Container sees the host's control groups",
    severity=Severity.MEDIUM,
    rationale=(
        "It learns what else runs on the host; on cgroup v1, together with SYS_ADMIN, a "
        "release_agent runs a program on the host as root."
    ),
    remedy="Remove `cgroup: host`.",
    refs=("cgroup_namespaces(7)", "CVE-2022-0492"),
    host_risk=True,
)
def host_cgroup(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for cgroupns host where someone asked for it, or where it opens a way out."""
    if container.cgroupns_mode != "host" or container.privileged:
        return
    if snapshot.engine and snapshot.engine.cgroup_version == "1":
        # The engine's own default there; it matters to what can mount a hierarchy.
        if "SYS_ADMIN" in grants.granted(container):
            yield Fail(
                "CgroupnsMode is host on cgroup v1, with SYS_ADMIN",
                Severity.HIGH,
                remedies.add(container, "cgroup: private", "--cgroupns private"),
            )
        return
    yield Fail(
        "CgroupnsMode is host",
        remedy=remedies.remove(container, "cgroup: host", "--cgroupns host"),
    )


@container_rule(
    id="container-cgroup-parent",
    title="Container runs in a control group of its own choice",
    severity=Severity.LOW,
    rationale="Limits and accounting that are set on the engine's group do not reach it.",
    remedy="Remove `cgroup_parent`, unless that group carries limits of its own.",
    refs=("cis-docker:5.25", "docker-run(1) --cgroup-parent"),
)
def cgroup_parent(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for a parent that is not the engine's own."""
    del snapshot
    if container.cgroup_parent not in {"", "docker", "/docker", "system.slice"}:
        yield Fail(
            f"CgroupParent is {container.cgroup_parent}",
            remedy=remedies.remove(
                container,
                f"cgroup_parent: {remedies.scalar(container.cgroup_parent)}",
                f"--cgroup-parent {remedies.word(container.cgroup_parent)}",
            ),
        )


@container_rule(
    id="container-joined-namespace",
    title="Container joins a namespace of another container",
    severity=Severity.LOW,
    rationale=(
        "It inherits what the other one has: its ports, its processes, and the host's namespace "
        "where the other one uses that. Nothing in its own settings says so."
    ),
    remedy="Give it a namespace of its own, or harden the container that it joins.",
    refs=("docker-run(1) --network container:",),
    host_risk=True,
)
def joined_namespace(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for `container:` references; as bad as the host's namespace where that is their end."""
    grade = {"network": Severity.HIGH, "pid": Severity.CRITICAL, "ipc": Severity.MEDIUM}
    for kind in _KINDS:
        found = grants.namespace(container, snapshot, kind)
        path = " → ".join(c.name for c in found.through)
        remedy = _part(container, kind, found.through)
        if found.mode is None:
            yield Unknown(f"its {kind} namespace is that of {found.missing[:12]}, not in sight")
            if found.through:
                yield Fail(f"{kind} namespace of {path}", remedy=remedy)
        elif found.mode == "host":
            if found.through:
                evidence = f"{kind} namespace through {path}: the host's"
                yield Fail(evidence, grade[kind], remedy)
        elif found.through:
            powerful = kind == "pid" and any(c.privileged for c in found.through)
            yield Fail(f"{kind} namespace of {path}", Severity.HIGH if powerful else None, remedy)


def _part(container: Container, kind: str, through: tuple[Container, ...]) -> str:
    """Say which setting joins the first of these containers."""
    if not through:
        return ""
    other = through[0]
    project = "com.docker.compose.project"
    same = other.service and other.labels.get(project) == container.labels.get(project)
    whose = f"service:{other.service}" if same else f"container:{other.name}"
    key = "network_mode" if kind == "network" else kind
    flags = f"--{kind} {remedies.word(f'container:{other.name}')}"
    return remedies.remove(container, f"{key}: {remedies.scalar(whose)}", flags)


@container_rule(
    id="container-default-bridge",
    title="Container is on the default bridge",
    severity=Severity.LOW,
    rationale=(
        "Everything that names no network meets there, and all of it can talk to each other. "
        "A network for each project separates them, and brings names instead of addresses."
    ),
    remedy="Create a network for it: `docker network create NAME`.",
    refs=("cis-docker:5.30", "docs.docker.com/engine/network/drivers/bridge"),
)
def default_bridge(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for members of the network called bridge."""
    del snapshot
    by_default = not container.networks and container.network_mode in {"bridge", "default"}
    if "bridge" in container.networks or by_default:
        yield Fail(
            "it is on the network `bridge`",
            remedy=remedies.add(container, "networks:\n  - NAME", "--network NAME"),
        )
