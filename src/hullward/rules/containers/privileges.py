"""Who a container's processes are, and whether they can become more."""

import re
from functools import lru_cache

from hullward.model.facts import Container, Snapshot
from hullward.model.rule import Answers, Fail, Unknown, container_rule
from hullward.model.severity import Severity
from hullward.rules import grants, remedies
from hullward.rules.containers import devices

_NONE = "without any capability"
_POWERFUL_GROUPS = frozenset({"0", "root", "disk", "docker", "kmem", "shadow", "sudo", "wheel"})
_SECRET_WORDS = re.compile("PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|PRIVATE_KEY", re.IGNORECASE)


@container_rule(
    id="container-root",
    title="Container runs as root",
    severity=Severity.MEDIUM,
    rationale=(
        "Root in a container has the uid of root on the host unless user namespaces are on. A flaw "
        "in the program, the engine or the kernel then starts from the most powerful uid."
    ),
    remedy="Run it as a user of its own: `user: 54321:54321`, or USER in the image.",
    refs=("guide: Run containers as a non-root user", "cis-docker:4.1", "user_namespaces(7)"),
    host_risk=True,
)
def root(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for uid 0, by number or by name; unknown for a name that nobody could resolve."""
    del snapshot
    said = f"user is {container.user!r}" if container.user else "no user is set"
    if container.uid is None:
        running = grants.uids(container)
        if running is None or 0 not in running:
            yield Unknown(f"{said}, and its uid is not known: {container.uid_gap}")
        else:
            yield Fail(
                f"{said}, and the kernel shows processes of uid 0", remedy=_run_as(container)
            )
    elif container.uid == 0 and grants.left_root(container):
        now = grants.uids(container) or ()
        user = f"{now[0]}:{now[0]}" if len(now) == 1 else "UID:GID"
        yield Fail(
            f"{said}, so it starts as root, but every process now runs as uid "
            f"{', '.join(map(str, now))} {_NONE}; `docker exec` still enters as root",
            Severity.LOW,
            remedies.add(container, f'user: "{user}"', f"--user {user}"),
        )
    elif container.uid == 0:
        yield Fail(f"{said}: uid 0", remedy=_run_as(container))
    elif 0 in (grants.uids(container) or ()):
        became = ", ".join(
            f"{p.name} ({p.pid})" for p in container.processes or () if p.uids[1:2] == (0,)
        )
        yield Fail(
            f"{said}, yet the kernel shows as uid 0: {became}",
            remedy="Find out how it became root: `docker exec --user root`, or a setuid program, "
            "which no-new-privileges would stop.",
        )


def _run_as(container: Container) -> str:
    return remedies.add(container, 'user: "54321:54321"', "--user 54321:54321")


@container_rule(
    id="container-privileged",
    title="Container runs privileged",
    severity=Severity.CRITICAL,
    rationale=(
        "A privileged container holds every capability and every device of the host, without "
        "seccomp and AppArmor: mounting the host's disk is one command."
    ),
    remedy="Remove `privileged: true`; grant the one capability or device that it uses.",
    refs=("guide: Drop system capabilities", "cis-docker:5.5", "docker-run(1)"),
    host_risk=True,
)
def privileged(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for a container that was started with --privileged."""
    del snapshot
    if container.privileged:
        yield Fail(
            "HostConfig.Privileged is true",
            remedy=remedies.remove(container, "privileged: true", "--privileged"),
        )


@container_rule(
    id="container-new-privileges",
    title="Processes may gain privileges",
    severity=Severity.MEDIUM,
    rationale=(
        "Without no_new_privs a setuid program or a file capability gives a process more than it "
        "started with, so a non-root user is one forgotten setuid binary away from root."
    ),
    remedy="Set `security_opt: [no-new-privileges:true]`, unless it needs sudo or the like.",
    refs=("guide: Drop system capabilities", "cis-docker:5.26", "prctl(2) PR_SET_NO_NEW_PRIVS"),
)
def new_privileges(container: Container, snapshot: Snapshot) -> Answers:
    """Fail unless the option, read as a boolean, or the daemon's default sets no_new_privs."""
    state = grants.no_new_privileges(container, snapshot)
    if state:
        return
    if state is None:
        reason = snapshot.gaps.get("info", "the engine's default is not known")
        yield Unknown(f"no-new-privileges is not set here, and {reason}")
        return
    value = grants.option(container, "no-new-privileges")
    said = "is not set" if value is None else f"is {value!r}"
    processes = container.processes or ()
    by_itself = bool(processes) and all(process.no_new_privileges for process in processes)
    if by_itself:
        said += ", though every process set it by itself"
    harmless = by_itself or not grants.granted(container)
    yield Fail(
        f"no-new-privileges {said}",
        Severity.LOW if harmless else None,
        remedies.add(
            container,
            "security_opt:\n  - no-new-privileges:true",
            "--security-opt no-new-privileges:true",
        ),
    )


@container_rule(
    id="container-privileged-group",
    title="Container joins a group with power over the host",
    severity=Severity.MEDIUM,
    rationale=(
        "An added group opens the sockets and devices of the host that the group may use, as soon "
        "as one of them is mounted."
    ),
    remedy="Remove the group from `group_add`.",
    refs=("docker-run(1) --group-add",),
    host_risk=True,
)
def privileged_group(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for groups that are known by name, or any group beside an engine's socket or a disk."""
    del snapshot
    exposed = grants.holds_socket(container) or any(
        devices.grade(device)[0].rank >= Severity.HIGH.rank for device in container.devices
    )
    for group in container.groups:
        if group in _POWERFUL_GROUPS or exposed:
            why = "beside the engine's socket or a powerful device" if exposed else "by name"
            yield Fail(
                f"group_add: {group} ({why})",
                Severity.HIGH if exposed else None,
                remedies.remove(
                    container,
                    f"group_add:\n  - {remedies.scalar(group)}",
                    f"--group-add {remedies.word(group)}",
                ),
            )


@container_rule(
    id="container-exec-session",
    title="A shell or program was started in it from outside",
    severity=Severity.LOW,
    rationale=(
        "A running `docker exec` session is a process that nobody declared. With --privileged it "
        "holds every capability, whatever the container was started with."
    ),
    remedy="Find out who works there (`docker top NAME`), and end the session when it is done.",
    refs=("cis-docker:5.23", "cis-docker:5.24", "docker-exec(1)"),
)
def exec_session(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for running exec sessions that are root or privileged."""
    del snapshot
    if container.execs is None:
        yield Unknown("its exec sessions were not read")
        return
    for session in container.execs:
        if session.privileged:
            yield Fail("a privileged exec session is running", Severity.HIGH)
        elif session.user.partition(":")[0] in {"root", "0"} and container.uid != 0:
            yield Fail("an exec session runs as root")


@container_rule(
    id="container-secret-environment",
    title="Secrets are handed over in the environment",
    severity=Severity.LOW,
    rationale=(
        "Everybody who may ask the engine reads them, children inherit them, and crash reports and "
        "logs repeat them. Values are never read or kept by hullward; only names are."
    ),
    remedy="Hand them over as files: `secrets:` in compose, NAME_FILE where the image knows it.",
    refs=("cis-docker:4.10", "docs.docker.com/compose/how-tos/use-secrets"),
)
def secret_environment(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for variables whose names speak of a secret, and do not name a file."""
    del snapshot
    names = sorted(name for name in container.environment if _speaks_of_a_secret(name))
    if names:
        yield Fail(f"variables by the names of {', '.join(names)}")


@lru_cache(maxsize=4096)
def _speaks_of_a_secret(name: str) -> bool:
    """Whether the name of a variable says that its value is a secret, not where one is."""
    return bool(_SECRET_WORDS.search(name)) and not name.endswith("_FILE")
