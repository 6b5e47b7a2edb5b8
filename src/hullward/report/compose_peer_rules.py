"""The rules of other programs for compose files, and which of hullward's judge the same.

By their own ids, in words of our own. Read from github.com/tmatens/compose-lint 0.36.2,
github.com/Checkmarx/kics (assets/queries/dockerCompose, and its query for secrets),
github.com/OWASP/DockSec at 77c0cd1, and github.com/semgrep/semgrep-rules at 157ae47
(yaml/docker-compose, with a rule that it has retired).
"""

from msgspec import Struct


class PeerRule(Struct, frozen=True):
    """A rule of another program; `remark` says where ours differ, or why there is none."""

    tool: str
    id: str
    what: str
    rules: tuple[str, ...]
    remark: str = ""


LINT, KICS, DOCKSEC, SEMGREP = "compose-lint", "KICS", "DockSec", "Semgrep"

_SOCKET = ("container-engine-socket",)
_PRIVILEGED = ("container-privileged",)
_NEW = ("container-new-privileges",)
_CAPABILITY = ("container-dangerous-capability",)
_DROP = ("container-default-capabilities",)
_NETWORK = ("container-host-network",)
_BIND = ("container-sensitive-bind",)
_EVERYWHERE = ("container-published-everywhere",)
_WRITABLE = ("container-writable-root",)
_SECRET = ("compose-literal-secret",)
_FLOATING = ("container-floating-image",)
_HEALTH = ("container-no-healthcheck",)
_PROPAGATION = ("container-shared-propagation",)
_MEMORY, _CPU = "container-no-memory-limit", "container-no-cpu-limit"
_SECCOMP, _SELINUX = "container-seccomp-unconfined", "container-selinux-disabled"

_EFFECTIVE = "graded by the set that is left after cap_drop, the user and privileged"
_DEPENDS = "graded by what lies there and whether it is writable"
_BOOLEAN = "read as the engine reads it: `no-new-privileges:false` is not set"

PEERS: tuple[PeerRule, ...] = (
    PeerRule(
        LINT,
        "CL-0001",
        "A control socket, its folder or a volume that hides it is mounted",
        (*_SOCKET, "container-volume-hides-bind"),
    ),
    PeerRule(LINT, "CL-0002", "Privileged", _PRIVILEGED),
    PeerRule(LINT, "CL-0003", "no-new-privileges is missing", _NEW, _BOOLEAN),
    PeerRule(LINT, "CL-0004", "The image has no version", _FLOATING),
    PeerRule(LINT, "CL-0005", "A port on all addresses", _EVERYWHERE),
    PeerRule(LINT, "CL-0006", "cap_drop lacks ALL", _DROP, _EFFECTIVE),
    PeerRule(LINT, "CL-0007", "The root file system is writable", _WRITABLE),
    PeerRule(LINT, "CL-0008", "The host's network", _NETWORK),
    PeerRule(
        LINT,
        "CL-0009",
        "seccomp, AppArmor or SELinux is off",
        (_SECCOMP, "container-apparmor-unconfined", _SELINUX),
    ),
    PeerRule(
        LINT,
        "CL-0010",
        "The host's pid or ipc namespace",
        ("container-host-pid", "container-host-ipc"),
        "the host's uts and user namespace are rules of their own",
    ),
    PeerRule(LINT, "CL-0011", "NET_ADMIN, BPF or SYS_BOOT", _CAPABILITY, _EFFECTIVE),
    PeerRule(LINT, "CL-0013", "A sensitive path of the host", _BIND, _DEPENDS),
    PeerRule(LINT, "CL-0014", "No log", ("container-no-log",)),
    PeerRule(LINT, "CL-0016", "A dangerous device", ("container-host-device",)),
    PeerRule(LINT, "CL-0017", "Shared propagation", _PROPAGATION),
    PeerRule(LINT, "CL-0018", "The user is root", ("container-root",)),
    PeerRule(LINT, "CL-0019", "A tag without a digest", ("compose-image-no-digest",)),
    PeerRule(LINT, "CL-0020", "A literal under the name of a credential", _SECRET),
    PeerRule(LINT, "CL-0021", "A password in a connection string", _SECRET),
    PeerRule(LINT, "CL-0022", "tmpfs with exec or suid", ("compose-tmpfs-loosened",), "dev too"),
    PeerRule(LINT, "CL-0024", "ALL, SYS_ADMIN, SYS_MODULE or SYS_RAWIO", _CAPABILITY, _EFFECTIVE),
    PeerRule(LINT, "CL-0025", "A path that is as good as root, writable", _BIND, _DEPENDS),
    PeerRule(LINT, "CL-0026", "No limit of memory or CPU", (_MEMORY, _CPU)),
    PeerRule(LINT, "CL-0027", "SYS_PTRACE or DAC_READ_SEARCH", _CAPABILITY, _EFFECTIVE),
    PeerRule(LINT, "CL-0028", "PERFMON or SYS_TIME", _CAPABILITY, _EFFECTIVE),
    PeerRule(LINT, "CL-0029", "SYS_NICE, IPC_LOCK or LEASE", _CAPABILITY, _EFFECTIVE),
    PeerRule(LINT, "CL-0030", "SYSLOG", _CAPABILITY, _EFFECTIVE),
    PeerRule(KICS, "cgroup_not_default", "A cgroup parent is set", ("container-cgroup-parent",)),
    PeerRule(
        KICS,
        "container_capabilities_unrestricted",
        "cap_add, or cap_drop is missing",
        (*_DROP, *_CAPABILITY),
        _EFFECTIVE,
    ),
    PeerRule(
        KICS, "container_traffic_not_bound_to_host_interface", "A port without address", _EVERYWHERE
    ),
    PeerRule(KICS, "cpus_not_limited", "No limit of CPU", (_CPU,)),
    PeerRule(KICS, "default_seccomp_profile_disabled", "seccomp is off", (_SECCOMP,)),
    PeerRule(KICS, "docker_socket_mounted_in_container", "docker.sock is mounted", _SOCKET),
    PeerRule(KICS, "healthcheck_not_set", "No healthcheck", _HEALTH),
    PeerRule(KICS, "host_namespace_is_shared", "The host's processes", ("container-host-pid",)),
    PeerRule(KICS, "memory_not_limited", "No limit of memory", (_MEMORY,)),
    PeerRule(
        KICS,
        "networks_not_set",
        "No network of its own",
        ("compose-one-network", "container-default-bridge"),
        "compose makes a network for each project; what counts is who shares it",
    ),
    PeerRule(KICS, "no_new_privileges_not_set", "no-new-privileges is missing", _NEW, _BOOLEAN),
    PeerRule(KICS, "pids_limit_not_set", "No limit of processes", ("container-no-pids-limit",)),
    PeerRule(KICS, "privileged_containers_enabled", "Privileged", _PRIVILEGED),
    PeerRule(
        KICS,
        "privileged_ports_mapped_in_container",
        "A port below 1024",
        ("container-privileged-port",),
        "a port of the host, and not 80 and 443, which the guide leaves open",
    ),
    PeerRule(
        KICS,
        "restart_policy_on_failure_not_set_to_5",
        "restart is not on-failure:5",
        ("container-restart-always",),
        "any limit of attempts will do; a service that is never restarted needs none",
    ),
    PeerRule(
        KICS,
        "security_opt_not_set",
        "security_opt is missing",
        (*_NEW, _SECCOMP, "container-apparmor-unconfined", _SELINUX),
        "option by option: a missing list leaves the defaults on, `apparmor:unconfined` does not",
    ),
    PeerRule(KICS, "shared_host_ipc_namespace", "The host's ipc", ("container-host-ipc",)),
    PeerRule(KICS, "shared_host_network_namespace", "The host's network", _NETWORK),
    PeerRule(KICS, "shared_host_user_namespace", "The host's users", ("container-host-userns",)),
    PeerRule(
        KICS,
        "shared_volumes_between_containers",
        "A shared volume",
        ("compose-shared-volume",),
        "where two or more may write to it",
    ),
    PeerRule(KICS, "volume_has_sensitive_host_directory", "A sensitive folder", _BIND, _DEPENDS),
    PeerRule(KICS, "volume_mounted_in_multiple_containers", "Shared propagation", _PROPAGATION),
    PeerRule(KICS, "passwords_and_secrets", "A literal secret, in any file", _SECRET),
    PeerRule(DOCKSEC, "compose-docker-socket-mount", "docker.sock is mounted", _SOCKET),
    PeerRule(DOCKSEC, "compose-privileged", "Privileged", _PRIVILEGED),
    PeerRule(DOCKSEC, "compose-host-network", "The host's network", _NETWORK),
    PeerRule(
        DOCKSEC,
        "compose-host-namespace",
        "The host's pid or ipc namespace",
        ("container-host-pid", "container-host-ipc"),
    ),
    PeerRule(
        DOCKSEC,
        "compose-dangerous-capabilities",
        "A dangerous capability",
        _CAPABILITY,
        f"{_EFFECTIVE}; with and without CAP_",
    ),
    PeerRule(
        DOCKSEC,
        "compose-sensitive-host-mount",
        "A sensitive folder",
        _BIND,
        f"{_DEPENDS}; in long syntax too",
    ),
    PeerRule(
        DOCKSEC,
        "compose-plaintext-secret-env",
        "A literal secret",
        (*_SECRET, "container-secret-environment"),
    ),
    PeerRule(
        DOCKSEC,
        "compose-port-bound-all-interfaces",
        "A sensitive port on all addresses",
        _EVERYWHERE,
        "every port, not a list of them",
    ),
    PeerRule(
        DOCKSEC,
        "compose-disabled-security-opt",
        "seccomp, AppArmor or SELinux is off",
        (_SECCOMP, "container-apparmor-unconfined", _SELINUX),
        "`=` and `:` are the same",
    ),
    PeerRule(
        DOCKSEC,
        "compose-no-non-root-user",
        "No user, or root",
        ("container-root",),
        "where no user is set, the Dockerfile or the image decides; without them it is unknown",
    ),
    PeerRule(
        DOCKSEC,
        "compose-latest-or-untagged-image",
        "The image has no version",
        _FLOATING,
        "a registry's port is no tag",
    ),
    PeerRule(DOCKSEC, "compose-no-resource-limits", "No limits", (_MEMORY, _CPU)),
    PeerRule(DOCKSEC, "compose-env-file-secret-risk", "An env_file", ("compose-env-file",)),
    PeerRule(DOCKSEC, "compose-writable-root-fs", "The root file system is writable", _WRITABLE),
    PeerRule(DOCKSEC, "compose-no-new-privileges", "no-new-privileges is missing", _NEW, _BOOLEAN),
    PeerRule(
        DOCKSEC,
        "compose-no-network-segmentation",
        "All services on the default network",
        ("compose-one-network",),
        "where some of them are published and others are not, whatever the network is called",
    ),
    PeerRule(DOCKSEC, "compose-missing-healthcheck", "No healthcheck", _HEALTH),
    PeerRule(SEMGREP, "exposing-docker-socket-volume", "docker.sock is mounted", _SOCKET),
    PeerRule(SEMGREP, "no-new-privileges", "no-new-privileges is missing", _NEW, _BOOLEAN),
    PeerRule(SEMGREP, "privileged-service", "Privileged", _PRIVILEGED),
    PeerRule(SEMGREP, "seccomp-confinement-disabled", "seccomp is off", (_SECCOMP,)),
    PeerRule(SEMGREP, "selinux-separation-disabled", "SELinux is off", (_SELINUX,)),
    PeerRule(SEMGREP, "writable-filesystem-service", "The root file system is writable", _WRITABLE),
    PeerRule(
        SEMGREP,
        "service-runs-as-root",
        "The user is root (retired by Semgrep)",
        ("container-root",),
    ),
)
