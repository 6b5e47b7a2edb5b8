"""What the engine itself says of its doors, its version and its plugins."""

import re
from collections.abc import Iterable, Iterator

from hullward.model import capabilities
from hullward.model.facts import Engine, Snapshot
from hullward.model.host import Host
from hullward.model.rule import Answers, Fail, Unknown, engine_rule
from hullward.model.severity import Severity
from hullward.model.system import System
from hullward.rules import effective, places, vulnerabilities
from hullward.rules.vulnerabilities import Flaw

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
    """Fail where TLS is missing or asks for no client's key: by warning, flags, file and socket."""
    warned: set[str] = set()
    if snapshot.engine is None or "info" in snapshot.gaps:
        yield Unknown(snapshot.gaps.get("info", "the engine was not read"))
    else:
        for warning in snapshot.engine.warnings:
            if match := _OPEN_API.search(warning):
                warned.add(match[1].partition("://")[2])
                yield Fail(f"the engine warns: API on {match[1]} {match[2]}")
    if snapshot.host:
        for address, evidence in _open_listeners(snapshot.host, snapshot):
            if address not in warned:
                yield Fail(evidence)


def _open_listeners(host: Host, snapshot: Snapshot) -> Iterator[tuple[str, str]]:
    """Join what flags, settings file and docker.socket open; the warnings do not know the last."""
    daemon = effective.daemon(host, snapshot)
    hosts = effective.setting(host, snapshot, "hosts")
    verify = effective.setting(host, snapshot, "tlsverify")
    if isinstance(daemon, Unknown):
        return
    checked = not isinstance(verify, Unknown) and verify is not None and verify.value is True
    if isinstance(hosts, effective.Setting) and not isinstance(verify, Unknown) and not checked:
        for address in hosts.value if isinstance(hosts.value, list | tuple) else ():
            if str(address).startswith("tcp://"):
                yield str(address)[6:], f"{address} without tlsverify ({hosts.source})"
    socket = daemon.unit("docker.socket")
    if socket and socket.active == "active" and not checked:
        for address in socket.listens:
            if not address.startswith("/"):
                yield address, f"docker.socket of systemd listens on {address}"


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
    system = (snapshot.host.system if snapshot.host else None) or System()
    for part in vulnerabilities.PARTS:
        version = snapshot.engine.components.get(part, "")
        flaws = vulnerabilities.of(part, version)
        if flaws is None:
            yield Unknown(f"the version of {part} is not known ({version!r})")
            continue
        lacking, unclear = vulnerabilities.sort(flaws, version, system)
        package = system.package(part)
        build = f" ({package.name} {package.version})" if package else ""
        said = f"{part} {version}{build} is older than the fix of"
        if lacking:
            yield Fail(f"{said} {_mends(lacking)}")
        if unclear:
            yield Unknown(f"{said} {_mends(unclear)}; its build may have it backported")


def _mends(flaws: Iterable[Flaw]) -> str:
    return ", ".join(f"{flaw.id} (fixed in {' and '.join(flaw.fixed)})" for flaw in flaws)


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
