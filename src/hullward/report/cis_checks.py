"""The checks of the CIS Docker Benchmark, by number, in words of our own.

Its numbers are those of version 1.6, as docker-bench-security uses them, with that program's own
checks (C) and its checks of the former enterprise products (8).
"""

from msgspec import Struct


class Check(Struct, frozen=True):
    """A check; `why` says why no rule judges it, or where its rule differs.

    `rules` are those that judge it and do not name it among their references.
    """

    id: str
    what: str
    why: str = ""
    rules: tuple[str, ...] = ()


_AUDIT = "one rule names every path that is not watched; a folder's watch covers what is below"
_ROOT_WRITES = "root's own right to write is not counted: it needs none"
_EXECUTE = "only rights to write are counted; a right to execute a settings file opens nothing"
_REGISTRY = "belongs to the registry and the build, not to a host"
_ENTERPRISE = "enterprise product that was sold; nothing to look at on an engine"
_MANUAL = "manual: only its owner can tell"

CHECKS: tuple[Check, ...] = (
    Check("1.1.1", "Docker's data on a partition of its own"),
    Check("1.1.2", "Only trusted users in the docker group"),
    *(
        Check(f"1.1.{number}", f"Audit rule for {path}", _AUDIT)
        for number, path in enumerate(
            (
                "dockerd", "/run/containerd", "/var/lib/docker", "/etc/docker", "docker.service",
                "containerd.sock", "docker.socket (docker.sock since 1.7)", "/etc/default/docker",
                "daemon.json", "containerd's config.toml", "/etc/sysconfig/docker", "containerd",
                "containerd-shim", "containerd-shim-runc-v1", "containerd-shim-runc-v2", "runc",
            ),
            3,
        )
    ),
    Check("1.2.1", "The host is hardened", "judged by the rules of the areas host, ssh, firewall"),
    Check("1.2.2", "Docker is up to date", "by the day on which the program was built"),
    Check("2.1", "The daemon is rootless"),
    Check("2.2", "Containers of the default bridge do not talk"),
    Check("2.3", "Log level info"),
    Check("2.4", "Docker may set its firewall rules"),
    Check("2.5", "No insecure registries"),
    Check("2.6", "No aufs"),
    Check("2.7", "TLS with client certificates on TCP"),
    Check("2.8", "Default ulimits"),
    Check("2.9", "User namespaces", "as in effect; a rootless engine counts as remapped"),
    Check("2.10", "The default control group"),
    Check("2.11", "Base size of devicemapper", "the driver itself was removed from Docker"),
    Check("2.12", "Authorization plugin"),
    Check("2.13", "Central logging", "the driver `none` fails as well"),
    Check("2.14", "no-new-privileges by default"),
    Check("2.15", "Live restore", "not asked of a swarm, which refuses it"),
    Check("2.16", "No userland proxy"),
    Check("2.17", "Seccomp profile of the daemon", "the builtin profile passes"),
    Check("2.18", "No experimental features"),
    Check("3.1", "Owner of docker.service"),
    Check("3.2", "Mode of docker.service", _EXECUTE),
    Check("3.3", "Owner of docker.socket's unit"),
    Check("3.4", "Mode of docker.socket's unit", _EXECUTE),
    Check("3.5", "Owner of /etc/docker"),
    Check("3.6", "Mode of /etc/docker"),
    Check("3.7", "Owner of registry certificates"),
    Check("3.8", "Mode of registry certificates", _ROOT_WRITES),
    Check("3.9", "Owner of the TLS authority"),
    Check("3.10", "Mode of the TLS authority", _ROOT_WRITES),
    Check("3.11", "Owner of the TLS certificate"),
    Check("3.12", "Mode of the TLS certificate", _ROOT_WRITES),
    Check("3.13", "Owner of the TLS key"),
    Check("3.14", "Mode of the TLS key", _ROOT_WRITES),
    Check("3.15", "Owner of docker.sock", "the group that the daemon is told to use passes"),
    Check("3.16", "Mode of docker.sock"),
    Check("3.17", "Owner of daemon.json"),
    Check("3.18", "Mode of daemon.json", _EXECUTE),
    Check("3.19", "Owner of /etc/default/docker"),
    Check("3.20", "Mode of /etc/default/docker", _EXECUTE),
    Check("3.21", "Mode of /etc/sysconfig/docker", _EXECUTE),
    Check("3.22", "Owner of /etc/sysconfig/docker"),
    Check("3.23", "Owner of containerd.sock"),
    Check("3.24", "Mode of containerd.sock"),
    Check("4.1", "A user of its own for the container"),
    Check("4.2", "Trusted base images", _MANUAL),
    Check("4.3", "No unnecessary packages", _MANUAL),
    Check("4.4", "Images are scanned and rebuilt", "by age; scanners such as trivy look inside"),
    Check("4.5", "Content trust", "retired: Docker has ended Docker Content Trust"),
    Check("4.6", "HEALTHCHECK in the image", "of images in use", ("container-no-healthcheck",)),
    Check("4.7", "`update` is not a layer of its own", "of images in use, by their history"),
    Check("4.8", "Setuid and setgid files", "of images in use, with --deep"),
    Check("4.9", "COPY in place of ADD", "of images in use; the base layer is left out"),
    Check("4.10", "No secrets in the Dockerfile"),
    Check("4.11", "Verified packages only", _REGISTRY),
    Check("4.12", "Signed artefacts", _REGISTRY),
    Check("5.1", "Swarm mode is off unless used"),
    Check("5.2", "AppArmor profile"),
    Check("5.3", "SELinux options"),
    Check("5.4", "Capabilities are restricted", "what is dropped counts as well"),
    Check("5.5", "Not privileged"),
    Check("5.6", "No sensitive folders of the host", "also read-only ones, and what is above them"),
    Check("5.7", "No sshd in the container"),
    Check("5.8", "No privileged ports"),
    Check("5.9", "Only needed ports", "a port that the image does not declare"),
    Check("5.10", "Not the host's network"),
    Check("5.11", "Memory limit"),
    Check("5.12", "CPU limit"),
    Check("5.13", "Root file system read-only"),
    Check("5.14", "Ports bound to one address"),
    Check("5.15", "Restart on failure, five times"),
    Check("5.16", "Not the host's processes"),
    Check("5.17", "Not the host's IPC"),
    Check("5.18", "No devices of the host"),
    Check("5.19", "Default ulimits are kept"),
    Check("5.20", "No shared mount propagation"),
    Check("5.21", "Not the host's UTS namespace"),
    Check("5.22", "Seccomp is not disabled"),
    Check("5.23", "No privileged docker exec", "of sessions that run now; the past is not known"),
    Check("5.24", "No docker exec as root", "of sessions that run now; the past is not known"),
    Check("5.25", "Control group"),
    Check("5.26", "no-new-privileges"),
    Check("5.27", "Health is checked"),
    Check("5.28", "Newest version of the image", "by age and by tag; a registry is not asked"),
    Check("5.29", "Limit of processes"),
    Check("5.30", "Not the default bridge"),
    Check("5.31", "Not the host's user namespace"),
    Check("5.32", "docker.sock is not mounted"),
    Check("6.1", "No sprawl of images", "images that no container uses are counted"),
    Check("6.2", "No sprawl of containers", "manual: what is unused, `docker system df` tells"),
    Check("7.1", "Fitting number of managers"),
    Check("7.2", "Swarm bound to one address"),
    Check("7.3", "Overlay networks are encrypted"),
    Check(
        "7.4",
        "Swarm secrets are used",
        "a secret in the environment fails",
        ("container-secret-environment",),
    ),
    Check("7.5", "Autolock", "the key is never asked for"),
    Check("7.6", "The autolock key is rotated", "manual: the engine does not tell its age"),
    Check("7.7", "Node certificates are rotated"),
    Check("7.8", "The root certificate is rotated", "by the day on which it ends"),
    Check("7.9", "Management apart from data", _MANUAL),
    *(
        Check(f"8.1.{number}", what, _ENTERPRISE)
        for number, what in enumerate(
            (
                "LDAP in UCP", "External certificates in UCP", "Client bundles of UCP",
                "Access control of UCP", "Signed images in UCP", "Session lifetime of UCP",
                "Secrets in UCP",
            ),
            1,
        )
    ),
    Check("8.2.1", "Scanning in DTR", _ENTERPRISE),
    Check("C.1", "Example of docker-bench-security", "checks nothing"),
    Check("C.1.1", "Example of docker-bench-security", "checks nothing"),
    Check("C.2", "No registry of version 1", "no engine can use one any more"),
    *(
        Check(f"C.5.3.{number}", f"{name} is not added", rules=("container-dangerous-capability",))
        for number, name in enumerate(
            ("DAC_READ_SEARCH", "SYS_MODULE", "SYS_ADMIN", "SYS_PTRACE"), 1
        )
    ),
)  # fmt: skip
