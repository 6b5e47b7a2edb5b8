"""How the engine runs, by its own word: settings in effect, whoever wrote them."""

from datetime import datetime

from hullward.model.facts import Snapshot
from hullward.model.rule import Answers, Fail, Unknown, engine_rule
from hullward.model.severity import Severity
from hullward.rules import effective, remedies, vulnerabilities

_NOT_TOLD = "the engine does not say it"
_OLD_DAYS, _VERY_OLD_DAYS = 183, 365


@engine_rule(
    id="daemon-rootful",
    title="The engine runs as root",
    severity=Severity.INFO,
    rationale=(
        "Whoever takes over the engine is root on the host. A rootless engine is only a user, but "
        "has no host network for a proxy, no AppArmor and slower storage."
    ),
    remedy="`dockerd-rootless-setuptool.sh install` as a user of its own, if nothing needs root.",
    refs=(
        "guide: What about User Namespaces or Rootless mode?",
        "cis-docker:2.1",
        "docs.docker.com/engine/security/rootless",
    ),
)
def rootful(snapshot: Snapshot) -> Answers:
    """Fail unless the engine itself says that it is rootless."""
    engine = effective.engine(snapshot)
    if isinstance(engine, Unknown):
        yield engine
    elif not engine.option("rootless"):
        yield Fail("SecurityOptions has no rootless")


@engine_rule(
    id="daemon-userns-off",
    title="Root in a container is root on the host",
    severity=Severity.MEDIUM,
    rationale=(
        "Without remapped user namespaces, uid 0 of a container is the host's uid 0: any escape "
        "arrives as root. Remapping cannot be joined with host networks or privileged containers, "
        "so they opt out one by one with `userns_mode: host`."
    ),
    remedy="`hullward userns on` shows what stands in the way and what it costs, and can undo it.",
    refs=(
        "guide: What about User Namespaces or Rootless mode?",
        "cis-docker:2.9",
        "docs.docker.com/engine/security/userns-remap",
    ),
)
def userns_off(snapshot: Snapshot) -> Answers:
    """Fail unless remapping or rootless mode is in effect, whatever a file says."""
    engine = effective.engine(snapshot)
    if isinstance(engine, Unknown):
        yield engine
    elif not engine.option("userns") and not engine.option("rootless"):
        yield Fail(
            "SecurityOptions has neither userns nor rootless",
            remedy=f"hullward userns on {remedies.word(snapshot.target)}",
        )


@engine_rule(
    id="daemon-insecure-registry",
    title="A registry is trusted without a certificate",
    severity=Severity.MEDIUM,
    rationale=(
        "Whoever is on the path to it can put other images in place of the wished ones, and reads "
        "the password of `docker login`. Digests in references protect only the images."
    ),
    remedy=(
        "Give the registry a certificate, its authority in /etc/docker/certs.d/HOST:PORT/ca.crt, "
        "take it out of `insecure-registries`, then: systemctl reload docker"
    ),
    refs=("cis-docker:2.5", "docs.docker.com/reference/cli/dockerd/#insecure-registries"),
)
def insecure_registry(snapshot: Snapshot) -> Answers:
    """Fail for each registry or network beyond the machine's own loopback."""
    engine = effective.engine(snapshot)
    if isinstance(engine, Unknown):
        yield engine
    elif engine.insecure_registries is None:
        yield Unknown(_NOT_TOLD)
    elif engine.insecure_registries:
        yield Fail(f"without TLS or its check: {', '.join(engine.insecure_registries)}")


@engine_rule(
    id="daemon-no-authorization",
    title="Every client of the engine may do everything",
    severity=Severity.INFO,
    rationale=(
        "No authorization plugin limits what a client of the API asks for, so access to the socket "
        "or a client certificate is root. It matters where people share an engine."
    ),
    remedy=effective.write('"authorization-plugins": ["NAME"]'),
    refs=("cis-docker:2.12", "docs.docker.com/engine/extend/plugins_authorization"),
)
def no_authorization(snapshot: Snapshot) -> Answers:
    """Fail where no plugin is in effect."""
    engine = effective.engine(snapshot)
    if isinstance(engine, Unknown):
        yield engine
    elif engine.authorization is None:
        yield Unknown(_NOT_TOLD)
    elif not engine.authorization:
        yield Fail("no authorization plugin is in effect")


@engine_rule(
    id="daemon-new-privileges",
    title="Containers may gain privileges unless they say otherwise",
    severity=Severity.LOW,
    rationale=(
        "The engine can set no_new_privs for every container that does not opt out. Images whose "
        "programs need setuid, such as sudo, then say `no-new-privileges:false`."
    ),
    remedy=effective.write('"no-new-privileges": true'),
    refs=("cis-docker:2.14", "docs.docker.com/reference/cli/dockerd"),
)
def new_privileges(snapshot: Snapshot) -> Answers:
    """Fail where the engine's default is off."""
    engine = effective.engine(snapshot)
    if isinstance(engine, Unknown):
        yield engine
    elif not engine.option("no-new-privileges"):
        yield Fail("SecurityOptions has no no-new-privileges")


@engine_rule(
    id="daemon-live-restore",
    title="A restart of the engine stops every container",
    severity=Severity.LOW,
    rationale=(
        "Who must stop all services to update the engine, updates late. With live-restore they run "
        "on through a restart; a swarm has no need of it, and refuses it."
    ),
    remedy=effective.write('"live-restore": true'),
    refs=("cis-docker:2.15", "docs.docker.com/engine/daemon/live-restore"),
)
def live_restore(snapshot: Snapshot) -> Answers:
    """Fail where it is off, outside of a swarm."""
    engine = effective.engine(snapshot)
    if isinstance(engine, Unknown):
        yield engine
    elif engine.live_restore is None:
        yield Unknown(_NOT_TOLD)
    elif not engine.live_restore and engine.swarm in {"", "inactive"}:
        yield Fail("LiveRestoreEnabled is false")


@engine_rule(
    id="daemon-seccomp",
    title="Containers have no seccomp filter by default",
    severity=Severity.HIGH,
    rationale=(
        "Docker's filter blocks some sixty system calls, through which most escapes of the last "
        "years went. Without it every one of them reaches the kernel."
    ),
    remedy=(
        "Remove `seccomp-profile` from /etc/docker/daemon.json and dockerd's flags; use a kernel "
        "with CONFIG_SECCOMP_FILTER. Then: systemctl restart docker"
    ),
    refs=("cis-docker:2.17", "docs.docker.com/engine/security/seccomp"),
)
def seccomp(snapshot: Snapshot) -> Answers:
    """Fail where there is none or it is unconfined; one's own profile is as good as one made it."""
    engine = effective.engine(snapshot)
    if isinstance(engine, Unknown):
        yield engine
        return
    options = [o for o in engine.security_options or () if "name=seccomp" in o.split(",")]
    if not options:
        yield Fail("SecurityOptions has no seccomp")
    elif any("profile=unconfined" in option.split(",") for option in options):
        yield Fail("the engine's seccomp profile is unconfined")


@engine_rule(
    id="daemon-experimental",
    title="Experimental features of the engine are on",
    severity=Severity.INFO,
    rationale="They are not meant for production: they change without notice and are less tested.",
    remedy='Remove `"experimental": true` and `--experimental`, then: systemctl restart docker',
    refs=("cis-docker:2.18", "docs.docker.com/reference/cli/dockerd"),
)
def experimental(snapshot: Snapshot) -> Answers:
    """Fail where they are on."""
    engine = effective.engine(snapshot)
    if isinstance(engine, Unknown):
        yield engine
    elif engine.experimental is None:
        yield Unknown(_NOT_TOLD)
    elif engine.experimental:
        yield Fail("ExperimentalBuild is true")


@engine_rule(
    id="daemon-outdated",
    title="The engine's program is old",
    severity=Severity.LOW,
    rationale=(
        "Mends of flaws come with new versions, about one a month: a program that was built half a "
        "year ago has none of those since."
    ),
    remedy="apt-get update && apt-get install docker-ce docker-ce-cli containerd.io",
    refs=("guide: Installing Docker", "cis-docker:1.2.2", "docs.docker.com/engine/release-notes"),
)
def outdated(snapshot: Snapshot) -> Answers:
    """Fail for a program built half a year before the look; a distribution mends old numbers."""
    engine = snapshot.engine
    if engine is None:
        yield Unknown(snapshot.gaps.get("version", "the engine was not read"))
        return
    try:
        built = datetime.fromisoformat(engine.built[:10])
        days = (datetime.fromisoformat(snapshot.collected_at[:10]) - built).days
    except ValueError:
        yield Unknown("the engine does not say when it was built")
        return
    said = f"{engine.version} was built on {engine.built[:10]}, {days} days before this look"
    if days > _OLD_DAYS and vulnerabilities.patched_by_a_distribution(engine.version):
        yield Unknown(f"{said}; it is a distribution's build: `apt list --upgradable` tells more")
    elif days > _OLD_DAYS:
        yield Fail(said, Severity.MEDIUM if days > _VERY_OLD_DAYS else None)
