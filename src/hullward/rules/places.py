"""Paths of a host that give a container power over it, and how much."""

from posixpath import basename, normpath

from msgspec import Struct

from hullward.model.severity import Severity

_CRITICAL, _HIGH, _MEDIUM, _LOW = list(Severity)[:4]


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

# A bind of an ancestor opens everything below it.
PLACES = (
    Place("/", _CRITICAL, _HIGH, "every file of the host", children=False),
    Place("/var/lib/docker", _CRITICAL, _HIGH, _OTHERS),
    Place("/var/lib/containerd", _CRITICAL, _HIGH, _OTHERS),
    Place("/etc/shadow", _CRITICAL, _HIGH, "the password hashes"),
    Place("/etc/ssh", _CRITICAL, _HIGH, "sshd's keys and settings"),
    Place("/etc/docker", _CRITICAL, _MEDIUM, "the engine's settings"),
    *(
        Place(f"/etc/{name}", _CRITICAL, _MEDIUM, "what root runs or whom it trusts")
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
            "passwd",
            "group",
            "modprobe.d",
        )
    ),
    Place("/etc", _CRITICAL, _HIGH, "the host's settings and password hashes", children=False),
    Place("/etc", _HIGH, _LOW, "a setting of the host"),
    Place("/root", _CRITICAL, _HIGH, "root's keys and start-up files", children=False),
    Place("/home", _CRITICAL, _HIGH, "the keys of every user", children=False),
    Place("/boot", _CRITICAL, _MEDIUM, "the kernel that starts next"),
    *(
        Place(path, _CRITICAL, _LOW, "the programs of the host")
        for path in ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/opt/bin", "/usr/local/bin")
    ),
    Place("/var/spool/cron", _CRITICAL, _MEDIUM, "what root runs by the clock"),
    Place("/proc", _CRITICAL, _HIGH, "the host's processes and kernel settings"),
    Place("/sys/fs/cgroup", _HIGH, _LOW, "the host's control groups"),
    Place("/sys", _HIGH, _MEDIUM, "the host's devices and kernel settings"),
    Place("/dev", _HIGH, _MEDIUM, "the host's device nodes"),
    Place("/run/systemd", _CRITICAL, _HIGH, "systemd, which starts anything as root"),
    Place("/run/dbus", _HIGH, _HIGH, "the system bus, by which root commands systemd"),
    Place("/run", _CRITICAL, _HIGH, "every control socket of the host", children=False),
    Place("/var/lib/lxcfs", _HIGH, _LOW, "the host's control groups"),
    Place("/var/log", _MEDIUM, _LOW, "the host's logs, through links also other files"),
)

# Read-only, these say nothing that an intruder could use.
_HARMLESS = (
    "/etc/localtime", "/etc/timezone", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf",
    "/etc/os-release", "/etc/machine-id", "/etc/nsswitch.conf", "/etc/ssl/certs",
    "/etc/ca-certificates", "/etc/pki", "/usr/share", "/usr/lib/os-release", "/lib/modules",
    "/usr/lib/modules", "/dev/null", "/dev/urandom", "/dev/log",
)  # fmt: skip
_PERSONAL = (".ssh", ".aws", ".kube", ".docker", ".gnupg", ".config", ".bashrc", ".profile")

# Sockets whose speakers start containers, or anything else, as root.
_SOCKETS = (
    "docker.sock", "containerd.sock", "containerd.sock.ttrpc", "crio.sock", "podman.sock",
    "buildkitd.sock", "cri-dockerd.sock", "dockershim.sock",
)  # fmt: skip
_SOCKET_FOLDERS = ("/run/containerd", "/run/crio", "/run/podman", "/run/buildkit")


def clean(path: str) -> str:
    """Write a path of the host in one way: no `..`, no `//`, /run for /var/run."""
    path = normpath("/" + path.lstrip("/"))
    return "/run" + path[len("/var/run") :] if _within(path, "/var/run") else path


def controls_engine(path: str) -> str:
    """Say which control socket a bind of this path reaches, "" for none."""
    path = clean(path)
    if basename(path) in _SOCKETS:
        return path
    if path in {"/", "/run", "/var"}:
        return "/run/docker.sock"
    for folder in _SOCKET_FOLDERS:
        if path == folder:
            return f"{folder}/{basename(folder)}.sock"
    parts = path.split("/")
    if parts[:3] == ["", "run", "user"] and len(parts) <= 4:  # noqa: PLR2004 - /run/user/1000
        return f"{path}/docker.sock"
    return ""


def judge(path: str, engine_root: str, *, writable: bool) -> tuple[Severity, str] | None:
    """Grade a bind of this path, with what it opens; None for a path like any other."""
    path = clean(path)
    if not writable and any(_within(path, harmless) for harmless in _HARMLESS):
        return None
    places = PLACES
    if engine_root:
        places = (*PLACES, Place(clean(engine_root), _CRITICAL, _HIGH, _OTHERS))
    fitting = [place for place in places if _fits(path, place)]
    if fitting:
        # The place itself, else the deepest folder around the path, else the worst thing below it.
        place = max(fitting, key=lambda p: _nearness(path, p, writable=writable))
        return place.grade(writable=writable), place.opens
    parts = path.split("/")
    home = parts[3:] if path.startswith("/home/") else parts[2:] if parts[1] == "root" else None
    if home is not None and (not home or home[0] in _PERSONAL):
        return (_CRITICAL if writable and parts[1] == "root" else _HIGH), "a user's keys"
    return None


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
