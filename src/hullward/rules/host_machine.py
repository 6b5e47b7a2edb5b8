"""The machine itself: kernel, disks, memory, and whether it is a virtual one."""

import re

from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.rule import Answers, Fail, Unknown, host_rule
from hullward.model.severity import Severity
from hullward.model.system import Filesystem, System

_OLDEST, _MAINTAINED = (3, 10), (5, 10)
_FULL, _BRIMMING = 85, 95
_GIB = 1 << 30
_ROOMY_MEMORY, _ROOMY_DISK = 8 * _GIB, 64 * _GIB


def _system(host: Host) -> System:
    return host.system or System()


@host_rule(
    id="host-pending-reboot",
    title="Updates wait for a reboot",
    severity=Severity.LOW,
    rationale="A container shares the host's kernel: its fixes protect nobody before the reboot.",
    remedy="systemctl reboot   (when the containers may stop)",
    refs=("kernel.org/doc/html/latest/process/security-bugs.html",),
    needs="system",
)
def pending_reboot(host: Host, snapshot: Snapshot) -> Answers:
    """Compare the running kernel with the installed ones, and read the distribution's mark."""
    del snapshot
    system = _system(host)
    if system.reboot_required:
        yield Fail(
            f"updated since the start: {', '.join(system.updated)}"
            if system.updated
            else "the distribution asks for it: /run/reboot-required"
        )
    newer = [name for name in system.kernels or () if _newer(name, host.kernel)]
    if newer:
        newest = max(newer, key=_version)
        yield Fail(f"kernel {newest} is installed, {host.kernel} runs")
    if system.reboot_required is None:
        yield Unknown(system.gaps.get("reboot_required", "nothing tells whether a reboot waits"))
    elif system.kernels is None or not host.kernel:
        yield Unknown(system.gaps.get("kernels", "the kernels are not known"))


def _newer(installed: str, running: str) -> bool:
    """Whether a kernel is a later one of the same flavour, such as -cloud-amd64 or -lts."""
    return _flavour(installed) == _flavour(running) and _version(installed) > _version(running)


def _flavour(kernel: str) -> tuple[str, ...]:
    words = [word for word in re.split(r"[-.+]", kernel) if word and not word[0].isdecimal()]
    return tuple(word for word in words if not re.fullmatch(r"(deb|bpo|fc|el|rpt)[\d_]*", word))


def _version(kernel: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d{1,9}", kernel))


@host_rule(
    id="host-kernel-old",
    title="The kernel is too old",
    severity=Severity.HIGH,
    rationale=(
        "Docker needs Linux 3.10; and every container is held by the kernel alone, so a branch "
        "without fixes is a way out."
    ),
    remedy="Upgrade the distribution.",
    refs=("kernel.org/category/releases.html", "docs.docker.com/engine/install"),
    needs="system",
)
def kernel_old(host: Host, snapshot: Snapshot) -> Answers:
    """Fail below 3.10; tell where only the distribution keeps a branch that kernel.org has left."""
    del snapshot
    version = _version(host.kernel)[:2]
    if len(version) < len(_OLDEST):
        yield Unknown("the version of the kernel is not known")
    elif version < _OLDEST:
        yield Fail(f"kernel {host.kernel} is older than 3.10")
    elif version < _MAINTAINED:
        yield Fail(
            f"kernel {host.kernel}: as of 2026-11 kernel.org maintains no branch older than 5.10, "
            "so fixes come from the distribution or not at all",
            Severity.INFO,
        )


@host_rule(
    id="host-nested-virtualization",
    title="Virtual machines can be run on this host",
    severity=Severity.INFO,
    rationale=(
        "Virtual machines inside this one need nested virtualization, and microVMs in containers "
        "/dev/kvm. Who needs neither can switch it off: it is one more part of the kernel to break."
    ),
    remedy="If nothing needs it: `modprobe -r kvm_intel` (or kvm_amd), and blacklist the module.",
    refs=("guide: Server selection", "docs.kernel.org/virt/kvm/x86/running-nested-guests.html"),
    needs="system",
)
def nested_virtualization(host: Host, snapshot: Snapshot) -> Answers:
    """Tell whether /dev/kvm is there, on what kind of machine, and what the modules allow."""
    del snapshot
    system = _system(host)
    if system.nested is None:
        yield Unknown(system.gaps.get("nested", "the kernel's modules were not read"))
    elif system.kvm:
        where = _where(system)
        nested = ", ".join(f"{module}.nested={value}" for module, value in system.nested.items())
        yield Fail(f"/dev/kvm is there {where}" + (f"; {nested}" if nested else ""))


def _where(system: System) -> str:
    product = f" ({system.product})" if system.product else ""
    if system.guest is None:
        return f"on a machine of unknown kind{product}"
    kind = "hardware" if system.guest == "none" else f"a guest of kind {system.guest}"
    return f"on {kind}{product}"


@host_rule(
    id="host-docker-partition",
    title="The engine's data shares its partition with the system",
    severity=Severity.LOW,
    rationale="One container that writes without end fills the disk of the whole host.",
    remedy="Give the engine's root directory a partition or volume of its own.",
    refs=("cis-docker:1.1.1",),
    needs="system",
)
def docker_partition(host: Host, snapshot: Snapshot) -> Answers:
    """Fail where the engine's root is on the device of /, also by a bind mount or a subvolume."""
    system = _system(host)
    found = _docker_disk(system, snapshot)
    if isinstance(found, Unknown):
        yield found
        return
    place, disk = found
    top = system.filesystem("/")
    if top is not None and disk.device == top.device:
        yield Fail(f"{place} is on the file system of / ({disk.kind})")
    elif disk.mount not in {place, place.rpartition("/")[0]}:
        yield Fail(f"{place} is on the file system of {disk.mount}", Severity.INFO)


def _docker_disk(system: System, snapshot: Snapshot) -> tuple[str, Filesystem] | Unknown:
    engine = snapshot.engine
    if engine is None or not engine.root_directory:
        return Unknown(snapshot.gaps.get("info", "the engine's root directory is not known"))
    if system.filesystems is None:
        return Unknown(system.gaps.get("filesystems", "the file systems were not read"))
    place = engine.root_directory
    disk = system.filesystem(place)
    return (place, disk) if disk else Unknown(f"the file system of {place} is not known")


@host_rule(
    id="host-disk-full",
    title="A disk is nearly full",
    severity=Severity.LOW,
    rationale="A full disk stops containers, logs and updates at once.",
    remedy="docker system df; docker image prune; set log limits: `max-size` in daemon.json.",
    refs=("docs.docker.com/engine/manage-resources/pruning",),
    needs="system",
)
def disk_full(host: Host, snapshot: Snapshot) -> Answers:
    """Fail above 85 percent of the space or the inodes of / or the engine's root."""
    system = _system(host)
    found = _docker_disk(system, snapshot)
    disks = {"/": system.filesystem("/")}
    if isinstance(found, Unknown):
        yield found
    else:
        disks[found[0]] = found[1]
    for place, disk in disks.items():
        if disk is None or disk.percent is None:
            yield Unknown(f"how full the file system of {place} is, is not known")
            continue
        for percent, what in ((disk.percent, "space"), (disk.inodes or 0, "inodes")):
            if percent > _FULL:
                yield Fail(
                    f"{disk.mount}: {percent} % of the {what} is used",
                    Severity.MEDIUM if percent > _BRIMMING else None,
                )


@host_rule(
    id="host-memory-promised",
    title="Containers may use more memory than there is",
    severity=Severity.INFO,
    rationale="When all of them take what they may, the kernel ends processes, of others too.",
    remedy="Lower the limits (`mem_limit`), or give the host more memory.",
    refs=("docs.docker.com/engine/containers/resource_constraints", "cis-docker:5.11"),
    needs="system",
)
def memory_promised(host: Host, snapshot: Snapshot) -> Answers:
    """Tell where the limits of running containers add up to more than the host's memory."""
    system = _system(host)
    if system.memory is None:
        yield Unknown(system.gaps.get("memory", "the size of the memory is not known"))
        return
    limits = [container.memory for container in snapshot.containers if container.running]
    promised, free = sum(limits), limits.count(0)
    if promised > system.memory:
        rest = f", and {free} more have none" if free else ""
        yield Fail(
            f"the limits of {len(limits) - free} containers are {_size(promised)} together{rest}; "
            f"the host has {_size(system.memory)}"
        )


@host_rule(
    id="host-cores-short",
    title="Containers want more processor time than there is",
    severity=Severity.INFO,
    rationale="Then each is slower than it was meant to be, and one can keep the others waiting.",
    remedy="Lower the limits (`cpus`), or give the host more cores.",
    refs=("docs.docker.com/engine/containers/resource_constraints", "proc_loadavg(5)"),
    needs="system",
)
def cores_short(host: Host, snapshot: Snapshot) -> Answers:
    """Tell where the limits of running containers, or the load, are more than the host's cores."""
    system = _system(host)
    if system.cores is None:
        yield Unknown(system.gaps.get("cores", "the number of cores is not known"))
        return
    limits = [container.cores for container in snapshot.containers if container.running]
    promised, free = sum(limits), limits.count(0)
    if promised > system.cores:
        rest = f", and {free} more have none" if free else ""
        yield Fail(
            f"the limits of {len(limits) - free} containers are {promised:g} cores together{rest}; "
            f"the host has {system.cores}"
        )
    if system.load is None:
        yield Unknown("how busy the cores are is not known")
    elif system.load > system.cores:
        yield Fail(f"the load of the last 15 minutes was {system.load:g} on {system.cores} cores")


@host_rule(
    id="host-oversized",
    title="The server is far larger than its containers need",
    severity=Severity.INFO,
    rationale=(
        "Room to spare tempts to install other things beside Docker, which complicates the "
        "security of the server."
    ),
    remedy="Choose a smaller server, or split this one into virtual machines for one purpose each.",
    refs=("guide: Server selection",),
    needs="system",
)
def oversized(host: Host, snapshot: Snapshot) -> Answers:
    """Tell where neither a quarter of the memory nor of the disk is used."""
    system = _system(host)
    found = _docker_disk(system, snapshot)
    if system.memory is None or system.available is None:
        yield Unknown(system.gaps.get("memory", "the use of the memory is not known"))
    elif isinstance(found, Unknown):
        yield found
    elif found[1].percent is None or found[1].size is None:
        yield Unknown(f"how full the file system of {found[0]} is, is not known")
    elif (
        system.memory >= _ROOMY_MEMORY
        and 4 * (system.memory - system.available) < system.memory
        and found[1].size >= _ROOMY_DISK
        and found[1].percent < 25  # noqa: PLR2004 - a quarter, as of the memory
    ):
        load = f" with a load of {system.load:g}" if system.load is not None else ""
        cores = f", {system.cores} cores{load}" if system.cores else ""
        used = system.memory - system.available
        yield Fail(
            f"{_size(used)} of {_size(system.memory)} memory and {found[1].percent} % of "
            f"{_size(found[1].size)} disk are used{cores}"
        )


def _size(count: int) -> str:
    return f"{count / _GIB:.1f} GiB"
