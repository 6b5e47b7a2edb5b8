"""The request for a throw-away copy of a container, made of what the engine says about it.

The copy publishes no port, is in no network but the trials' own, restarts by itself never, has
limits, and carries none of the labels of the original: compose, proxies and updaters must not take
it for theirs. Environment variables go from the engine back to the engine and nowhere else.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from hullward.model.errors import HullwardError

Json = Mapping[str, Any]

SESSION, OWNER = "hullward.session", "hullward.owner"
_MEGABYTE = 1024 * 1024
_PIDS = 4096
_SECOND = 1_000_000_000
# A read-only mount of these leads to sockets and devices of the living system.
_LIVING = frozenset({"/", "/run", "/var", "/var/run", "/dev", "/proc", "/sys"})
_HARMLESS_DEVICES = frozenset({"/dev/fuse", "/dev/net/tun", "/dev/null", "/dev/zero"})
_COPIED = """
Annotations BlkioWeight CgroupnsMode ConsoleSize CpuPeriod CpuQuota CpuShares CpusetCpus
CpusetMems DeviceCgroupRules Devices Dns DnsOptions DnsSearch ExtraHosts GroupAdd Init
IpcMode Isolation MaskedPaths Memory MemoryReservation MemorySwap MemorySwappiness NanoCpus
OomKillDisable OomScoreAdj PidsLimit Privileged ReadonlyPaths ReadonlyRootfs Runtime
SecurityOpt ShmSize StorageOpt Sysctls Tmpfs UTSMode Ulimits UsernsMode
""".split()  # noqa: SIM905 - words are read more easily than quotes
_CONFIG = "Cmd Domainname Entrypoint Env Hostname Shell StopSignal StopTimeout Tty User WorkingDir"


class Mount(Struct, frozen=True):
    """What the original has mounted: a volume or a folder or file of the host."""

    kind: str
    source: str
    target: str
    writable: bool
    name: str = ""


class Subject(Struct, frozen=True):
    """The container that is examined, as far as a trial needs to know it."""

    id: str
    name: str
    image: str
    image_name: str
    running: bool
    paused: bool
    network: str
    aliases: tuple[str, ...]
    mounts: tuple[Mount, ...]
    user: str
    privileged: bool
    read_only: bool
    cap_add: tuple[str, ...]
    cap_drop: tuple[str, ...]
    security: tuple[str, ...]
    health: bool
    stop_seconds: int
    restarts: bool


class Variant(Struct, frozen=True):
    """What a trial changes: the capabilities (None: as they are), and how else it is confined.

    `volumes` are new ones; `seeded` gives the volumes what the first good life left in them.
    """

    capabilities: frozenset[str] | None = None
    no_new_privileges: bool = False
    user: str = ""
    read_only: bool = False
    tmpfs: Mapping[str, str] = {}
    volumes: tuple[str, ...] = ()
    seeded: bool = False
    seccomp: str = ""


def subject(inspect: Json) -> Subject:
    """Read what the engine says about a container."""
    config, host = inspect["Config"], inspect["HostConfig"]
    networks = (inspect.get("NetworkSettings") or {}).get("Networks") or {}
    name = str(inspect["Name"]).lstrip("/")
    known = [name]
    for network in networks.values():
        known += [*(network.get("Aliases") or ()), *(network.get("DNSNames") or ())]
    service = (config.get("Labels") or {}).get("com.docker.compose.service")
    aliases = dict.fromkeys([*known, *([service] if service else ())])
    state = inspect.get("State") or {}
    test = (config.get("Healthcheck") or {}).get("Test") or []
    return Subject(
        id=inspect["Id"],
        name=name,
        image=inspect["Image"],
        image_name=config.get("Image") or inspect["Image"],
        running=bool(state.get("Running")),
        paused=bool(state.get("Paused")),
        network=host.get("NetworkMode") or "default",
        aliases=tuple(alias for alias in aliases if alias and not inspect["Id"].startswith(alias)),
        mounts=tuple(_mount(mount) for mount in inspect.get("Mounts") or ()),
        user=config.get("User") or "",
        privileged=bool(host.get("Privileged")),
        read_only=bool(host.get("ReadonlyRootfs")),
        cap_add=tuple(host.get("CapAdd") or ()),
        cap_drop=tuple(host.get("CapDrop") or ()),
        security=tuple(host.get("SecurityOpt") or ()),
        health=bool(test) and test[0] != "NONE",
        stop_seconds=int(config.get("StopTimeout") or 10),
        restarts=((host.get("RestartPolicy") or {}).get("Name") or "no") != "no",
    )


def _mount(mount: Json) -> Mount:
    return Mount(
        kind=mount.get("Type") or "bind",
        source=mount.get("Source") or "",
        target=mount["Destination"],
        writable=bool(mount.get("RW", True)),
        name=mount.get("Name") or "",
    )


def obstacles(inspect: Json) -> tuple[str, ...]:
    """Say why a container cannot be copied beside itself; none if it can be."""
    host, config = inspect["HostConfig"], inspect["Config"]
    network = str(host.get("NetworkMode") or "")
    found = []
    if network == "host":
        found.append("it uses the host's network, where its copy would take the same ports")
    if network.startswith("container:"):
        found.append("it lives in the network of another container")
    found += [
        f"it lives in the host's {what} namespace, where a copy would meet real processes"
        for key, what in (("PidMode", "PID"), ("IpcMode", "IPC"))
        if str(host.get(key) or "").startswith(("host", "container:"))
    ]
    found += [
        f"it has the device {device.get('PathOnHost')}, which a copy would share"
        for device in host.get("Devices") or ()
        if device.get("PathOnHost") not in _HARMLESS_DEVICES
    ]
    if host.get("DeviceRequests"):
        found.append("it has devices of a driver (such as a GPU), which a copy would share")
    for mount in map(_mount, inspect.get("Mounts") or ()):
        if mount.source.endswith((".sock", ".socket")):
            found.append(f"it holds the socket {mount.source}, through which a copy acts for real")
        elif mount.kind == "bind" and (mount.source.rstrip("/") or "/") in _LIVING:
            found.append(f"it has {mount.source} of the host, with the sockets in it")
        elif mount.kind not in {"bind", "volume", "tmpfs"}:
            found.append(f"it has a mount of kind {mount.kind} at {mount.target}")
    if (config.get("Labels") or {}).get("com.docker.swarm.service.id"):
        found.append("it is a task of a swarm service")
    return tuple(found)


def refuse(subject: Subject, reasons: Sequence[str]) -> None:
    """Raise HullwardError with the reasons, if there are any."""
    if reasons:
        raise HullwardError(
            f"The container {subject.name} cannot be copied for trials: {'; '.join(reasons)}.",
            "Nothing was started. Its own processes can still be watched: `hullward audit` shows "
            "what each holds.",
        )


class Place(Struct, frozen=True):
    """Where a trial runs: its name and labels, its network, its mounts, and the limit of memory."""

    name: str
    labels: Mapping[str, str]
    network: str
    mounts: tuple[Json, ...]
    memory: int


def body(inspect: Json, found: Subject, variant: Variant, place: Place) -> Json:
    """Compose the engine's request for one trial."""
    config = {key: inspect["Config"].get(key) for key in _CONFIG.split()}
    if found.id.startswith(str(config["Hostname"] or "-")):
        config.pop("Hostname")
    if found.network == "none" or found.network.startswith("container:"):
        config.pop("Hostname", None)
    config["User"] = variant.user or found.user
    health = inspect["Config"].get("Healthcheck") or {}
    config["Healthcheck"] = {**health, "Interval": _SECOND, "StartPeriod": 0} if health else None
    endpoint = {"Aliases": list(found.aliases)}
    return {
        **{key: value for key, value in config.items() if value is not None},
        "Image": found.image,
        "Labels": dict(place.labels),
        "HostConfig": _host(inspect["HostConfig"], found, variant, place),
        "NetworkingConfig": {"EndpointsConfig": {place.network: endpoint}}
        if place.network != "none"
        else {},
    }


def _host(original: Json, found: Subject, variant: Variant, place: Place) -> Json:
    host = {key: original[key] for key in _COPIED if original.get(key) is not None}
    if found.privileged and variant.capabilities is not None:
        # A privileged container has nothing masked; one that is not gets the engine's defaults.
        for key in ("MaskedPaths", "ReadonlyPaths"):
            host.pop(key, None)
    host |= {
        "NetworkMode": place.network,
        "Mounts": [
            *place.mounts,
            *({"Type": "volume", "Target": folder} for folder in variant.volumes),
        ],
        "RestartPolicy": {"Name": "no"},
        "AutoRemove": False,
        "PortBindings": {},
        # Another log driver would send a trial's words to where the real ones go.
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "16m", "max-file": "1"}},
        "Memory": original.get("Memory") or place.memory,
        "PidsLimit": original.get("PidsLimit") or _PIDS,
        "SecurityOpt": _security(found, variant),
        "Tmpfs": {**(original.get("Tmpfs") or {}), **variant.tmpfs},
        "ReadonlyRootfs": found.read_only or variant.read_only,
        "CapAdd": list(found.cap_add),
        "CapDrop": list(found.cap_drop),
    }
    if variant.capabilities is not None:
        host |= {
            "Privileged": False,
            "CapDrop": ["ALL"],
            "CapAdd": sorted(variant.capabilities),
        }
    return host


def _security(found: Subject, variant: Variant) -> list[str]:
    options = [o for o in found.security if not (variant.seccomp and o.startswith("seccomp"))]
    if variant.seccomp:
        options.append(f"seccomp={variant.seccomp}")
    if variant.no_new_privileges and not any(o.startswith("no-new-privileges") for o in options):
        options.append("no-new-privileges")
    return options


def memory_limit(total: int) -> int:
    """Give a trial without a limit of its own half of the machine's memory."""
    return max(total // 2, 256 * _MEGABYTE)
