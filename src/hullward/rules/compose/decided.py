"""Which rules for containers a file can answer, and which facts they are about."""

from collections.abc import Mapping

# The facts that a finding is placed at, the likeliest first; none: at the service itself.
ABOUT: Mapping[str, tuple[str, ...]] = {
    "container-apparmor-unconfined": ("privileged", "security_opt"),
    "container-attack-path": (
        "privileged", "mounts", "cap_add", "devices", "device_rules", "security_opt",
    ),
    "container-cgroup-parent": ("cgroup_parent",),
    "container-dangerous-capability": ("privileged", "cap_add"),
    "container-dead-capability": ("cap_add",),
    "container-default-bridge": ("network_mode", "networks"),
    "container-default-capabilities": ("privileged", "cap_drop"),
    "container-device-rules": ("device_rules",),
    "container-engine-api": ("environment", "api_listens", "program"),
    "container-engine-socket": ("mounts",),
    "container-floating-image": ("image",),
    "container-gpu": ("device_requests", "runtime"),
    "container-host-cgroup": ("cgroupns_mode",),
    "container-host-device": ("devices",),
    "container-host-ipc": ("ipc_mode",),
    "container-host-network": ("network_mode",),
    "container-host-pid": ("pid_mode",),
    "container-host-userns": ("userns_mode",),
    "container-host-uts": ("uts_mode",),
    "container-joined-namespace": ("network_mode", "pid_mode", "ipc_mode"),
    "container-kernel-setting": ("sysctls",),
    "container-new-privileges": (),
    "container-no-cpu-limit": (),
    "container-no-healthcheck": ("health",),
    "container-no-log": ("log_driver",),
    "container-no-memory-limit": ("memory",),
    "container-no-pids-limit": ("pids",),
    "container-privileged": ("privileged",),
    "container-privileged-group": ("groups",),
    "container-privileged-port": ("ports", "network_mode"),
    "container-published-everywhere": ("ports", "network_mode"),
    "container-raw-sockets": ("cap_add", "cap_drop", "network_mode"),
    "container-restart-always": ("restart",),
    "container-root": ("user",),
    "container-seccomp-unconfined": ("privileged", "security_opt"),
    "container-secret-environment": ("environment",),
    "container-selinux-disabled": ("security_opt", "privileged"),
    "container-sensitive-bind": ("mounts",),
    "container-shared-propagation": ("mounts",),
    "container-ulimit": ("ulimits",),
    "container-unmasked-paths": (),
    "container-volume-credentials": ("mounts",),
    "container-volume-hides-bind": ("mounts",),
    "container-writable-root": ("read_only",),
}  # fmt: skip

# Where a finding on what is missing stands, if something of its kind is written.
NEAR: Mapping[str, str] = {
    "container-default-capabilities": "cap_drop",
    "container-new-privileges": "security_opt",
    "container-no-healthcheck": "health",
    "container-unmasked-paths": "masked_paths",
    "container-writable-root": "read_only",
}

# What only the processes, the sessions and the image of a running container tell.
UNDECIDED = frozenset(
    {
        "container-compose-drift",
        "container-exec-session",
        "container-kernel-differs",
        "container-new-privileges-free",
        "container-old-image",
        "container-ssh-server",
        "container-undeclared-port",
    }
)

# Rules for the engine that the networks of a file answer.
NETWORKS = frozenset({"network-gateway-unprotected", "network-overlay-plain"})

# What passes here passes only where the engine's own defaults were left alone.
ENGINE_DECIDES = frozenset(
    {
        "container-apparmor-unconfined",
        "container-host-cgroup",
        "container-host-userns",
        "container-seccomp-unconfined",
        "container-selinux-disabled",
    }
)
