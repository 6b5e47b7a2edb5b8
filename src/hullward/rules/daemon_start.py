"""Whether the daemon runs as it is written, and whether it will start again."""

from collections.abc import Iterator
from typing import Any

from hullward.model.daemon import KEY_OF_FLAG, Daemon
from hullward.model.facts import Engine, Snapshot
from hullward.model.host import Host
from hullward.model.rule import Answers, Fail, Unknown, host_rule
from hullward.model.severity import Severity
from hullward.rules import effective

# These are joined from flags and file, not in conflict (moby: daemon/config/config.go).
_JOINED = frozenset({"runtimes"})
# A file that is written by what then starts the daemon is a little younger or older.
_SECONDS = 5
_OPTION_FILES = ("/etc/default/docker", "/etc/sysconfig/docker")
_VALIDATE = "dockerd --validate --config-file=/etc/docker/daemon.json"


@host_rule(
    id="daemon-settings-conflict",
    title="The engine will not start again",
    severity=Severity.MEDIUM,
    rationale=(
        "dockerd refuses a setting that is both a flag and in its settings file, and a file that "
        "is not JSON. What runs now ends with the next reboot."
    ),
    remedy=(
        "Keep each setting in one place. For `hosts` on a host with systemd, empty the flags of "
        "the unit: `systemctl edit docker`, [Service], ExecStart=, ExecStart=/usr/bin/dockerd. "
        f"Then: {_VALIDATE}"
    ),
    refs=("docs.docker.com/engine/daemon/troubleshoot",),
    needs="daemon",
)
def conflict(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for a key of the file that is a flag too, and for a file that dockerd cannot read."""
    daemon = effective.daemon(host, snapshot)
    if isinstance(daemon, Unknown):
        yield daemon
        return
    if daemon.broken:
        yield Fail(f"{daemon.file}: {daemon.broken}")
        return
    if daemon.settings is None or daemon.flags is None:
        why = daemon.gaps.get("settings") or daemon.gaps.get("flags")
        yield Unknown(why or "dockerd's flags and file were not both read")
        return
    for flag in sorted(daemon.flags):
        key = KEY_OF_FLAG.get(flag, flag)
        if key in daemon.settings and key not in _JOINED:
            yield Fail(f"{key} is in {daemon.file}, and --{flag} is a flag of dockerd")


@host_rule(
    id="daemon-running-differs",
    title="The engine does not run as its settings file says",
    severity=Severity.LOW,
    rationale=(
        "The file was changed and the engine not restarted, or it reads another file. What was "
        "meant to protect is not in effect, or will change with the next reboot."
    ),
    remedy=f"{_VALIDATE} && systemctl restart docker",
    refs=("docs.docker.com/engine/daemon",),
    needs="daemon",
)
def running_differs(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for a setting that the engine contradicts, and for a file younger than the process."""
    daemon = effective.daemon(host, snapshot)
    engine = effective.engine(snapshot)
    if isinstance(daemon, Unknown):
        yield daemon
    elif isinstance(engine, Unknown):
        yield engine
    elif daemon.settings is None:
        yield Unknown(daemon.gaps.get("settings", "the settings file was not read"))
    else:
        for evidence in _contradicted(daemon, engine, snapshot):
            yield Fail(evidence, Severity.MEDIUM)
        if daemon.settings and not daemon.started:
            yield Unknown("it is not known since when dockerd runs")
        elif daemon.settings and daemon.written > daemon.started + _SECONDS:
            late = daemon.written - daemon.started
            yield Fail(f"{daemon.file} was changed {_span(late)} after dockerd had started")


def _contradicted(daemon: Daemon, engine: Engine, snapshot: Snapshot) -> Iterator[str]:
    """Compare what the file says with what the engine shows in effect."""
    bridges = [n for n in snapshot.networks or () if n.name == "bridge"]
    told: dict[str, Any] = {
        "live-restore": engine.live_restore,
        "log-driver": engine.log_driver,
        "storage-driver": engine.storage_driver,
        "experimental": engine.experimental,
        "no-new-privileges": engine.option("no-new-privileges"),
        "icc": bridges[0].talk if bridges else None,
        "default-runtime": engine.default_runtime or None,
    }
    for key, actual in told.items():
        wished = (daemon.settings or {}).get(key)
        if wished is not None and actual is not None and wished != actual:
            yield f"{key} is {_said(wished)} in {daemon.file}, and {_said(actual)} in effect"
    remap = (daemon.settings or {}).get("userns-remap")
    if isinstance(remap, str) and bool(remap) != engine.option("userns"):
        now = "in effect" if engine.option("userns") else "not in effect"
        yield f"userns-remap is {remap!r} in {daemon.file}, and remapping is {now}"
    wanted = (daemon.settings or {}).get("insecure-registries")
    if isinstance(wanted, list) and engine.insecure_registries is not None:
        names = {str(name).partition("://")[2] or str(name) for name in wanted}
        missing = sorted(names - set(engine.insecure_registries))
        if missing:
            yield f"insecure-registries has {', '.join(missing)} in {daemon.file}, not in effect"


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _span(seconds: int) -> str:
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {word}{'' if count == 1 else 's'}"
    return f"{seconds} seconds"


@host_rule(
    id="daemon-options-ignored",
    title="Options for the engine are written where nothing reads them",
    severity=Severity.LOW,
    rationale=(
        "/etc/default/docker is for init scripts; the unit of docker.com's packages does not read "
        "it. What was set there is not in effect."
    ),
    remedy="Move the options to /etc/docker/daemon.json, then: systemctl restart docker",
    refs=("docs.docker.com/engine/daemon",),
    needs="daemon",
)
def options_ignored(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for DOCKER_OPTS beside a unit that does not read its file."""
    daemon = effective.daemon(host, snapshot)
    if isinstance(daemon, Unknown):
        yield daemon
    elif daemon.options is None:
        yield Unknown(daemon.gaps.get("options", "its options were not read"))
    elif "DOCKER_OPTS" in daemon.options:
        unit = daemon.unit("docker.service")
        if daemon.units is None:
            yield Unknown(daemon.gaps.get("units", "the units of systemd were not read"))
        elif unit and not any(path in unit.reads for path in _OPTION_FILES):
            yield Fail(f"DOCKER_OPTS is set, and {unit.path or unit.name} reads no such file")
