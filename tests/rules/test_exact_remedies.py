"""What to type is exact: lines for the compose file of a service, flags for a plain container."""

from textwrap import indent

import pytest

from builders import COMPOSE, Facts, ask, engine, fail
from hullward.model.facts import Container, Device, Mount, Port
from hullward.model.rule import ContainerRule
from hullward.rules.containers import (
    capability_sets,
    confinement,
    devices,
    limits,
    mounts,
    namespaces,
    ports,
    privileges,
)

FILE = "In /srv/shop/compose.yaml, service web"
THEN = "then: docker compose up -d web"
SELINUX = ("name=selinux",)
REMAPS = ("name=userns",)

ADDED = [
    (capability_sets.default_capabilities, {}, "cap_drop:\n  - ALL", "--cap-drop ALL"),
    (
        capability_sets.raw_sockets,
        {"network_mode": "host"},
        "cap_drop:\n  - NET_RAW",
        "--cap-drop NET_RAW",
    ),
    (privileges.root, {}, 'user: "54321:54321"', "--user 54321:54321"),
    (
        privileges.new_privileges,
        {},
        "security_opt:\n  - no-new-privileges:true",
        "--security-opt no-new-privileges:true",
    ),
    (
        mounts.writable_root,
        {},
        "read_only: true\ntmpfs:\n  - /tmp",
        "--read-only --tmpfs /tmp",
    ),
    (
        ports.published_everywhere,
        {"ports": (Port(80, "tcp", "::", 8080),)},
        'ports:\n  - "127.0.0.1:8080:80"',
        "-p 127.0.0.1:8080:80",
    ),
    (
        ports.published_everywhere,
        {"state": "exited", "wished_ports": (Port(53, "udp"),)},
        'ports:\n  - "127.0.0.1:53:53/udp"',
        "-p 127.0.0.1:53:53/udp",
    ),
    (namespaces.default_bridge, {}, "networks:\n  - NAME", "--network NAME"),
    (limits.no_log, {"log_driver": "none"}, "logging:\n  driver: local", "--log-driver local"),
]
REMOVED = [
    (
        capability_sets.dangerous_capability,
        {"cap_add": ("SYS_ADMIN", "CAP_NET_ADMIN")},
        "cap_add:\n  - SYS_ADMIN\n  - NET_ADMIN",
        "--cap-add SYS_ADMIN --cap-add NET_ADMIN",
    ),
    (privileges.privileged, {"privileged": True}, "privileged: true", "--privileged"),
    (
        privileges.privileged_group,
        {"groups": ("docker",)},
        "group_add:\n  - docker",
        "--group-add docker",
    ),
    (
        confinement.seccomp_unconfined,
        {"security_opt": ("seccomp=unconfined",)},
        "security_opt:\n  - seccomp=unconfined",
        "--security-opt seccomp=unconfined",
    ),
    (confinement.seccomp_unconfined, {"privileged": True}, "privileged: true", "--privileged"),
    (
        confinement.apparmor_unconfined,
        {"apparmor_profile": "unconfined"},
        "security_opt:\n  - apparmor=unconfined",
        "--security-opt apparmor=unconfined",
    ),
    (confinement.apparmor_unconfined, {"privileged": True}, "privileged: true", "--privileged"),
    (
        confinement.selinux_disabled,
        {"security_opt": ("label=disable",)},
        "security_opt:\n  - label=disable",
        "--security-opt label=disable",
    ),
    (
        confinement.unmasked_paths,
        {"masked_paths": (), "readonly_paths": ()},
        "security_opt:\n  - systempaths=unconfined",
        "--security-opt systempaths=unconfined",
    ),
    (
        confinement.kernel_setting,
        {"sysctls": {"kernel.sem": "1 2 3 4"}},
        "sysctls:\n  kernel.sem: 1 2 3 4",
        "--sysctl 'kernel.sem=1 2 3 4'",
    ),
    (
        devices.host_device,
        {"devices": (Device("/dev/my disk"),)},
        "devices:\n  - /dev/my disk",
        "--device '/dev/my disk'",
    ),
    (
        devices.device_rules,
        {"device_rules": ("b 8:* rwm",)},
        "device_cgroup_rules:\n  - 'b 8:* rwm'",
        "--device-cgroup-rule 'b 8:* rwm'",
    ),
    (
        mounts.engine_socket,
        {"mounts": (Mount("bind", "/s", "/run/docker.sock", writable=False),)},
        "volumes:\n  - /run/docker.sock:/s:ro",
        "-v /run/docker.sock:/s:ro",
    ),
    (
        mounts.sensitive_bind,
        {"mounts": (Mount("volume", "/x y", "/etc", volume="conf"),)},
        "volumes:\n  - conf:/x y",
        "-v 'conf:/x y'",
    ),
    (
        namespaces.host_network,
        {"network_mode": "host"},
        "network_mode: host",
        "--network host",
    ),
    (namespaces.host_pid, {"pid_mode": "host"}, "pid: host", "--pid host"),
    (namespaces.host_ipc, {"ipc_mode": "host"}, "ipc: host", "--ipc host"),
    (namespaces.host_uts, {"uts_mode": "host"}, "uts: host", "--uts host"),
    (namespaces.host_userns, {"userns_mode": "host"}, "userns_mode: host", "--userns host"),
    (namespaces.host_cgroup, {"cgroupns_mode": "host"}, "cgroup: host", "--cgroupns host"),
    (
        namespaces.cgroup_parent,
        {"cgroup_parent": "/mine"},
        "cgroup_parent: /mine",
        "--cgroup-parent /mine",
    ),
]
UPDATED = [
    (limits.no_memory_limit, "mem_limit: 512m", "--memory 512m --memory-swap 512m"),
    (limits.no_cpu_limit, 'cpus: "1.0"', "--cpus 1"),
    (limits.no_pids_limit, "pids_limit: 200", "--pids-limit 200"),
    (limits.restart_always, "restart: on-failure:5", "--restart on-failure:5"),
]
Row = tuple[ContainerRule, Facts, str, str]


def remedy(rule: ContainerRule, facts: Facts, **more: object) -> str:
    options = ("name=apparmor", "name=seccomp,profile=builtin", *SELINUX, *REMAPS)
    container = Container("web", image="shop/web", **{**facts, **more})
    return fail(ask(rule, container, engine=engine(security_options=options))).remedy


@pytest.mark.parametrize(
    ("rule", "facts", "lines", "flags"), ADDED, ids=lambda v: getattr(v, "id", "")
)
def test_what_is_missing_is_added(
    rule: ContainerRule, facts: Facts, lines: str, flags: str
) -> None:
    service = remedy(rule, facts, labels=COMPOSE)

    assert service == f"{FILE}:\n{indent(lines, '  ')}\n{THEN}"
    assert remedy(rule, facts) == f"Run web anew with: docker run {flags} … shop/web"


@pytest.mark.parametrize(
    ("rule", "facts", "lines", "flags"), REMOVED, ids=lambda v: getattr(v, "id", "")
)
def test_what_is_too_much_is_removed(
    rule: ContainerRule, facts: Facts, lines: str, flags: str
) -> None:
    service = remedy(rule, facts, labels=COMPOSE)

    assert service == f"{FILE}, remove:\n{indent(lines, '  ')}\n{THEN}"
    assert remedy(rule, facts) == f"Run web anew without: {flags}"


@pytest.mark.parametrize(("rule", "lines", "flags"), UPDATED, ids=lambda v: getattr(v, "id", ""))
def test_a_limit_is_set_on_the_running_container(
    rule: ContainerRule, lines: str, flags: str
) -> None:
    facts: Facts = {"restart": "always"}

    assert remedy(rule, facts, labels=COMPOSE) == f"{FILE}:\n  {lines}\n{THEN}"
    assert remedy(rule, facts) == (
        f"docker update {flags} web   (and give the same flags at `docker run`)"
    )
