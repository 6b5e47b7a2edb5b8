"""What a root shell is asked about a running or stopped trial, and how its words are read."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from hullward.minimize.probes import Http, Tcp, request
from hullward.model.capabilities import from_mask

_MANY_FILES = 20000
_ANSWER = 65536
# A UDP socket on such a port was bound by the kernel for an answer, and is no service.
_EPHEMERAL = 32768
_LISTEN, _UNCONNECTED = "0A", "07"
# The engine's own resolver in each container of a user's network: 127.0.0.11, any port.
_RESOLVER = "0B00007F:"
_STAT = re.compile(r"([0-9a-f]+) (\d+) (\d+) (\d+) (.*)")
_FOLDER, _CHARACTER = 0o040000, 0o020000


class Process(Struct, frozen=True):
    """One process of a trial: effective ids, name, and the capabilities that it can use."""

    uid: int
    gid: int
    comm: str
    effective: frozenset[str] = frozenset()


class Look(Struct, frozen=True):
    """What runs and listens in a trial, the set that bounds it, and where its files are written."""

    processes: tuple[Process, ...]
    listeners: frozenset[str]
    bounding: frozenset[str]
    upper: str
    lowers: tuple[str, ...] = ()

    @property
    def tree(self) -> frozenset[str]:
        """The processes as an oracle compares them."""
        return frozenset(f"{process.uid} {process.comm}" for process in self.processes)


def look_script(container: str, pid: int) -> str:
    """Ask for processes, sockets, the bounding set and the upper folder of the root's overlay."""
    return f"""
echo '== processes'
cat $(grep -ls {shlex.quote(container)} /proc/[0-9]*/cgroup 2>/dev/null |
  sed 's/cgroup$/status/') 2>/dev/null </dev/null |
  awk '/^Name:/{{n=substr($0,7)}} /^Uid:/{{u=$3}} /^Gid:/{{g=$3}} /^CapEff:/{{print u,g,$2,n}}'
for f in tcp tcp6 udp udp6; do
  echo "== $f"; awk 'NR>1{{print $2,$4}}' /proc/{pid}/net/$f 2>/dev/null
done
echo '== bounding'; sed -n 's/^CapBnd:[[:space:]]*//p' /proc/{pid}/status
for what in upper lower; do
  echo "== $what"
  sed -n "s/^[0-9]* [0-9]* [0-9:]* [^ ]* \\/ .* - overlay .*${{what}}dir=\\([^,]*\\).*/\\1/p" \
    /proc/{pid}/mountinfo
done
true
"""


def look(text: str) -> Look:
    """Read the answer; lines of an unknown form are skipped."""
    parts = _sections(text)
    processes = _ordered(filter(None, map(_process, parts.get("processes", ()))))
    listeners = {
        f"{name.rstrip('6')} {_place(address)}"
        for name in ("tcp", "tcp6", "udp", "udp6")
        for address in _listening(name, parts.get(name, ()))
    }
    bounding = next(iter(parts.get("bounding", ())), "0").strip()
    return Look(
        processes,
        frozenset(listeners),
        from_mask(int(bounding, 16)) if re.fullmatch("[0-9a-f]{1,16}", bounding) else frozenset(),
        next(iter(parts.get("upper", ())), ""),
        tuple(filter(None, next(iter(parts.get("lower", ())), "").split(":"))),
    )


def originals_script(lowers: Iterable[str], folders: Iterable[str]) -> str:
    """Ask how folders are in the image, whose layers are `lowers`, the topmost first."""
    layers = " ".join(map(shlex.quote, lowers))
    return (
        "\n".join(
            f"""
n=0; top=
for l in {layers}; do
  d=$l{shlex.quote(folder)}; [ -d "$d" ] || continue
  [ -n "$top" ] || top=$(stat -c '%a %u %g' "$d"); n=$((n + $(ls -A "$d" | wc -l)))
done
[ -z "$top" ] || printf '%s %s %s\\n' "$top" $n {shlex.quote(folder)}"""
            for folder in folders
        )
        + "\ntrue"
    )


def together(looks: Sequence[Look]) -> Look:
    """Join several looks at one trial: whatever was in any of them."""
    return Look(
        _ordered({process for look in looks for process in look.processes}),
        frozenset().union(*(look.listeners for look in looks)),
        looks[-1].bounding,
        looks[-1].upper,
        looks[-1].lowers,
    )


def _ordered(processes: Iterable[Process]) -> tuple[Process, ...]:
    return tuple(sorted(processes, key=lambda one: (one.uid, one.gid, one.comm)))


def _sections(text: str) -> Mapping[str, list[str]]:
    parts: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("== "):
            lines = parts.setdefault(line[3:], [])
        elif line:
            lines.append(line)
    return parts


def _process(line: str) -> Process | None:
    uid, gid, effective, comm = (line.split(" ", 3) + [""] * 4)[:4]
    if not (uid.isdecimal() and gid.isdecimal() and re.fullmatch("[0-9a-f]{1,16}", effective)):
        return None
    return Process(int(uid), int(gid), comm, from_mask(int(effective, 16)))


def _listening(name: str, lines: Iterable[str]) -> Iterator[str]:
    wanted = _LISTEN if name.startswith("tcp") else _UNCONNECTED
    for line in lines:
        address, _, state = line.partition(" ")
        if state == wanted and re.fullmatch("[0-9A-F]{8}(?:[0-9A-F]{24})?:[0-9A-F]{4}", address):
            port = int(address.rpartition(":")[2], 16)
            resolver = address.startswith(_RESOLVER)
            if not resolver and (wanted == _LISTEN or port < _EPHEMERAL):
                yield address


def _place(address: str) -> str:
    """Write an address of /proc/net: "*" for every one, 127.0.0.1 for itself, else in its hex."""
    host, _, port = address.rpartition(":")
    if not host.strip("0"):
        shown = "*"
    elif host in {"0100007F", "00000000000000000000000001000000"}:
        shown = "127.0.0.1"
    else:
        shown = "its address" if len(host) == 8 else "its address v6"  # noqa: PLR2004 - IPv4 in hex
    return f"{shown}:{int(port, 16)}"


def probe_script(probe: Http | Tcp, pid: int, address: str, name: str) -> str:
    """Send a probe from the trial's network to its own address; the answer is the output."""
    data = "".join(f"\\{byte:03o}" for byte in request(probe, name))
    reading = isinstance(probe, Http) or probe.expected
    seconds = 5 if isinstance(probe, Http) else 1
    talk = f'printf "{data}" >&3; timeout {seconds} head -c {_ANSWER} <&3' if reading else ":"
    bash = f'exec 3<>"/dev/tcp/{address}/{probe.port}" || exit 7; {talk}'
    netcat = (
        f'printf "{data}" | timeout {seconds} nc {address} {probe.port}'
        if reading
        else f"nc -z -w 3 {address} {probe.port} || exit 7"
    )
    return f"""
if command -v bash >/dev/null; then set -- bash -c {shlex.quote(bash)}
else set -- sh -c {shlex.quote(netcat)}; fi
timeout 8 nsenter -t {pid} -n -- "$@" 2>/dev/null
"""


def manifest_script(roots: Mapping[str, str]) -> str:
    """List what was written below folders of the engine's machine, each known by its place."""
    parts = []
    for place, root in roots.items():
        parts.append(
            f"echo {shlex.quote('== ' + place)}; cd {shlex.quote(root)} 2>/dev/null && "
            f"find . -xdev -exec stat -c '%f %u %g %s %n' {{}} + 2>/dev/null | "
            f"head -n {_MANY_FILES}"
        )
    return "\n".join([*parts, "true"])


class Files(Struct, frozen=True):
    """What a trial wrote: of each path mode and owner, and of files the size."""

    modes: Mapping[str, str]
    sizes: Mapping[str, str]


def manifest(text: str) -> Files:
    """Read the list; folders have no size worth to compare."""
    modes: dict[str, str] = {}
    sizes: dict[str, str] = {}
    for place, lines in _sections(text).items():
        for line in lines:
            match = _STAT.fullmatch(line)
            if not match:
                continue
            mode = int(match[1], 16)
            path = f"{place.rstrip('/')}{match[5].removeprefix('.')}" or "/"
            modes[path] = f"{mode:06o} {match[2]}:{match[3]}"
            if mode & 0o170000 not in {_FOLDER, _CHARACTER}:
                sizes[path] = match[4]
    return Files(modes, sizes)
