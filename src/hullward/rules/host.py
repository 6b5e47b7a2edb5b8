"""Where the host's Docker came from, and whether its updates come and are in force."""

import re

from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.rule import Answers, Fail, Unknown, engine_rule, host_rule
from hullward.model.severity import Severity
from hullward.model.system import Package, Program, System
from hullward.rules import distributions, vulnerabilities
from hullward.rules.distributions import Support

_DOCKER_PACKAGES = frozenset({"docker-ce", "docker-ee"})
_CONDITIONS = {
    "rootless": "a rootless engine",
    "userns": "remapped user namespaces",
    "authorization": "authorization plugins",
    "internal": "internal networks",
    "firewalld": "a running firewalld",
    "people": "people who log in",
}
_SERVICES = {"dockerd": "docker"}
_INSTALL = "docs.docker.com/engine/install"
_DISTRIBUTORS = re.compile(
    r"debian|ubuntu|canonical|fedora|red hat|centos|rocky|alma|suse|amazon|oracle|raspb|kali",
    re.IGNORECASE,
)


def _system(host: Host | None) -> System:
    return (host.system if host else None) or System()


@host_rule(
    id="host-unsupported-distribution",
    title="Docker has no packages for this distribution",
    severity=Severity.LOW,
    rationale=(
        "Updates of the engine come from Docker only for some distributions, and only while these "
        "are maintained themselves; elsewhere a known escape stays open longer."
    ),
    remedy="Use a supported release of Debian or Ubuntu, or keep to the distribution's own Docker.",
    refs=("guide: Installing Docker", _INSTALL),
    needs="system",
)
def unsupported_distribution(host: Host, snapshot: Snapshot) -> Answers:
    """Look the distribution up in a dated table; what is newer than the table is not known."""
    del snapshot
    system = _system(host)
    release = system.distribution
    if release is None:
        yield Unknown(system.gaps.get("distribution", "the distribution is not known"))
        return
    name = release.name or f"{release.id} {release.version}".strip()
    match distributions.judge(release, system.architecture):
        case Support.NEWER:
            yield Unknown(f"{name} is newer than this table of 2026-11")
        case Support.ENDED:
            yield Fail(
                f"{name}: Docker makes no packages for this release any more",
                remedy="Upgrade to a release that is maintained, then reinstall Docker's packages.",
            )
        case Support.RELATED:
            yield Fail(
                f"{name} is not among the distributions of Docker's packages; those for "
                f"{' or '.join(release.like)} may work, but are not tested on it",
                _if_own(system),
            )
        case Support.NONE:
            yield Fail(f"Docker makes no packages for {name}", _if_own(system))


def _if_own(system: System) -> Severity | None:
    """Grade an own build of the distribution as advice: somebody there keeps it up to date."""
    daemon = system.daemon()
    if isinstance(daemon, Program) and daemon.package and not _by_docker(daemon.package):
        return Severity.INFO
    return None


@engine_rule(
    id="host-docker-origin",
    title="Docker does not come from docker.com's packages",
    severity=Severity.LOW,
    rationale=(
        "Docker's own packages get fixes first. A build that no package owns gets none at all, and "
        "the snap cannot see most of the host's paths and updates itself at any hour."
    ),
    remedy="Remove it, then install docker-ce from download.docker.com as its guide says.",
    refs=("guide: Installing Docker", _INSTALL),
)
def docker_origin(snapshot: Snapshot) -> Answers:
    """Follow the daemon's binary to its package; without the host ask what the engine tells."""
    system = _system(snapshot.host)
    daemon = system.daemon() if snapshot.host and snapshot.host.system else _not_asked(snapshot)
    if isinstance(daemon, str):
        yield _from_engine(snapshot, daemon)
    elif daemon.path.startswith(("/snap/", "/var/lib/snapd/")):
        yield Fail(f"{daemon.path} is a snap", Severity.MEDIUM, "snap remove docker")
    elif daemon.unmanaged and daemon.ours is None:
        yield Unknown(f"no package owns {daemon.path}, but only root sees whether it is the file")
    elif daemon.unmanaged:
        yield Fail(f"no package owns {daemon.path}: nothing updates it", Severity.MEDIUM)
    elif daemon.package is None:
        yield Unknown(f"it is not known which package owns {daemon.path or 'dockerd'}")
    elif _by_docker(daemon.package):
        yield from _kept(daemon.package, system)
    else:
        yield from _by_others(daemon.package, system)


def _not_asked(snapshot: Snapshot) -> str:
    host = snapshot.host
    return host.gaps.get("system", "") if host else snapshot.gaps.get("host", "")


def _from_engine(snapshot: Snapshot, reason: str) -> Fail | Unknown:
    """Judge by what only a snap or a distribution's build shows; everything else is not known."""
    engine = snapshot.engine
    if engine and engine.root_directory.startswith("/var/snap/"):
        return Fail(f"the engine's root is {engine.root_directory}: a snap", Severity.MEDIUM)
    if engine and vulnerabilities.patched_by_a_distribution(engine.version):
        return Fail(f"the engine calls itself {engine.version}: a distribution's build")
    return Unknown(reason or "the host was not looked at")


def _by_docker(package: Package) -> bool:
    """Whether Docker made it; Maintainer and Vendor are what the package says of itself."""
    vendor = package.vendor.lower()
    return package.name in _DOCKER_PACKAGES and (vendor == "docker" or "@docker.com" in vendor)


def _kept(package: Package, system: System) -> Answers:
    """Ask that updates can come: the package's source must still be configured."""
    if system.docker_sources is None:
        yield Unknown(system.gaps.get("docker_sources", "the package sources were not read"))
    elif not system.docker_sources:
        yield Fail(
            f"{package.name} {package.version} is of docker.com, but no package source names "
            "Docker: nothing updates it",
            remedy=f"Add the package source again: {_INSTALL}",
        )


def _by_others(package: Package, system: System) -> Answers:
    """Grade a package by whether Docker offers one here."""
    release = system.distribution
    judged = distributions.judge(release, system.architecture) if release else Support.NONE
    said = f"dockerd is of the package {package.name} {package.version}"
    maker = f" by {package.vendor}" if package.vendor else ""
    known = package.manager in {"apk", "pacman"} or _DISTRIBUTORS.search(package.vendor)
    if not known:
        yield Fail(f"{said}{maker}, who is neither Docker nor the distribution", Severity.MEDIUM)
    elif judged in {Support.SUPPORTED, Support.ENDED}:
        yield Fail(f"{said}{maker}: the distribution's build")


@host_rule(
    id="host-docker-restart",
    title="Docker was updated and still runs the old program",
    severity=Severity.LOW,
    rationale="The fixes of the update are on the disk, but not yet in force.",
    remedy="systemctl restart docker   (containers stop, unless live-restore is on)",
    refs=("docs.docker.com/engine/daemon/live-restore",),
    needs="system",
)
def docker_restart(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for a daemon whose file was exchanged since it started."""
    del snapshot
    system = _system(host)
    daemon = system.daemon()
    if isinstance(daemon, str):
        yield Unknown(daemon)
        return
    if daemon.ours is None:
        yield Unknown("only root sees which file a running program is")
    for program in filter(None, (daemon, system.containerd())):
        if program.replaced:
            yield Fail(
                f"{program.name} (process {program.pid}) runs a file that is gone: {program.path}",
                remedy=f"systemctl restart {_SERVICES.get(program.name, program.name)}",
            )


@engine_rule(
    id="host-lesser-flaw",
    title="A program of the engine has a known flaw that this host meets",
    severity=Severity.LOW,
    rationale="These flaws need a certain setting or a local user, and both are there.",
    remedy="Update the engine's packages: docker, containerd and runc.",
    refs=("docs.docker.com/security/security-announcements",),
)
def lesser_flaw(snapshot: Snapshot) -> Answers:
    """Compare the versions with the table of flaws that ask for more than a container."""
    engine = snapshot.engine
    if engine is None:
        yield Unknown(snapshot.gaps.get("version", "the engine was not read"))
        return
    system = _system(snapshot.host)
    for part, version in sorted(engine.components.items()):
        flaws = vulnerabilities.of(part, version, vulnerabilities.LESSER)
        if flaws is None:
            yield Unknown(f"the version of {part} is not known ({version!r})")
            continue
        lacking, unclear = vulnerabilities.sort(flaws, version, system)
        for flaw in (*lacking, *unclear):
            met = _met(flaw.needs, snapshot)
            said = f"{part} {version}: {flaw.id}, {flaw.what} (fixed in {' and '.join(flaw.fixed)})"
            if isinstance(met, str):
                yield Unknown(f"{said}; {met}")
            elif met and flaw in unclear:
                yield Unknown(f"{said}; it is a distribution's build, which may have it backported")
            elif met:
                yield Fail(said)


def _met(needs: str, snapshot: Snapshot) -> bool | str:
    """Say whether the host is as a flaw needs it, or why that is not known."""
    host, engine = snapshot.host, snapshot.engine
    users = host.users if host else None
    state = host.firewall.firewalld if host and host.firewall else None
    options = engine if engine is not None and engine.security_options is not None else None
    met: dict[str, bool | None] = {
        "rootless": None if options is None else options.option("rootless"),
        "userns": None if options is None else options.option("userns"),
        "authorization": None
        if engine is None or engine.authorization is None
        else bool(engine.authorization),
        "internal": None
        if snapshot.networks is None
        else any(network.internal for network in snapshot.networks),
        "firewalld": None if state is None else state.running,
        "people": None
        if users is None or users.accounts is None
        else any(account.person for account in users.accounts),
    }
    found = met.get(needs)
    return (
        f"whether it matters here is not known ({_CONDITIONS[needs]})" if found is None else found
    )
