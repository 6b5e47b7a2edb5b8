"""The machine: size, kernel, distribution, and what else it is used for."""

from collections.abc import Mapping

from msgspec import Struct, field


class Distribution(Struct, frozen=True):
    """What os-release(5) says; `like` are the distributions that it descends from."""

    id: str
    version: str = ""
    name: str = ""
    like: tuple[str, ...] = ()


class Filesystem(Struct, frozen=True):
    """A mounted file system of a disk; sizes are in bytes, `inodes` is the percentage in use.

    `root` is the part of it that is mounted: "/" unless it is a bind mount or a subvolume.
    """

    mount: str
    device: str
    kind: str = ""
    root: str = "/"
    size: int | None = None
    used: int | None = None
    available: int | None = None
    inodes: int | None = None

    @property
    def percent(self) -> int | None:
        """How full it is, as df(1) counts: of what ordinary users may fill."""
        if self.used is None or self.available is None or not self.used + self.available:
            return None
        return -(-100 * self.used // (self.used + self.available))


class Package(Struct, frozen=True):
    """A package that is installed; `vendor` is who says to have made it."""

    manager: str
    name: str
    version: str = ""
    vendor: str = ""


class Program(Struct, frozen=True):
    """A running dockerd or containerd, or the runc that they find; `pid` is 0 for the latter.

    `ours` says whether it sees the same mounts as the collector. `package` is None where its
    owner is not known, or where `unmanaged` says that no package owns it. `replaced` says that
    its file was exchanged since it was started.
    """

    name: str
    path: str = ""
    pid: int = 0
    parent: int = 0
    ours: bool | None = None
    replaced: bool = False
    unmanaged: bool = False
    package: Package | None = None


class System(Struct, frozen=True):
    """The machine; `gaps` says why a part is None.

    `load` is how many processes wanted a core at a time in the last 15 minutes (proc_loadavg(5)).
    `guest` is the kind of virtual machine or "none", `nested` the parameter of each KVM module.
    `docker_sources` are the package sources of docker.com, without credentials. `updated` are
    packages that want a reboot: named by the distribution, or newer than the start of the system.
    """

    architecture: str = ""
    distribution: Distribution | None = None
    guest: str | None = None
    product: str = ""
    kvm: bool = False
    nested: Mapping[str, str] | None = None
    memory: int | None = None
    available: int | None = None
    swap: int | None = None
    cores: int | None = None
    load: float | None = None
    filesystems: tuple[Filesystem, ...] | None = None
    kernels: tuple[str, ...] | None = None
    reboot_required: bool | None = None
    updated: tuple[str, ...] = ()
    programs: tuple[Program, ...] | None = None
    docker_sources: tuple[str, ...] | None = None
    desktops: tuple[str, ...] | None = None
    display_manager: str = ""
    desktop_sessions: tuple[str, ...] | None = None
    logged_in: tuple[str, ...] | None = None
    gaps: Mapping[str, str] = field(default_factory=dict)

    def daemon(self) -> Program | str:
        """Find the dockerd of this host among all that run, or say why it is not known."""
        return self._one("dockerd")

    def containerd(self) -> Program | None:
        """Find the containerd that the dockerd of this host uses: its child, or the only one."""
        daemon = self.daemon()
        found = [p for p in self.programs or () if p.name == "containerd"]
        if isinstance(daemon, Program):
            children = [program for program in found if program.parent == daemon.pid]
            if len(children) == 1:
                return children[0]
        one = self._one("containerd")
        return one if isinstance(one, Program) else None

    def runc(self) -> Program | None:
        """Find the runc of this host."""
        return next((p for p in self.programs or () if p.name == "runc"), None)

    def package(self, part: str) -> Package | None:
        """Find the package that a component of the engine's /version belongs to."""
        daemon = self.daemon()
        found = {
            "Engine": daemon if isinstance(daemon, Program) else None,
            "containerd": self.containerd(),
            "runc": self.runc(),
        }.get(part)
        return found.package if found else None

    def filesystem(self, path: str) -> Filesystem | None:
        """Find the file system that holds a path; the last mount on a place hides the others."""
        over = [f for f in self.filesystems or () if _holds(f.mount, path)]
        return max(reversed(over), key=lambda f: len(f.mount)) if over else None

    def _one(self, name: str) -> Program | str:
        if self.programs is None:
            return self.gaps.get("programs", "the processes were not looked at")
        found = [program for program in self.programs if program.name == name and program.pid]
        ours = [program for program in found if program.ours]
        for group in (ours, found):
            if len(group) == 1:
                return group[0]
        if found:
            return f"{len(found)} {name} processes run, and it is not known which is the host's"
        return f"no {name} process is to be seen"


def _holds(mount: str, path: str) -> bool:
    return mount in {"/", path} or path.startswith(f"{mount}/")
