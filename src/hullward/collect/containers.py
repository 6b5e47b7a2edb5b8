"""An answer of /containers/{id}/json, turned into a Container without its secrets."""

import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec.structs import replace

from hullward.collect import wire
from hullward.model import engine_words
from hullward.model.facts import Container, Device, Mount, Port

_PORT = re.compile(r"[0-9]{1,5}")
_VARIABLE = re.compile(r"[^=\s]{1,200}")
_DECODER = msgspec.json.Decoder(wire.Inspect)


def parse(body: bytes, volumes: Mapping[str, Mapping[str, str]] | None) -> Container:
    """Read one inspect answer; raises msgspec.MsgspecError where it is not one.

    `volumes` maps the names of volumes with driver options to these options, None when the
    volumes could not be listed.
    """
    raw = _DECODER.decode(body)
    host, config, settings = raw.host_config, raw.config, raw.network_settings
    options, seccomp_action = _security_options(host.security_opt or ())
    restart = host.restart_policy or wire.RestartPolicy()
    words = (raw.path, *(raw.args or ()))
    return Container(
        name=raw.name.removeprefix("/"),
        id=raw.id,
        image=config.image,
        image_id=raw.image,
        state=raw.state.status,
        program=raw.path.rpartition("/")[2],
        user=config.user,
        uid=engine_words.declared_uid(config.user),
        groups=tuple(host.group_add or ()),
        privileged=host.privileged,
        cap_add=tuple(host.cap_add or ()),
        cap_drop=tuple(host.cap_drop or ()),
        security_opt=options,
        seccomp_default_action=seccomp_action,
        apparmor_profile=raw.app_armor_profile,
        selinux_label=raw.process_label,
        masked_paths=None if host.masked_paths is None else tuple(host.masked_paths),
        readonly_paths=None if host.readonly_paths is None else tuple(host.readonly_paths),
        read_only=host.readonly_rootfs,
        runtime=host.runtime,
        network_mode=host.network_mode,
        pid_mode=host.pid_mode,
        ipc_mode=host.ipc_mode,
        uts_mode=host.uts_mode,
        userns_mode=host.userns_mode,
        cgroupns_mode=host.cgroupns_mode,
        cgroup_parent=host.cgroup_parent,
        networks=tuple(sorted((settings.networks or {}) if settings else ())),
        mounts=tuple(
            found
            for mount in sorted(raw.mounts or (), key=lambda m: (m.type, m.destination))
            for found in _mounts(mount, volumes)
        ),
        ports=_ports((settings.ports if settings else None) or {}),
        wished_ports=_ports(host.port_bindings or {}),
        devices=tuple(Device(d.path_on_host, d.cgroup_permissions) for d in host.devices or ()),
        device_rules=tuple(host.device_cgroup_rules or ()),
        device_requests=tuple(
            engine_words.device_request(request.driver, request.capabilities or ())
            for request in host.device_requests or ()
        ),
        sysctls=host.sysctls or {},
        ulimits=tuple(ulimit.name for ulimit in host.ulimits or ()),
        memory=host.memory,
        cores=host.nano_cpus / 1e9
        if host.nano_cpus > 0
        else engine_words.cores(host.cpu_quota, host.cpu_period),
        cpu_limited=bool(host.nano_cpus or host.cpu_quota or host.cpu_shares or host.cpuset_cpus),
        pids=max(0, host.pids_limit or 0),
        restart=restart.name,
        restart_attempts=restart.maximum_retry_count,
        health=_health(raw),
        log_driver=host.log_config.type if host.log_config else "",
        environment=_names(config.env or ()),
        labels={k: v for k, v in (config.labels or {}).items() if k in engine_words.KEPT_LABELS},
        api_listens=engine_words.api_listens(words),
        api_verifies=engine_words.api_verifies(words),
        execs=None if raw.exec_ids else (),
        pid=raw.state.pid,
    )


def exec_ids(body: bytes) -> tuple[str, ...]:
    """Name the exec sessions of an inspect answer."""
    return tuple(_DECODER.decode(body).exec_ids or ())


def _names(environment: Iterable[str]) -> tuple[str, ...]:
    """Keep the names of variables, never a value."""
    matches = (_VARIABLE.match(entry) for entry in environment if "=" in entry)
    return tuple(match[0] for match in matches if match)


def _security_options(options: Iterable[str]) -> tuple[tuple[str, ...], str]:
    """Shorten an inlined seccomp profile to a word; give its default action beside."""
    kept, action = [], ""
    for option in options:
        if re.match(r"seccomp[=:]\s*\{", option):
            kept.append("seccomp=custom")
            action = engine_words.default_action(option[len("seccomp=") :])
        else:
            kept.append(option)
    return tuple(kept), action


def _health(raw: wire.Inspect) -> str:
    """Give the state of the health check, "none" where there is no check."""
    test = raw.config.healthcheck.test if raw.config.healthcheck else None
    if not test or test[0] == "NONE":
        return "none"
    return raw.state.health.status if raw.state.health else "defined"


def _ports(bindings: Mapping[str, list[wire.Binding] | None]) -> tuple[Port, ...]:
    ports = []
    for key, places in bindings.items():
        number, _, protocol = key.partition("/")
        for place in places or ():
            if _PORT.fullmatch(number):
                public = int(place.host_port) if _PORT.fullmatch(place.host_port) else 0
                ports.append(Port(int(number), protocol or "tcp", place.host_ip, public))
    return tuple(sorted(ports))


def _mounts(
    raw: wire.MountPoint, volumes: Mapping[str, Mapping[str, str]] | None
) -> Iterator[Mount]:
    """Give a mount with the path of the host that it shows; an overlay shows one for each layer."""
    if raw.type != "volume":
        source = raw.source if raw.type == "bind" else ""
        yield Mount(raw.type, raw.destination, source, raw.rw, raw.propagation)
        return
    mount = Mount("volume", raw.destination, None, raw.rw, raw.propagation, volume=raw.name)
    if volumes is None:
        yield mount
        return
    options = volumes.get(raw.name, {})
    shown = engine_words.shown(options) if raw.driver in {"", "local"} else ()
    for source, writable in shown or (("", True),):
        yield replace(
            mount,
            source=source,
            writable=raw.rw and writable,
            filesystem=options.get("type", ""),
            credentials=engine_words.has_credentials(options),
        )
