"""The kernel's word on every process of a container: /proc/PID/{cgroup,status,uid_map,net}."""

import ipaddress
import re
import struct
from collections.abc import Iterator, Mapping
from typing import Protocol

from msgspec.structs import replace

from hullward.collect.bundle import Said
from hullward.collect.collector import Question
from hullward.model.facts import Container, Listener, Process, Snapshot

# Only processes of containers: their cgroup path holds the container's id. One program reads all
# files, since a fork for each costs more than everything else.
_CONTAINED = "$(grep -lE '[0-9a-f]{64}' /proc/[0-9]*/cgroup 2>/dev/null)"
QUESTIONS = (
    Question(
        "processes",
        f"c=; s=; u=; for f in {_CONTAINED}; do "
        'p=${f%/cgroup}; c="$c $f"; s="$s $p/status"; u="$u $p/uid_map"; done; '
        "grep -E '[0-9a-f]{64}' /dev/null $c; grep '' /dev/null $u; "
        "grep -E '^(Name|Uid|Cap|NoNewPrivs|Seccomp)' /dev/null $s; echo end",
        10,
        20,
    ),
    Question(
        "container-sockets",
        # Who holds the listening sockets of the host's network, and where they listen.
        'for f in tcp tcp6 udp udp6; do echo "== /proc/1/net/$f"; cat /proc/net/$f; done; '
        f'n=; for f in {_CONTAINED}; do n="$n ${{f%/cgroup}}/ns/net"; done; '
        'd=$([ -z "$n" ] || ls -l $n | grep -F "$(readlink /proc/self/ns/net)" | '
        "sed 's|.* \\(/proc/[0-9]*\\)/ns/net .*|\\1/fd|'); "
        # The word of `ls` before its list says that it may look; with two names it writes each.
        '[ -z "$d" ] || ls -l /dev/null $d | '
        "grep -oE '^(/proc/[0-9]+/fd:|total)|socket:.[0-9]+.' | "
        "sed 's|^\\(/proc.*\\):$|== \\1|'; echo end",
        10,
        30,
    ),
)

# The texts of /proc/PID/status and uid_map, None for a process that is gone.
Copy = tuple[str | None, str | None]

# The processes of each container, by its id.
Members = Mapping[str, Mapping[int, Copy]]

_ID = re.compile(r"[0-9a-f]{64}")
_END = "end\n"
_WANTED = re.compile(
    r"^(Name|Uid|Cap(?:Inh|Prm|Eff|Bnd|Amb)|NoNewPrivs|Seccomp):[ \t]*(.*)$", re.MULTILINE
)

# As grep writes what it finds in many files.
_COPIED = re.compile(r"^/proc/([0-9]+/(?:cgroup|status|uid_map)):(.*)$", re.MULTILINE)
_LISTENING = {"tcp": "0A", "udp": "07"}


class Proc(Protocol):
    """A /proc that can be read."""

    def pids(self) -> Iterator[int]:
        """Name every process that can be seen."""

    def read(self, pid: int, name: str) -> str | None:
        """Give /proc/PID/NAME, None where it cannot be read."""

    def sockets(self, pid: int) -> frozenset[int] | None:
        """Give the inodes of a process's sockets, None where they cannot be read."""


def without(snapshot: Snapshot, reason: str) -> Snapshot:
    """Note on every running container why the kernel was not asked."""
    return replace(
        snapshot,
        gaps={**snapshot.gaps, "processes": reason},
        containers=tuple(_gap(container, reason) for container in snapshot.containers),
    )


def scan(proc: Proc) -> Members | str:
    """Read every process that is in a container, or say why there is none to read.

    A process belongs to a container when its cgroup path names it, whatever its parent; so a
    socket that leads to another machine's engine can never be taken for this machine's.
    """
    members: dict[str, dict[int, Copy]] = {}
    try:
        for pid in proc.pids():
            containers = set(_ID.findall(proc.read(pid, "cgroup") or ""))
            if containers:
                copy = (proc.read(pid, "status"), proc.read(pid, "uid_map"))
            for container in containers:
                members.setdefault(container, {})[pid] = copy
    except OSError as error:
        return f"/proc cannot be read: {error.strerror}"
    return members


def collect(proc: Proc, snapshot: Snapshot, members: Members | str | None = None) -> Snapshot:
    """Add the processes of every running container, and the sockets of host-network ones.

    `members` is a scan that was made beside; it is made anew where it does not know a container.
    """
    if members is None or not (isinstance(members, str) or _whole(members, snapshot)):
        members = scan(proc)
    if isinstance(members, str):
        return without(snapshot, members)
    found = tuple(_with_processes(proc, c, members.get(c.id, {})) for c in snapshot.containers)
    return replace(snapshot, containers=found)


def _whole(members: Members, snapshot: Snapshot) -> bool:
    return all(c.pid in members.get(c.id, {}) for c in snapshot.containers if c.running)


def _gap(container: Container, reason: str) -> Container:
    return replace(container, processes_gap=reason) if container.running else container


def _with_processes(proc: Proc, container: Container, copies: Mapping[int, Copy]) -> Container:
    if not container.running:
        return container
    if container.pid not in copies:
        return _gap(
            container,
            f"process {container.pid} of this machine is not in this container: /proc hides it, "
            "or the socket leads to another machine",
        )
    processes = []
    for pid, (status, uid_map) in copies.items():
        if status is None and pid != container.pid:
            continue
        process = parse_status(pid, status or "", uid_map or "")
        if process is None:
            return _gap(container, f"/proc/{pid}/status cannot be read")
        processes.append(process)
    found = replace(container, processes=tuple(processes))
    return replace(found, listeners=_listeners(proc, found)) if _on_host(container) else found


def _on_host(container: Container) -> bool:
    return container.network_mode == "host"


def parse_status(pid: int, status: str, uid_map: str) -> Process | None:
    """Read proc_pid_status(5); None where a needed line is missing."""
    fields = dict(_WANTED.findall(status))
    try:
        uids = tuple(_number(word) for word in fields["Uid"].split())
        masks = {
            name: _mask(fields[key])
            for name, key in (
                ("effective", "CapEff"),
                ("permitted", "CapPrm"),
                ("bounding", "CapBnd"),
                ("inheritable", "CapInh"),
            )
        }
        ranges = parse_uid_map(uid_map)
        return Process(
            pid=pid,
            name=fields.get("Name", ""),
            uids=tuple(_inside(uid, ranges) for uid in uids),
            ambient=_mask(fields.get("CapAmb", "0")),
            no_new_privileges=fields["NoNewPrivs"].strip() == "1",
            seccomp=_number(fields["Seccomp"]),
            remapped=any(inside != outside for inside, outside, _ in ranges),
            **masks,
        )
    except (KeyError, ValueError):
        return None


def parse_uid_map(text: str) -> tuple[tuple[int, int, int], ...]:
    """Read user_namespaces(7)'s uid_map: (first inside, first outside, count) a line."""
    rows = re.findall(r"^ *(\d{1,10}) +(\d{1,10}) +(\d{1,10})$", text, re.MULTILINE | re.ASCII)
    return tuple((int(inside), int(outside), int(count)) for inside, outside, count in rows)


def _number(word: str) -> int:
    """Read one of the kernel's 32-bit numbers."""
    if not re.fullmatch(r"\s*[0-9]{1,10}\s*", word):
        raise ValueError(word)
    return int(word)


def _mask(word: str) -> int:
    """Read a set of capabilities; the bits that no kernel names yet are kept, but for the sign."""
    if not re.fullmatch(r"\s*[0-9a-f]{1,16}\s*", word):
        raise ValueError(word)
    return int(word, 16) & (2**63 - 1)


def _inside(uid: int, ranges: tuple[tuple[int, int, int], ...]) -> int:
    """Translate a uid as this machine counts it into the container's own count."""
    for inside, outside, count in ranges:
        if outside <= uid < outside + count:
            return inside + uid - outside
    return uid


def _listeners(proc: Proc, container: Container) -> tuple[Listener, ...] | None:
    """Find the sockets on which the container's processes listen; None without the right to."""
    owned: set[int] = set()
    for process in container.processes or ():
        sockets = proc.sockets(process.pid)
        if sockets is None:
            return None
        owned |= sockets
    found: set[Listener] = set()
    for name in ("tcp", "tcp6", "udp", "udp6"):
        text = proc.read(container.pid, f"net/{name}") or ""
        found.update(listener for inode, listener in parse_net(text, name[:3]) if inode in owned)
    return tuple(sorted(found))


def parse_net(text: str, protocol: str) -> Iterator[tuple[int, Listener]]:
    """Read proc_net_tcp(5) or udp: the inode and address of every socket that waits for peers."""
    for line in text.splitlines()[1:]:
        fields = line.split()
        try:
            local, state, inode = fields[1], fields[3], int(fields[9])
            address, _, port = local.partition(":")
            number = int(port, 16)
        except (IndexError, ValueError):
            continue
        decoded = _address(address)
        if state == _LISTENING[protocol] and decoded:
            yield inode, Listener(decoded, number, protocol)


def _address(digits: str) -> str:
    """Decode an address of /proc/net: 32-bit words in the byte order of a little-endian host.

    An IPv4 address in IPv6 clothes, such as ::ffff:0.0.0.0, is the IPv4 address.
    """
    try:
        words = struct.unpack(f">{len(digits) // 8}I", bytes.fromhex(digits))
        packed = struct.pack(f"<{len(words)}I", *words)
        found = ipaddress.ip_address(packed)
        return str(getattr(found, "ipv4_mapped", None) or found)
    except (struct.error, ValueError):
        return ""


class BundledProc:
    """The /proc of another machine, as its collector copied it."""

    def __init__(self, answers: Mapping[str, Said]) -> None:
        """Take the bundle's answers apart by their file names."""
        contained, sockets = (answers[question.name].text for question in QUESTIONS)
        lines: dict[str, list[str]] = {}
        for name, line in _COPIED.findall(contained):
            lines.setdefault(name, []).append(line)
        self._files = {name: "\n".join(some) for name, some in lines.items()}
        parts = re.split(r"^== /proc/(\S+)\n", sockets.removesuffix(_END), flags=re.MULTILINE)
        self._files.update(zip(parts[1::2], parts[2::2], strict=False))

    def pids(self) -> Iterator[int]:
        """Name the processes that were copied."""
        found = (re.fullmatch(r"([0-9]{1,10})/cgroup", name) for name in self._files)
        return (int(match[1]) for match in found if match)

    def read(self, pid: int, name: str) -> str | None:
        """Give a copied file; the host's sockets are those of every process in its network."""
        return self._files.get(f"1/{name}" if name.startswith("net/") else f"{pid}/{name}") or None

    def sockets(self, pid: int) -> frozenset[int] | None:
        """Give the inodes of a process's sockets; None without the right to look."""
        text = self._files.get(f"{pid}/fd")
        if not text:
            return None
        return frozenset(int(inode) for inode in re.findall(r"socket:\[([0-9]{1,20})\]", text))


def bundled(answers: Mapping[str, Said]) -> BundledProc | str:
    """Give the copied /proc, or say why there is none."""
    for question in QUESTIONS:
        said = answers.get(question.name, Said(problem="the collector's answer ends before it"))
        if said.problem or not said.text.endswith(_END):
            return f"the processes of the host: {said.problem or 'the answer is cut off'}"
    return BundledProc(answers)
