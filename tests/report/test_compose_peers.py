"""Every rule of other programs for compose files has one of ours that finds the same."""

from pathlib import Path

import pytest

import written
from hullward.report import compose_peers
from hullward.report.compose_peer_rules import DOCKSEC, KICS, LINT, PEERS, SEMGREP, PeerRule
from hullward.rules import ALL

PAGE = Path(__file__).parents[2] / "docs" / "compose-peers.md"

# Their own lists, by their own ids.
IDS = {
    LINT: {f"CL-{n:04}" for n in range(1, 31)} - {"CL-0012", "CL-0015", "CL-0023"},
    KICS: {
        "cgroup_not_default", "container_capabilities_unrestricted", "cpus_not_limited",
        "container_traffic_not_bound_to_host_interface", "default_seccomp_profile_disabled",
        "docker_socket_mounted_in_container", "healthcheck_not_set", "host_namespace_is_shared",
        "memory_not_limited", "networks_not_set", "no_new_privileges_not_set",
        "pids_limit_not_set", "privileged_containers_enabled", "security_opt_not_set",
        "privileged_ports_mapped_in_container", "restart_policy_on_failure_not_set_to_5",
        "shared_host_ipc_namespace", "shared_host_network_namespace",
        "shared_host_user_namespace", "shared_volumes_between_containers",
        "volume_has_sensitive_host_directory", "volume_mounted_in_multiple_containers",
        "passwords_and_secrets",
    },
    DOCKSEC: {
        "compose-dangerous-capabilities", "compose-disabled-security-opt",
        "compose-docker-socket-mount", "compose-env-file-secret-risk", "compose-host-namespace",
        "compose-host-network", "compose-latest-or-untagged-image", "compose-missing-healthcheck",
        "compose-no-network-segmentation", "compose-no-new-privileges", "compose-no-non-root-user",
        "compose-no-resource-limits", "compose-plaintext-secret-env", "compose-writable-root-fs",
        "compose-port-bound-all-interfaces", "compose-privileged", "compose-sensitive-host-mount",
    },
    SEMGREP: {
        "exposing-docker-socket-volume", "no-new-privileges", "privileged-service",
        "seccomp-confinement-disabled", "selinux-separation-disabled",
        "writable-filesystem-service", "service-runs-as-root",
    },
}  # fmt: skip

# What breaks each of their rules: lines of one service, beside `image: a`.
SOCKET = ("volumes: ['/var/run/docker.sock:/s']", "volumes: ['/run:/run']")
PRIVILEGED = ("privileged: true",)
NEW = ("", "security_opt: ['no-new-privileges:false']")
DROP = ("", "cap_drop: [NET_RAW]")
HOST = ("network_mode: host",)
WRITABLE = ("", "read_only: false")
SECRET = ("environment: {DB_PASSWORD: correct-horse}", "environment: ['DB_PASSWORD=correct-horse']")
FLOATING = ("", "image: a:latest", "image: registry:5000/a")
EVERYWHERE = ("ports: ['8080:80']", "ports: [{target: 80, published: 80}]", "ports: ['[::]:80:80']")
SENSITIVE = ("volumes: ['/etc:/e']", "volumes: [{type: bind, source: /root, target: /r}]")
PROPAGATION = ("volumes: ['/srv:/s:shared']",)
SECCOMP = ("security_opt: ['seccomp:unconfined']", "security_opt: ['seccomp=unconfined']")
SELINUX = ("security_opt: ['label:disable']", "security_opt: ['label=disable']")
APPARMOR = ("security_opt: ['apparmor:unconfined']", "security_opt: ['apparmor=unconfined']")
ROOT = ("user: root", "user: '0'", "user: '0:1000'")
SAMPLES: dict[str, tuple[str, ...]] = {
    "CL-0001": (*SOCKET, "volumes: ['/:/host']", "volumes: ['/run/podman/podman.sock:/s']"),
    "CL-0002": PRIVILEGED,
    "CL-0003": NEW,
    "CL-0004": FLOATING,
    "CL-0005": EVERYWHERE,
    "CL-0006": DROP,
    "CL-0007": WRITABLE,
    "CL-0008": HOST,
    "CL-0009": (*SECCOMP, *APPARMOR, *SELINUX),
    "CL-0010": ("pid: host", "ipc: host"),
    "CL-0011": ("cap_add: [NET_ADMIN]", "cap_add: [CAP_BPF]", "cap_add: [sys_boot]"),
    "CL-0013": ("volumes: ['/sys:/s:ro']", "volumes: ['/home:/h:ro']", "volumes: ['/dev:/d:ro']"),
    "CL-0014": ("logging: {driver: none}",),
    "CL-0016": ("devices: ['/dev/sda:/dev/sda']", "devices: ['/dev/mem']"),
    "CL-0017": PROPAGATION,
    "CL-0018": ROOT,
    "CL-0019": ("image: a:1.2",),
    "CL-0020": SECRET,
    "CL-0021": ("environment: {DATABASE_URL: 'postgres://u:correct-horse@db/x'}",),
    "CL-0022": ("tmpfs: ['/t:exec']", "tmpfs: ['/t:suid']", "tmpfs: ['/t:dev']"),
    "CL-0024": tuple(f"cap_add: [{n}]" for n in ("ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_RAWIO")),
    "CL-0025": ("volumes: ['/etc:/e']", "volumes: ['/var/lib/docker:/d']"),
    "CL-0026": ("",),
    "CL-0027": ("cap_add: [SYS_PTRACE]", "cap_add: [DAC_READ_SEARCH]"),
    "CL-0028": ("cap_add: [PERFMON]", "cap_add: [SYS_TIME]"),
    "CL-0029": ("cap_add: [SYS_NICE]", "cap_add: [IPC_LOCK]", "cap_add: [LEASE]"),
    "CL-0030": ("cap_add: [SYSLOG]",),
    "cgroup_not_default": ("cgroup_parent: other",),
    "container_capabilities_unrestricted": (*DROP, "cap_add: [NET_ADMIN]"),
    "container_traffic_not_bound_to_host_interface": EVERYWHERE,
    "cpus_not_limited": ("",),
    "default_seccomp_profile_disabled": SECCOMP,
    "docker_socket_mounted_in_container": SOCKET,
    "healthcheck_not_set": ("", "healthcheck: {disable: true}", "healthcheck: {test: [NONE]}"),
    "host_namespace_is_shared": ("pid: host",),
    "memory_not_limited": ("",),
    "networks_not_set": ("network_mode: bridge",),
    "no_new_privileges_not_set": NEW,
    "pids_limit_not_set": ("", "pids_limit: -1"),
    "privileged_containers_enabled": PRIVILEGED,
    "privileged_ports_mapped_in_container": ("ports: ['127.0.0.1:22:22']",),
    "restart_policy_on_failure_not_set_to_5": ("restart: always",),
    "security_opt_not_set": ("",),
    "shared_host_ipc_namespace": ("ipc: host",),
    "shared_host_network_namespace": HOST,
    "shared_host_user_namespace": ("userns_mode: host",),
    "volume_has_sensitive_host_directory": SENSITIVE,
    "volume_mounted_in_multiple_containers": PROPAGATION,
    "passwords_and_secrets": (
        *SECRET,
        "labels: {token: ghp_0123456789abcdefghijklmnopqrstuvwxyz}",
    ),
    "compose-dangerous-capabilities": ("cap_add: [CAP_SYS_ADMIN]", "cap_add: [ALL]"),
    "compose-disabled-security-opt": (*SECCOMP, *APPARMOR, *SELINUX),
    "compose-docker-socket-mount": SOCKET,
    "compose-env-file-secret-risk": ("env_file: prod.env",),
    "compose-host-namespace": ("pid: host", "ipc: host"),
    "compose-host-network": HOST,
    "compose-latest-or-untagged-image": FLOATING,
    "compose-missing-healthcheck": ("",),
    "compose-no-new-privileges": NEW,
    "compose-no-non-root-user": ROOT,
    "compose-no-resource-limits": ("",),
    "compose-plaintext-secret-env": SECRET,
    "compose-writable-root-fs": WRITABLE,
    "compose-port-bound-all-interfaces": ("ports: ['5432:5432']",),
    "compose-privileged": PRIVILEGED,
    "compose-sensitive-host-mount": SENSITIVE,
    "exposing-docker-socket-volume": SOCKET,
    "no-new-privileges": NEW,
    "privileged-service": PRIVILEGED,
    "seccomp-confinement-disabled": SECCOMP,
    "selinux-separation-disabled": SELINUX,
    "writable-filesystem-service": WRITABLE,
    "service-runs-as-root": ROOT,
}
# These are about several services.
TOGETHER = {
    "shared_volumes_between_containers": (
        "services: {a: {image: a, volumes: ['data:/v']}, b: {image: b, volumes: ['data:/v']}}\n"
        "volumes: {data: {}}"
    ),
    "compose-no-network-segmentation": (
        "services: {a: {image: a, ports: ['1:1']}, b: {image: b}, c: {image: c}, d: {image: d}}"
    ),
}


def texts(peer: PeerRule) -> list[str]:
    """Give the files that break a rule."""
    if peer.id in TOGETHER:
        return [TOGETHER[peer.id]]
    return [
        "services:\n  web:\n" + ("" if line.startswith("image:") else "    image: a\n")
        + f"    {line}\n"
        for line in SAMPLES[peer.id]
    ]  # fmt: skip


@pytest.mark.parametrize("tool", IDS)
def test_every_rule_of_the_other_programs_has_exactly_one_row(tool: str) -> None:
    rows = [peer.id for peer in PEERS if peer.tool == tool]

    assert sorted(rows) == sorted(IDS[tool])


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: f"{peer.tool}-{peer.id}")
def test_what_breaks_their_rule_breaks_one_of_ours(peer: PeerRule) -> None:
    for text in texts(peer):
        assert written.failed(text, prod_env="") & set(peer.rules), text


def test_every_rule_is_covered_or_says_why_not() -> None:
    ids = {rule.id for rule in ALL}

    assert [peer.id for peer in PEERS if not peer.rules and not peer.remark] == []
    assert [name for peer in PEERS for name in peer.rules if name not in ids] == []


def test_rules_of_ours_that_others_have_are_not_called_ours_alone() -> None:
    alone = {rule.id for rule in compose_peers.alone(ALL)}

    assert "compose-api-socket" in alone
    assert "container-privileged" not in alone


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text() == compose_peers.render(ALL), "make docs"
