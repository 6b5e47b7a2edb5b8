"""Paths of a host that give a container power over it, and how much."""

import re
from functools import lru_cache
from posixpath import basename, normpath

from msgspec import Struct

from hullward.model.severity import Severity

_CRITICAL, _HIGH, _MEDIUM, _LOW, _INFO = Severity


class Place(Struct, frozen=True):
    """A path, how bad a writable and a read-only bind of it is, and what it opens."""

    path: str
    writable: Severity
    readable: Severity
    opens: str
    children: bool = True

    def grade(self, *, writable: bool) -> Severity:
        """How bad a bind of it is."""
        return self.writable if writable else self.readable


_OTHERS = "the files of every other container"
_SYSTEMD = "systemd, which starts anything as root"
_TRUST = "what root runs or whom it trusts"

# A bind of an ancestor opens everything below it. A socket is as bad read-only.
PLACES = (
    Place("/", _CRITICAL, _HIGH, "every file of the host", children=False),
    Place("/var/lib/docker", _CRITICAL, _HIGH, _OTHERS),
    Place("/var/lib/containerd", _CRITICAL, _HIGH, _OTHERS),
    Place("/var/lib/containers", _CRITICAL, _HIGH, _OTHERS),
    Place("/var/lib/kubelet", _CRITICAL, _HIGH, _OTHERS),
    *(
        Place(f"/etc/{name}", _CRITICAL, _HIGH, "the password hashes")
        for name in ("shadow", "shadow-", "gshadow", "gshadow-")
    ),
    Place("/etc/ssh", _CRITICAL, _HIGH, "sshd's keys and settings"),
    Place("/etc/ssl/private", _HIGH, _HIGH, "the private keys of the host's services"),
    Place("/etc/docker", _CRITICAL, _MEDIUM, "the engine's settings"),
    *(
        Place(f"/etc/{name}", _CRITICAL, _MEDIUM, _TRUST)
        for name in (
            "cron.d",
            "cron.daily",
            "cron.hourly",
            "cron.monthly",
            "cron.weekly",
            "crontab",
            "systemd",
            "init.d",
            "profile.d",
            "pam.d",
            "sudoers",
            "sudoers.d",
            "ld.so.preload",
            "modprobe.d",
        )
    ),
    Place("/etc/passwd", _CRITICAL, _LOW, "the host's users"),
    Place("/etc/group", _CRITICAL, _LOW, "the host's groups"),
    Place("/etc/localtime", _LOW, _INFO, "the host's time zone"),
    Place("/etc/timezone", _LOW, _INFO, "the host's time zone"),
    Place("/etc", _CRITICAL, _HIGH, "the host's settings and password hashes", children=False),
    Place("/etc", _HIGH, _LOW, "a setting of the host"),
    Place("/root", _CRITICAL, _HIGH, "root's keys and start-up files", children=False),
    Place("/home", _CRITICAL, _HIGH, "the keys of every user", children=False),
    Place("/boot", _CRITICAL, _MEDIUM, "the kernel that starts next"),
    *(
        Place(path, _CRITICAL, _LOW, "the programs of the host")
        for path in ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt/bin", "/usr/local/bin")
    ),
    Place("/opt", _HIGH, _LOW, "programs that the host's users run", children=False),
    Place("/var/spool/cron", _CRITICAL, _MEDIUM, "what root runs by the clock"),
    Place("/proc", _CRITICAL, _MEDIUM, "the host's processes and kernel settings"),
    Place("/sys/fs/cgroup", _HIGH, _LOW, "the host's control groups"),
    Place("/sys", _HIGH, _MEDIUM, "the host's devices and kernel settings"),
    Place("/dev", _HIGH, _MEDIUM, "the host's device nodes", children=False),
    Place("/dev", _MEDIUM, _LOW, "a device node, which the device rules still guard"),
    Place("/dev/shm", _MEDIUM, _LOW, "the shared memory of the host's programs"),  # noqa: S108 - a path to judge
    Place("/dev/log", _LOW, _INFO, "the host's log"),
    Place("/run/systemd", _CRITICAL, _CRITICAL, _SYSTEMD, children=False),
    Place("/run/systemd/private", _CRITICAL, _CRITICAL, _SYSTEMD),
    Place("/run/systemd/journal", _LOW, _INFO, "the host's log"),
    Place("/run/systemd", _CRITICAL, _LOW, "the state of systemd"),
    Place("/run/dbus", _HIGH, _HIGH, "the system bus, by which root commands systemd"),
    Place("/run/libvirt", _CRITICAL, _CRITICAL, "libvirt, whose machines get any disk"),
    Place("/var/lib/incus", _CRITICAL, _HIGH, "incus, which starts privileged containers"),
    Place("/var/lib/lxd", _CRITICAL, _HIGH, "LXD, which starts privileged containers"),
    Place("/run/docker", _CRITICAL, _HIGH, "the engine's state and sockets"),
    Place("/run/containerd", _CRITICAL, _HIGH, "the engine's state and sockets"),
    Place("/run", _CRITICAL, _HIGH, "every control socket of the host", children=False),
    Place("/var/lib/lxcfs", _HIGH, _LOW, "the host's control groups"),
    Place("/var/log", _MEDIUM, _LOW, "the host's logs, through links also other files"),
)

# Read-only, these say nothing that an intruder could use.
_HARMLESS = (
    "/etc/localtime", "/etc/timezone", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf",
    "/etc/os-release", "/etc/machine-id", "/etc/nsswitch.conf", "/etc/ssl/certs",
    "/etc/ca-certificates", "/etc/pki/tls/certs", "/etc/pki/ca-trust", "/usr/share",
    "/usr/lib/os-release", "/lib/modules", "/usr/lib/modules", "/dev/log",
    "/run/systemd/resolve", "/run/systemd/journal",
)  # fmt: skip
_ALWAYS_HARMLESS = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")

# Of a home folder: what gives its owner away, and what runs when its owner comes.
_KEYS = (
    ".ssh", ".aws", ".azure", ".kube", ".docker", ".gnupg", ".config", ".netrc",
    ".git-credentials", ".password-store",
)  # fmt: skip
_STARTUP = (".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshrc", ".zshenv")
_CONFIG_KEYS = ("autostart", "systemd", "gcloud", "gh", "rclone", "containers")

# Sockets whose speakers start containers, or anything else, as root.
_SOCKETS = frozenset(
    {
        "balena-engine.sock",
        "buildkitd.sock",
        "containerd.sock",
        "containerd.sock.ttrpc",
        "cri-dockerd.sock",
        "crio.sock",
        "docker.proxy.sock",
        "docker.raw.sock",
        "docker.sock",
        "docker.sock.raw",
        "dockershim.sock",
        "podman.sock",
    }
)
# Where they are; a bind of any folder above one reaches it.
_KNOWN = (
    "/run/docker.sock",
    "/var/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/docker/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/run/crio/crio.sock",
    "/run/buildkit/buildkitd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/host-services/docker.proxy.sock",
)
_ROOTLESS = (
    "docker.sock",
    "podman/podman.sock",
    "docker/containerd/containerd.sock",
    "buildkit/buildkitd.sock",
)
_PROCESS_ROOT = re.compile(r"/proc/(?:\d+|self|thread-self)/root(?=/|$)")
_ONE_VOLUME = re.compile(r"/volumes/[^/]+/_data(/|$)")


@lru_cache(maxsize=4096)
def clean(path: str) -> str:
    """Write a path of the host in one way: no `..`, no `//`, /run for /var/run."""
    path = normpath("/" + path.lstrip("/"))
    while match := _PROCESS_ROOT.match(path):
        path = path[match.end() :] or "/"
    return "/run" + path[len("/var/run") :] if _within(path, "/var/run") else path


@lru_cache(maxsize=4096)
def controls_engine(path: str) -> str:
    """Say which control socket a bind of this path reaches, "" for none."""
    path = clean(path)
    if basename(path) in _SOCKETS:
        return path
    user = re.match(r"/run/user/[^/]+", path)
    own = [f"{user[0] if user else '/run/user/UID'}/{socket}" for socket in _ROOTLESS]
    return next((socket for socket in (*_KNOWN, *own) if _within(socket, path)), "")


@lru_cache(maxsize=4096)
def judge(path: str, engine_root: str, *, writable: bool) -> tuple[Severity, str] | None:
    """Grade a bind of this path, with what it opens; None for a path like any other."""
    path = clean(path)
    harmless = _ALWAYS_HARMLESS if writable else (*_ALWAYS_HARMLESS, *_HARMLESS)
    if any(_within(path, folder) for folder in harmless) or _is_one_volume(path, engine_root):
        return None
    places = PLACES
    if engine_root:
        places = (*PLACES, Place(clean(engine_root), _CRITICAL, _HIGH, _OTHERS))
    fitting = [place for place in places if _fits(path, place)]
    if fitting:
        # The place itself, else the deepest folder around the path, else the worst thing below it.
        place = max(fitting, key=lambda p: _nearness(path, p, writable=writable))
        return place.grade(writable=writable), place.opens
    return _at_home(path, writable=writable)


def _is_one_volume(path: str, engine_root: str) -> bool:
    """Whether it is the data of a single volume, which is no more than the volume itself."""
    roots = {"/var/lib/docker", clean(engine_root or "/var/lib/docker")}
    return any(_within(path, r) and _ONE_VOLUME.match(path, len(r)) is not None for r in roots)


def _at_home(path: str, *, writable: bool) -> tuple[Severity, str] | None:
    """Grade what lies in the home folder of root or of a user."""
    match = re.match(r"/root/|/home/[^/]+(?:/|$)", path)
    if match is None:
        return None
    first, _, rest = path[match.end() :].partition("/")
    if first == ".config" and rest and rest.partition("/")[0] not in _CONFIG_KEYS:
        return None
    if first not in {"", *_KEYS, *(_STARTUP if writable else ())}:
        return None
    of_root = path.startswith("/root/")
    return (_CRITICAL if writable and of_root else _HIGH), "a user's keys or start-up files"


def _fits(path: str, place: Place) -> bool:
    if place.path == "/":
        return path == "/"
    return (
        path == place.path
        or (place.children and _within(path, place.path))
        or _within(place.path, path)
    )


def _nearness(path: str, place: Place, *, writable: bool) -> tuple[int, int]:
    if path == place.path:
        return 2, place.grade(writable=writable).rank
    if _within(path, place.path):
        return 1, len(place.path)
    return 0, place.grade(writable=writable).rank


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
