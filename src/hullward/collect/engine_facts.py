"""What the engine tells of itself: version, settings in effect, networks, plugins, swarm."""

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

import msgspec

from hullward.collect import wire_engine as wire
from hullward.model.facts import Engine, Network, Plugin, Swarm, UnusedImages

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_T = TypeVar("_T")
_DAY = 24 * 60 * 60 * 10**9

# Every engine trusts registries of its own machine.
_LOOPBACK = frozenset({"127.0.0.0/8", "::1/128"})
_BRIDGE = "com.docker.network.bridge."


class Answer(Protocol):
    """An answer of the engine."""

    @property
    def ok(self) -> bool:
        """Whether it brought what was asked for."""

    @property
    def status(self) -> int:
        """HTTP's status."""

    @property
    def body(self) -> bytes:
        """What it brought."""

    @property
    def problem(self) -> str:
        """Why it brought nothing, on one line."""


def decoded(answer: Answer, kind: type[_T], source: str, gaps: dict[str, str]) -> _T | None:
    """Decode an answer, or note the gap."""
    if not answer.ok:
        gaps[source] = f"/{source}: {answer.problem}"
        return None
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except UNREADABLE as error:
        gaps[source] = f"/{source} cannot be read: {error}"
        return None


def engine(version: Answer | None, info: Answer, api: str, gaps: dict[str, str]) -> Engine | None:
    """Read /info, and /version where it was asked; None where it does not tell its version."""
    about = decoded(info, wire.Info, "info", gaps)
    if version is not None:
        raw = decoded(version, wire.Version, "version", gaps)
    else:
        raw = wire.Version(about.server_version, about.kernel_version) if about else None
    if raw is None:
        return None
    known = about is not None
    about = about or wire.Info()
    return Engine(
        version=raw.version,
        name=about.name,
        api=api,
        kernel=raw.kernel_version,
        system=about.operating_system,
        components={part.name: part.version for part in raw.components or ()},
        security_options=tuple(about.security_options or ()) if known else None,
        cgroup_version=about.cgroup_version,
        root_directory=about.docker_root_dir,
        default_runtime=about.default_runtime,
        warnings=tuple(about.warnings or ()),
        swarm=about.swarm.local_node_state if about.swarm else "",
        built=raw.build_time,
        log_driver=about.logging_driver,
        live_restore=about.live_restore_enabled,
        experimental=about.experimental_build,
        storage_driver=about.driver,
        storage_status=_status(about.driver_status or ()),
        insecure_registries=_insecure(about.registry_config),
        authorization=tuple(about.plugins.authorization or ()) if about.plugins else None,
        pools=tuple(
            (pool.base, pool.size) for pool in about.default_address_pools or () if pool.base
        ),
        manager=bool(about.swarm and about.swarm.control_available),
    )


def _status(rows: Any) -> Mapping[str, str]:  # noqa: ANN401 - pairs of texts, as a rule
    pair = 2
    return {str(row[0]): str(row[1]) for row in rows if isinstance(row, list) and len(row) == pair}


def _insecure(registries: wire.RegistryConfig | None) -> tuple[str, ...] | None:
    if registries is None:
        return None
    networks = set(registries.insecure_registry_cidrs or ()) - _LOOPBACK
    named = (registries.index_configs or {}).items()
    plain = {name for name, index in named if index and not index.secure}
    return tuple(sorted(filter(None, networks | plain)))


def networks(answer: Answer, gaps: dict[str, str]) -> tuple[Network, ...] | None:
    """Read /networks."""
    raw = decoded(answer, list[wire.NetworkEntry], "networks", gaps)
    return None if raw is None else tuple(map(_network, sorted(raw, key=_name)))


def _name(entry: wire.NetworkEntry | wire.PluginEntry) -> str:
    """Order what an engine gives in any order."""
    return entry.name


def _network(entry: wire.NetworkEntry) -> Network:
    options = entry.options or {}
    addresses = (entry.ipam.config or ()) if entry.ipam else ()
    modes = (options.get(f"{_BRIDGE}gateway_mode_{family}", "") for family in ("ipv4", "ipv6"))
    return Network(
        entry.name,
        entry.driver,
        entry.internal,
        encrypted="encrypted" in options if entry.driver == "overlay" else None,
        talk=options.get(f"{_BRIDGE}enable_icc", "true") != "false",
        ingress=entry.ingress,
        attachable=entry.attachable,
        subnets=tuple(part.subnet for part in addresses if part.subnet),
        gateway_modes=tuple(mode for mode in modes if mode),
        bridge=_bridge(entry, options),
    )


def _bridge(entry: wire.NetworkEntry, options: Mapping[str, str]) -> str:
    """Name the link of a network as the bridge driver does, unless it was told a name."""
    if entry.driver != "bridge" or not entry.id:
        return ""
    return options.get(f"{_BRIDGE}name") or f"br-{entry.id[:12]}"


def unused_images(containers: Answer, images: Answer, gaps: dict[str, str]) -> UnusedImages | None:
    """Compare /images/json with all containers, the stopped ones too."""
    users = decoded(containers, list[wire.Owner], "images/json", gaps)
    entries = decoded(images, list[wire.ImageEntry], "images/json", gaps)
    if users is None or entries is None:
        return None
    used = {user.image_id for user in users}
    unused = [entry for entry in entries if entry.id not in used]
    dangling = [e for e in unused if not set(e.repo_tags or ()) - {"<none>:<none>"}]
    return UnusedImages(
        len(unused), sum(e.size for e in unused), len(dangling), sum(e.size for e in dangling)
    )


def plugins(answer: Answer, gaps: dict[str, str]) -> tuple[Plugin, ...] | None:
    """Read /plugins."""
    raw = decoded(answer, list[wire.PluginEntry], "plugins", gaps)
    return None if raw is None else tuple(map(_plugin, sorted(raw, key=_name)))


def _plugin(entry: wire.PluginEntry) -> Plugin:
    config = entry.config or wire.PluginConfig()
    linux = config.linux or wire.PluginLinux()
    mounts = (entry.settings.mounts or ()) if entry.settings else ()
    return Plugin(
        entry.name,
        entry.enabled,
        tuple(linux.capabilities or ()),
        linux.allow_all_devices,
        bool(config.network and config.network.type == "host"),
        tuple(mount.source for mount in mounts if mount.source),
    )


def swarm(about: Answer, listed: Answer, gaps: dict[str, str]) -> Swarm | None:
    """Read /swarm and /nodes, which only a manager answers."""
    raw = decoded(about, wire.SwarmInspect, "swarm", gaps)
    nodes = decoded(listed, list[wire.NodeEntry], "nodes", gaps)
    if raw is None:
        return None
    spec = raw.spec or wire.SwarmSpec()
    managers = [node for node in nodes or () if node.spec and node.spec.role == "manager"]
    return Swarm(
        autolock=bool(spec.encryption_config and spec.encryption_config.auto_lock_managers),
        certificate_days=spec.ca_config.node_cert_expiry / _DAY if spec.ca_config else 0,
        root_expires=expiry(raw.tls_info.trust_root) if raw.tls_info else "",
        managers=None if nodes is None else len(managers),
        nodes=None if nodes is None else len(nodes),
    )


def expiry(pem: str) -> str:
    """Give the last day of a certificate, the second of its two times (RFC 5280, 4.1.2.5)."""
    body = re.search(r"-----BEGIN CERTIFICATE-----(.*?)-----END", pem, re.DOTALL)
    try:
        der = b64decode(body[1] if body else "")
    except (binascii.Error, ValueError):
        return ""
    times = re.findall(rb"\x17\x0d(\d{12})Z|\x18\x0f(\d{14})Z", der)
    if len(times) < 2:  # noqa: PLR2004 - not before, not after
        return ""
    short, long = (text.decode() for text in times[1])
    # Two digits of a year mean 1950 to 2049.
    whole = long or ("19" if short >= "50" else "20") + short
    return f"{whole[:4]}-{whole[4:6]}-{whole[6:8]}"
