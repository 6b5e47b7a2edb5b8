"""What the engine itself says of its doors, its version and its plugins."""

import re

from hullward.model import capabilities
from hullward.model.facts import Engine, Snapshot
from hullward.model.rule import Answers, Fail, Unknown, engine_rule
from hullward.model.severity import Severity
from hullward.rules import places, vulnerabilities

_OPEN_API = re.compile(r"API is accessible on (\S+) (without .+?)\.")


@engine_rule(
    id="daemon-api-exposed",
    title="The engine's API is open on TCP",
    severity=Severity.CRITICAL,
    rationale="Whoever reaches the port is root on the host; scanners find it within hours.",
    remedy="Remove `-H tcp://…` and use ssh:// contexts, or `tlsverify` with client certificates.",
    refs=("cis-docker:2.7", "docs.docker.com/engine/security/protect-access"),
)
def api_exposed(snapshot: Snapshot) -> Answers:
    """Fail for the engine's own warning, whether TLS is missing or asks for no client's key."""
    if snapshot.engine is None or "info" in snapshot.gaps:
        yield Unknown(snapshot.gaps.get("info", "the engine was not read"))
        return
    for warning in snapshot.engine.warnings:
        if match := _OPEN_API.search(warning):
            yield Fail(f"the engine warns: API on {match[1]} {match[2]}")


@engine_rule(
    id="daemon-escape-vulnerability",
    title="A program of the engine has a known way out of containers",
    severity=Severity.HIGH,
    rationale="With such a flaw an image, or a process in a container, becomes root on the host.",
    remedy="Update the engine's packages: docker, containerd and runc.",
    refs=("guide: Installing Docker",),
)
def escape_vulnerability(snapshot: Snapshot) -> Answers:
    """Compare the versions with a dated table; a distribution's build may hold the mend already."""
    if snapshot.engine is None:
        yield Unknown(snapshot.gaps.get("version", "the engine was not read"))
        return
    for part in vulnerabilities.PARTS:
        version = snapshot.engine.components.get(part, "")
        flaws = vulnerabilities.of(part, version)
        if flaws is None:
            yield Unknown(f"the version of {part} is not known ({version!r})")
        if not flaws:
            continue
        mends = ", ".join(f"{flaw.id} (fixed in {' and '.join(flaw.fixed)})" for flaw in flaws)
        said = f"{part} {version} is older than the fix of {mends}"
        if vulnerabilities.patched_by_a_distribution(version):
            yield Unknown(f"{said}; it is a distribution's build, which may have it backported")
        else:
            yield Fail(said)


@engine_rule(
    id="daemon-plugin-privileges",
    title="A managed plugin has power over the host",
    severity=Severity.HIGH,
    rationale="Plugins run as root beside the engine; `docker ps` does not show them.",
    remedy="`docker plugin disable NAME`, then `docker plugin rm NAME`, if nothing needs it.",
    refs=("docs.docker.com/engine/extend",),
)
def plugin_privileges(snapshot: Snapshot) -> Answers:
    """Fail for enabled plugins with strong capabilities, all devices, or paths of the host."""
    if snapshot.plugins is None:
        yield Unknown(snapshot.gaps.get("plugins", "the plugins were not read"))
        return
    for plugin in snapshot.plugins:
        powers = [name for name in plugin.capabilities if _strong(name)]
        powers += ["all devices"] * plugin.all_devices
        powers += [path for path in plugin.mounts if _grave(path, snapshot.engine)]
        if plugin.enabled and powers:
            yield Fail(f"plugin {plugin.name}: {', '.join(powers)}")


def _strong(name: str) -> bool:
    known = capabilities.BY_NAME.get(capabilities.normalise(name) or "")
    return known is None or known.severity.rank >= Severity.HIGH.rank


def _grave(path: str, engine: Engine | None) -> bool:
    graded = places.judge(path, engine.root_directory if engine else "", writable=True)
    return bool(places.controls_engine(path) or (graded and graded[0].rank >= Severity.HIGH.rank))


@engine_rule(
    id="daemon-no-confinement",
    title="The engine has neither AppArmor nor SELinux",
    severity=Severity.LOW,
    rationale="A second wall behind namespaces and capabilities is missing on this host.",
    remedy="Use a kernel with AppArmor or SELinux; Debian, Ubuntu and Fedora bring one.",
    refs=("cis-docker:5.2", "cis-docker:5.3", "docs.docker.com/engine/security/apparmor"),
)
def no_confinement(snapshot: Snapshot) -> Answers:
    """Fail where the engine lists neither."""
    engine = snapshot.engine
    if engine is None or engine.security_options is None:
        yield Unknown(snapshot.gaps.get("info", "the engine was not read"))
    elif not engine.option("apparmor") and not engine.option("selinux"):
        yield Fail("SecurityOptions has neither apparmor nor selinux")
