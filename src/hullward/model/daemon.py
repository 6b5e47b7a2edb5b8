"""How the daemon was started and configured."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

# Flags whose names in the file are plural or otherwise different.
KEY_OF_FLAG: Mapping[str, str] = {
    "host": "hosts",
    "label": "labels",
    "log-opt": "log-opts",
    "insecure-registry": "insecure-registries",
    "registry-mirror": "registry-mirrors",
    "dns-opt": "dns-opts",
    "exec-opt": "exec-opts",
    "storage-opt": "storage-opts",
    "authorization-plugin": "authorization-plugins",
    "default-ulimit": "default-ulimits",
    "default-address-pool": "default-address-pools",
    "node-generic-resource": "node-generic-resources",
    "cdi-spec-dir": "cdi-spec-dirs",
    "add-runtime": "runtimes",
}


class Unit(Struct, frozen=True):
    """A unit of systemd as `systemctl show` describes it; `listens` is of sockets.

    `reads` are the files that it takes environment variables from.
    """

    name: str
    path: str = ""
    drop_ins: tuple[str, ...] = ()
    active: str = ""
    enabled: str = ""
    listens: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


class Daemon(Struct, frozen=True):
    """The dockerd of the host; `gaps` says why one of its parts is None.

    `flags` are those of the running process by their long names, "true" for a bare one.
    `settings` are the keys of the settings file, empty where there is no file; both hold only
    what hullward reads. `started` and `written` count seconds since 1970, 0 where not known.
    `root` is the data directory with all links followed, `broken` says why the file is no JSON,
    `options` are the variables that /etc/default/docker or /etc/sysconfig/docker sets.
    `network` says whether it is in the collector's own network namespace: "same", "other",
    "hidden" from this login, or "" where no dockerd was seen, or several that differ.
    """

    pid: int = 0
    uid: int = 0
    root: str = ""
    flags: Mapping[str, tuple[str, ...]] | None = None
    started: int = 0
    file: str = "/etc/docker/daemon.json"
    settings: Mapping[str, Any] | None = None
    written: int = 0
    broken: str = ""
    options: tuple[str, ...] | None = None
    units: tuple[Unit, ...] | None = None
    network: str = ""
    gaps: Mapping[str, str] = field(default_factory=dict)

    def unit(self, name: str) -> Unit | None:
        """Find a unit that systemd knows."""
        return next((unit for unit in self.units or () if unit.name == name), None)
