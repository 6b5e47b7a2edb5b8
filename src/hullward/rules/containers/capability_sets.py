"""Which capabilities a container is granted, and what the kernel says of them."""

from collections.abc import Iterable

from hullward.model import capabilities
from hullward.model.facts import Container, Snapshot
from hullward.model.rule import Answers, Fail, Unknown, container_rule
from hullward.model.severity import Severity
from hullward.rules import grants, remedies

_SECCOMP_FILTER = 2


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _asleep(container: Container, snapshot: Snapshot) -> bool:
    """Whether no process can ever use the granted set: not root, and no way to become more."""
    shielded = grants.no_new_privileges(container, snapshot) is True
    return shielded and not grants.may_be_root(container) and not _active(container)


def _active(container: Container) -> bool:
    """Whether the kernel shows a process that holds a capability."""
    return any(process.permitted for process in container.processes or ())


@container_rule(
    id="container-default-capabilities",
    title="Capabilities that Docker grants unasked were not dropped",
    severity=Severity.MEDIUM,
    rationale=(
        "Docker grants 14 capabilities that few programs use. What is not needed only serves an "
        "intruder: forging packets, making devices, taking over files of other users."
    ),
    remedy="Set `cap_drop: [ALL]`, and add back with `cap_add` only what it proves to need.",
    refs=("guide: Drop system capabilities", "cis-docker:5.4", "capabilities(7)"),
)
def default_capabilities(container: Container, snapshot: Snapshot) -> Answers:
    """Fail while capabilities are granted that nobody asked for."""
    added = grants.added(container)
    unasked = grants.granted(container) & capabilities.DEFAULT
    if "ALL" not in added:
        unasked -= added
    if not unasked:
        return
    state = ""
    if _asleep(container, snapshot):
        state = "; its user is not root and cannot gain them"
    elif container.processes and not any(p.bounding for p in container.processes):
        state = "; every process has given them up by itself"
    remedy = remedies.add(container, "cap_drop:\n  - ALL", "--cap-drop ALL")
    if container.privileged or "ALL" in added:  # they win over cap_drop
        remedy = f"{_take_away(container, ['ALL'])}\n{remedy}"
    yield Fail(
        f"{len(unasked)} default capabilities are left: {_list(unasked)}{state}",
        Severity.LOW if state else None,
        remedy,
    )


@container_rule(
    id="container-dangerous-capability",
    title="Container holds a capability that reaches beyond it",
    severity=Severity.HIGH,
    rationale=(
        "Some capabilities are not confined to the container: they load kernel modules, mount file "
        "systems, trace processes, open any file. `hullward explain CAPABILITY` tells more."
    ),
    remedy="Remove it from `cap_add`; `hullward explain CAPABILITY` says who really needs it.",
    refs=("guide: Drop system capabilities", "cis-docker:5.4", "capabilities(7)"),
    host_risk=True,
)
def dangerous_capability(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for every non-default capability, graded by what it opens together with the rest."""
    extra = grants.granted(container) - capabilities.DEFAULT
    if not extra:
        return
    worst: list[tuple[Severity, str]] = []
    for name in sorted(extra):
        known = capabilities.BY_NAME.get(name)
        severity = _combined(name, container, snapshot) or (
            known.severity if known else Severity.HIGH
        )
        if severity.rank >= Severity.MEDIUM.rank:
            worst.append((severity, name))
    if not worst:
        return
    severity = max((grade for grade, _ in worst), key=lambda grade: grade.rank)
    names = [name for _, name in sorted(worst, key=lambda pair: (-pair[0].rank, pair[1]))]
    note = ""
    if _asleep(container, snapshot):
        severity, note = Severity.LOW, "; its user is not root and cannot use or gain them"
    elif not grants.may_be_root(container) and not _active(container):
        severity, note = severity.lowered(), "; its user is not root, so only a setuid program can"
    how = "privileged grants" if container.privileged else "it is granted"
    yield Fail(
        f"{how} {', '.join(names)}{_context(container, snapshot, extra)}{note}",
        severity,
        _take_away(container, names),
    )


def _combined(name: str, container: Container, snapshot: Snapshot) -> Severity | None:
    """Grade a capability by what it meets: a namespace of the host makes some of them total."""
    if name == "SYS_PTRACE":
        pid = grants.namespace(container, snapshot, "pid")
        if pid.mode == "host":
            return Severity.CRITICAL
        return Severity.HIGH if pid.through or pid.mode is None else Severity.MEDIUM
    if name == "NET_ADMIN":
        return Severity.CRITICAL if grants.on_host_network(container, snapshot) else Severity.HIGH
    return None


def _context(container: Container, snapshot: Snapshot, extra: frozenset[str]) -> str:
    notes = []
    if "NET_ADMIN" in extra and grants.on_host_network(container, snapshot):
        notes.append("on the host's network it rewrites the host's firewall and routes")
    if "SYS_PTRACE" in extra and grants.namespace(container, snapshot, "pid").mode == "host":
        notes.append("with the host's processes in sight it takes over any of them")
    if "DAC_READ_SEARCH" in extra:
        notes.append("open_by_handle_at(2) then reads any file of the host")
    return f" ({'; '.join(notes)})" if notes else ""


def _take_away(container: Container, names: list[str]) -> str:
    if container.privileged:
        return remedies.unprivileged(container)
    added = grants.added(container)
    if "ALL" in added:
        names = ["ALL"]
    elif not added.intersection(names):
        return f"End the process that holds it: docker top {remedies.word(container.name)}"
    else:
        names = [name for name in names if name in added]
    lines = "\n".join(f"  - {name}" for name in names)
    flags = " ".join(f"--cap-add {name}" for name in names)
    return remedies.remove(container, f"cap_add:\n{lines}", flags)


@container_rule(
    id="container-raw-sockets",
    title="Container may forge packets on a network that it shares",
    severity=Severity.LOW,
    rationale=(
        "NET_RAW, one of Docker's defaults, opens raw sockets: ARP and DNS answers can be forged "
        "for the neighbours on the same bridge. ping does not need it since Docker 20.10."
    ),
    remedy="Drop NET_RAW (best with `cap_drop: [ALL]`), or give it a network of its own.",
    refs=("guide: Default capabilities", "capabilities(7)", "CVE-2020-14386"),
)
def raw_sockets(container: Container, snapshot: Snapshot) -> Answers:
    """Fail where NET_RAW can be used and others are on the same network."""
    if "NET_RAW" not in grants.granted(container) or _asleep(container, snapshot):
        return
    remedy = remedies.add(container, "cap_drop:\n  - NET_RAW", "--cap-drop NET_RAW")
    if grants.on_host_network(container, snapshot):
        said = "NET_RAW is granted on the host's network: it reads and forges all of its traffic"
        yield Fail(said, Severity.MEDIUM, remedy)
        return
    others = [neighbour.name for neighbour in grants.neighbours(container, snapshot)]
    if others:
        shown = ", ".join(others[:4]) + (f" and {len(others) - 4} more" if len(others) > 4 else "")  # noqa: PLR2004
        share = "shares" if len(others) == 1 else "share"
        yield Fail(f"NET_RAW is granted, and {shown} {share} its network", remedy=remedy)


@container_rule(
    id="container-dead-capability",
    title="A capability was added that cannot be used",
    severity=Severity.INFO,
    rationale=(
        "A program that starts as a non-root user has an empty effective set: cap_add changes "
        "only the bounding set, which matters to setuid programs and file capabilities."
    ),
    remedy="Remove `cap_add`, or use a file capability in the image if the program does need it.",
    refs=("capabilities(7) 'Transformation of capabilities during execve'",),
)
def dead_capability(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for cap_add with a non-root user under no_new_privs."""
    if grants.added(container) and not container.privileged and _asleep(container, snapshot):
        names = sorted(grants.added(container))
        yield Fail(
            f"cap_add {_list(names)} has no effect for uid {container.uid}",
            remedy=_take_away(container, names),
        )


@container_rule(
    id="container-kernel-differs",
    title="The kernel shows other privileges than were declared",
    severity=Severity.HIGH,
    rationale=(
        "What was declared is what the owner believes. A process with more was started in another "
        "way (such as `docker exec --privileged`); one with less may fail in ways nobody expects."
    ),
    remedy="Look at the process (`docker top NAME`), and create the container anew.",
    refs=("proc_pid_status(5)", "capabilities(7)"),
    host_risk=True,
)
def kernel_differs(container: Container, snapshot: Snapshot) -> Answers:
    """Compare the bounding set, no_new_privs and seccomp of every process with the settings."""
    if not container.running:
        return
    if container.processes is None:
        yield Unknown(container.processes_gap or "the kernel was not asked")
        return
    expected = grants.declared(container)
    actual = grants.held(container.processes, "bounding")
    if more := actual - expected:
        names = ", ".join(
            f"{p.name} ({p.pid})"
            for p in container.processes
            if capabilities.from_mask(p.bounding) & more
        )
        yield Fail(f"processes hold more than was declared: {_list(more)} in {names}")
    if less := expected - actual:
        yield Fail(f"declared, but given up or not to be had here: {_list(less)}", Severity.INFO)
    if grants.no_new_privileges(container, snapshot) is True:
        free = [f"{p.name} ({p.pid})" for p in container.processes if not p.no_new_privileges]
        if free:
            yield Fail(f"no_new_privs is declared, but not set for {', '.join(free)}")
    if _seccomp_expected(container, snapshot):
        open_ = [f"{p.name} ({p.pid})" for p in container.processes if p.seccomp != _SECCOMP_FILTER]
        if open_:
            yield Fail(f"seccomp is declared, but does not filter {', '.join(open_)}")


def _seccomp_expected(container: Container, snapshot: Snapshot) -> bool:
    profile = grants.option(container, "seccomp") or grants.default_seccomp(snapshot)
    supported = bool(snapshot.engine and snapshot.engine.option("seccomp"))
    return supported and not container.privileged and profile != "unconfined"
