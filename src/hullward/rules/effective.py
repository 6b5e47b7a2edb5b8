"""Which of the daemon's settings is in effect: its flags and its settings file together."""

from typing import Any

from msgspec import Struct

from hullward.model.daemon import KEY_OF_FLAG, Daemon
from hullward.model.facts import Engine, Snapshot
from hullward.model.host import Host
from hullward.model.rule import Unknown

_FLAG_OF_KEY = {key: flag for flag, key in KEY_OF_FLAG.items()}

# What dockerd takes anew from its file on SIGHUP; all else needs a restart.
_RELOADED = frozenset(
    {
        "debug", "labels", "live-restore", "max-concurrent-downloads", "max-concurrent-uploads",
        "max-download-attempts", "default-runtime", "runtimes", "authorization-plugins",
        "insecure-registries", "registry-mirrors", "shutdown-timeout", "features",
    }
)  # fmt: skip


class Setting(Struct, frozen=True):
    """A value that somebody set, and where: the flag or the file."""

    value: Any
    source: str


def engine(snapshot: Snapshot) -> Engine | Unknown:
    """Give the engine with what /info says, or why that was not read."""
    if snapshot.engine is None or "info" in snapshot.gaps:
        return Unknown(snapshot.gaps.get("info", "the engine was not read"))
    return snapshot.engine


def daemon(host: Host, snapshot: Snapshot) -> Daemon | Unknown:
    """Give the host's dockerd, once it is sure that it is the engine that was audited."""
    found = host.daemon
    if found is None:
        return Unknown(host.gaps.get("daemon", "the host was not asked for its dockerd"))
    root = snapshot.engine.root_directory if snapshot.engine else ""
    # With userns-remap the engine's root is a folder below, named UID.GID.
    if root and found.root and not f"{root}/".startswith(found.root.rstrip("/") + "/"):
        return Unknown(
            f"dockerd {found.pid} of the host keeps its data in {found.root}, "
            f"the engine that was audited in {root}: they are not the same"
        )
    return found


def setting(host: Host, snapshot: Snapshot, key: str) -> Setting | Unknown | None:
    """Give what is set for a key of daemon.json, None for the default."""
    found = daemon(host, snapshot)
    if isinstance(found, Unknown):
        return found
    if found.flags is None:
        return Unknown(found.gaps.get("flags", "the arguments of dockerd were not read"))
    flag = _FLAG_OF_KEY.get(key, key)
    if flag in found.flags:
        values = found.flags[flag]
        value: Any = values if key in KEY_OF_FLAG.values() or key == "dns" else values[-1]
        return Setting(_read(value), f"--{flag}")
    if found.settings is None:
        return Unknown(found.gaps.get("settings", "the settings file was not read"))
    if key in found.settings:
        return Setting(found.settings[key], found.file)
    return None


def _read(value: Any) -> Any:  # noqa: ANN401 - as a flag has it
    """Read a flag's truth value as Go does."""
    if value in {"true", "1", "t", "T", "TRUE", "True"} if isinstance(value, str) else False:
        return True
    if value in {"false", "0", "f", "F", "FALSE", "False"} if isinstance(value, str) else False:
        return False
    return value


def write(line: str) -> str:
    """Say how to put a line into daemon.json, and what makes the engine take it."""
    key = line.split('"')[1]
    then = "systemctl reload docker" if key in _RELOADED else "systemctl restart docker"
    return f"In /etc/docker/daemon.json: {line}\nthen: dockerd --validate && {then}"
