"""Seccomp, AppArmor, SELinux and the masks over /proc and /sys."""

from hullward.model.facts import AssumedEngine, Container, Snapshot
from hullward.model.rule import Answers, Fail, Unknown, container_rule
from hullward.model.severity import Severity
from hullward.rules import grants, remedies

_UNCONFINED, _FILTER = "unconfined", 2


@container_rule(
    id="container-seccomp-unconfined",
    title="No seccomp filter holds the container back",
    severity=Severity.HIGH,
    rationale=(
        "Docker's default profile refuses about 50 system calls, which kept many kernel flaws out "
        "of reach of containers. Without it the whole kernel is the attack surface."
    ),
    remedy="Remove `seccomp=unconfined`; a profile of its own can allow a missing call.",
    refs=("cis-docker:5.22", "docs.docker.com/engine/security/seccomp", "CVE-2022-0492"),
    host_risk=True,
)
def seccomp_unconfined(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for unconfined, privileged, a profile that allows, or what the kernel says."""
    value = grants.option(container, "seccomp")
    remedy = remedies.remove(
        container, "security_opt:\n  - seccomp=unconfined", "--security-opt seccomp=unconfined"
    )
    if container.privileged:
        yield Fail("privileged switches seccomp off", remedy=remedies.unprivileged(container))
    elif value == _UNCONFINED:
        yield Fail("SecurityOpt has seccomp=unconfined", remedy=remedy)
    elif container.seccomp_default_action in {"SCMP_ACT_ALLOW", "SCMP_ACT_LOG"}:
        yield Fail(f"its own profile's default action is {container.seccomp_default_action}")
    elif value == "custom" and not container.seccomp_default_action:
        yield Unknown("the default action of its own profile could not be read")
    elif container.processes:
        bare = [f"{p.name} ({p.pid})" for p in container.processes if p.seccomp != _FILTER]
        if bare:
            yield Fail(f"the kernel shows no filter on {', '.join(bare)}")
    elif snapshot.engine is None or snapshot.engine.security_options is None:
        yield Unknown(snapshot.gaps.get("info", "the engine's profile is not known"))
    elif not snapshot.engine.option("seccomp"):
        yield Fail("the engine has no seccomp")
    elif value is None:
        yield from _by_default(snapshot)


def _by_default(snapshot: Snapshot) -> Answers:
    profile = grants.default_seccomp(snapshot)
    if profile == _UNCONFINED:
        yield Fail("the engine's own default is seccomp unconfined")
    elif profile == "custom":
        yield Unknown("the engine's default is a profile of its own, which was not read")


@container_rule(
    id="container-apparmor-unconfined",
    title="Container is not confined by AppArmor",
    severity=Severity.MEDIUM,
    rationale="The docker-default profile stops mounts and writes to files of /proc and /sys.",
    remedy="Remove `apparmor=unconfined`.",
    refs=("cis-docker:5.2", "docs.docker.com/engine/security/apparmor"),
    host_risk=True,
)
def apparmor_unconfined(container: Container, snapshot: Snapshot) -> Answers:
    """Fail where the engine has AppArmor and the container does without."""
    if snapshot.engine is None or snapshot.engine.security_options is None:
        yield Unknown(snapshot.gaps.get("info", "whether the engine has AppArmor is not known"))
        return
    if not snapshot.engine.option("apparmor"):
        return
    if container.privileged:
        yield Fail("privileged switches AppArmor off", remedy=remedies.unprivileged(container))
    elif _UNCONFINED in {grants.option(container, "apparmor"), container.apparmor_profile}:
        yield Fail(
            "its AppArmor profile is unconfined",
            remedy=remedies.remove(
                container,
                "security_opt:\n  - apparmor=unconfined",
                "--security-opt apparmor=unconfined",
            ),
        )


@container_rule(
    id="container-selinux-disabled",
    title="SELinux separation is switched off",
    severity=Severity.MEDIUM,
    rationale="Without labels, what escapes from the container meets no second wall.",
    remedy="Remove `label=disable`; mount with `:z` or `:Z` instead.",
    refs=("cis-docker:5.3", "docker-run(1) --security-opt label"),
    host_risk=True,
)
def selinux_disabled(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for label=disable; Docker adds it unasked for privileged, and the host's pid or ipc."""
    written = "disable" in (*grants.options(container, "label"), *container.security_opt)
    engine = snapshot.engine
    if not written and not (container.privileged and engine and engine.option("selinux")):
        return
    known = engine is not None and engine.security_options is not None
    asked = known and not isinstance(engine, AssumedEngine)
    without = asked and not (engine and engine.option("selinux"))
    causes = {
        "privileged: true": container.privileged,
        "pid: host": container.pid_mode == "host",
        "ipc: host": container.ipc_mode == "host",
    }
    cause = next((line for line, met in causes.items() if met), "")
    unasked = grants.options(container, "label").count("disable") < 2  # noqa: PLR2004 - one is Docker's
    if cause and (without or (unasked and isinstance(engine, AssumedEngine))):
        return  # it follows from what another rule tells of, if the engine has SELinux at all
    evidence = "SecurityOpt has label=disable" + f", which Docker adds for `{cause}`" * bool(cause)
    if not written:
        evidence = "privileged switches SELinux separation off"
    yield Fail(
        evidence + (", on an engine without SELinux" if without else ""),
        Severity.INFO if without else None,
        _with_labels(container, cause),
    )


def _with_labels(container: Container, cause: str) -> str:
    """Say what to take away so that SELinux separates it again."""
    if not cause:
        return remedies.remove(
            container, "security_opt:\n  - label=disable", "--security-opt label=disable"
        )
    flags = {"privileged: true": "--privileged", "pid: host": "--pid host"}
    return remedies.remove(container, cause, flags.get(cause, "--ipc host"))


@container_rule(
    id="container-unmasked-paths",
    title="Dangerous files of /proc and /sys are not masked",
    severity=Severity.CRITICAL,
    rationale=(
        "Docker hides or write-protects files such as core_pattern, sysrq-trigger and kcore. "
        "Writing core_pattern runs a program on the host as root."
    ),
    remedy="Remove `systempaths=unconfined`.",
    refs=("docker-run(1) --security-opt systempaths", "core(5)"),
    host_risk=True,
)
def unmasked_paths(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for lists of masks that leave out the worst; only root can write what is unmasked."""
    del snapshot
    if unguarded := grants.unguarded(container):
        writes = grants.may_be_root(container) and unguarded != ("/proc/kcore",)
        yield Fail(
            f"MaskedPaths and ReadonlyPaths leave out {', '.join(unguarded)}",
            None if writes else Severity.HIGH,
            remedies.remove(
                container,
                "security_opt:\n  - systempaths=unconfined",
                "--security-opt systempaths=unconfined",
            ),
        )


@container_rule(
    id="container-kernel-setting",
    title="Container changes kernel settings",
    severity=Severity.LOW,
    rationale=(
        "Most sysctls of a container stay in its namespaces, but some loosen them: route_localnet "
        "lets the network reach services on loopback addresses."
    ),
    remedy="Remove the sysctl, unless the program's documentation asks for it.",
    refs=("docker-run(1) --sysctl", "CVE-2020-8558"),
)
def kernel_setting(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for kernel.* and for route_localnet; the others are the container's own."""
    del snapshot
    for name, value in sorted(container.sysctls.items()):
        routed = name.endswith("route_localnet") and value != "0"
        if routed or (name.startswith("kernel.") and not name.startswith("kernel.shm")):
            yield Fail(
                f"sysctl {name}={value}",
                Severity.MEDIUM if routed else None,
                remedies.remove(
                    container,
                    f"sysctls:\n  {remedies.scalar(name)}: {remedies.scalar(value)}",
                    f"--sysctl {remedies.word(f'{name}={value}')}",
                ),
            )
