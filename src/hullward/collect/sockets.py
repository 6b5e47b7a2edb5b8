"""What listens on the host, and which program that is."""

import re
from collections.abc import Iterator, Mapping

from hullward.collect.bundle import Said
from hullward.collect.collector import Question
from hullward.collect.packages import DPKG_OWNERS
from hullward.collect.processes import parse_net
from hullward.model.sockets import Socket, Sockets

QUESTION = Question(
    "sockets",
    # Without ss: the kernel's tables, and who holds which socket. Then of each process that
    # listens its control group, its program, and the package of that.
    DPKG_OWNERS
    + r"""
if command -v ss >/dev/null; then
  said=$(ss -H -lntupe); s=$?
  echo '== ss'; printf '%s\n' "$said"; echo '== status'; echo $s
  pids=$(printf '%s\n' "$said" | grep -o 'pid=[0-9]*' | sort -u | head -n 500)
else
  for f in tcp tcp6 udp udp6; do echo "== $f"; cat /proc/net/$f; done
  said=$(ls -l /proc/[0-9]*/fd | grep -E '^/proc|socket:')
  echo '== fd'; printf '%s\n' "$said"; echo '== listed'
  pids=$(printf '%s\n' "$said" | sed -n 's/:$//; /^.proc/h; /socket:/{x; s/.proc.\([0-9]*\).fd/\1/p
    x;}' | sort -u | head -n 500)
fi
links=
for p in $pids; do
  p=${p#pid=}
  echo "== $p"
  while read -r line; do printf '%s\n' "$line"; done </proc/$p/cgroup
  links="$links /proc/$p/exe"
done
echo '== exe'
[ -z "$links" ] || {
  programs=$(ls -l $links | sed -n 's/.* .proc.\([0-9]*\).exe -> /\1 /p')
  printf '%s\n' "$programs"
  paths=$(printf '%s\n' "$programs" | sed -n 's/ (deleted)$//; s,^[0-9]* /,/,p' | sort -u |
    head -n 60)
}
echo '== packages'
if [ -z "$paths" ]; then :
elif command -v dpkg-query >/dev/null; then
  # Packages older than the merge of /bin and /usr/bin name the short path.
  dpkg_owners $paths $(printf '%s\n' "$paths" | sed -n 's,^/usr/,/,p')
elif command -v rpm >/dev/null; then
  for f in $paths; do echo "$(rpm -qf --qf '%{NAME}' $f || echo -): $f"; done
elif command -v apk >/dev/null; then
  for f in $paths; do echo "$(apk info -q -W $f): $f"; done
fi
echo '== end'
""",
    15,
)
QUESTIONS: tuple[Question, ...] = (QUESTION,)

_SILENT = Said(problem="the collector's answer ends before it")
_CONTAINER = re.compile(r"[0-9a-f]{64}")
_UNIT = re.compile(r"/([^/\s]+\.(?:service|socket|scope))(?=/|$)", re.MULTILINE)
_FIELDS = 5


def parse(answers: Mapping[str, Said]) -> Sockets | str:
    """Read the answers; a string says why nothing is known."""
    said = answers.get("sockets", _SILENT)
    parts = _sections(said.text)
    gaps: dict[str, str] = {}
    if parts.get("status", "").strip() == "0":
        found = list(_from_ss(parts["ss"]))
    elif "listed" in parts:
        found = list(_from_proc(parts))
    else:
        return f"the listening sockets: {said.problem or 'the answer is not whole'}"
    programs, packages = _programs(parts), _packages(parts)
    found = [_described(socket, parts, programs, packages) for socket in found]
    if any(not socket.program for socket in found):
        gaps["programs"] = "who holds a socket of another user is shown to root only"
    if "end" not in parts:
        gaps["packages"] = "the programs were not looked at, or not all of them"
    return Sockets(tuple(sorted(set(found))), gaps)


def _sections(text: str) -> Mapping[str, str]:
    parts = re.split(r"^== (\S+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=False))


def _from_ss(text: str) -> Iterator[Socket]:
    """Read ss(8): `*` is a socket of IPv6 that takes IPv4 as well."""
    for line in text.splitlines():
        words = line.split(maxsplit=6)
        if len(words) < _FIELDS or words[0] not in {"tcp", "udp"}:
            continue
        where, _, port = words[4].rpartition(":")
        if not port.isdecimal() or len(port) > _FIELDS:
            continue
        address, _, interface = where.partition("%")
        plain = address.strip("[]")
        rest = words[6] if len(words) > 6 else ""  # noqa: PLR2004 - after the peer's address
        holder = re.search(r'users:\(\("((?:[^"\\]|\\.)*)",pid=(\d{1,9})', rest)
        yield Socket(
            protocol=words[0],
            address="::" if plain == "*" else plain,
            port=int(port),
            program=holder[1] if holder else "",
            pid=int(holder[2]) if holder else 0,
            interface=interface.strip("[]"),
            dual=plain == "*" if plain in {"*", "::"} else None,
        )


def _from_proc(parts: Mapping[str, str]) -> Iterator[Socket]:
    holders: dict[int, int] = {}
    pid = 0
    for line in parts.get("fd", "").splitlines():
        if match := re.match(r"/proc/(\d{1,9})/fd:", line):
            pid = int(match[1])
        elif match := re.search(r"socket:\[(\d{1,19})\]", line):
            holders.setdefault(int(match[1]), pid)
    for name in ("tcp", "tcp6", "udp", "udp6"):
        for inode, listener in parse_net(parts.get(name, ""), name[:3]):
            holder = holders.get(inode, 0)
            yield Socket(listener.protocol, listener.address, listener.port, pid=holder)


def _programs(parts: Mapping[str, str]) -> Mapping[int, str]:
    rows = re.findall(r"^(\d{1,9}) (.+)$", parts.get("exe", ""), re.MULTILINE)
    return {int(pid): path.removesuffix(" (deleted)") for pid, path in rows}


def _packages(parts: Mapping[str, str]) -> Mapping[str, str]:
    rows = re.findall(r"^([\w.+:-]+)(?:, [^:]*)?: (/\S+)$", parts.get("packages", ""), re.MULTILINE)
    named = {path: name.partition(":")[0] for name, path in rows if name != "-"}
    return {**{f"/usr{path}": name for path, name in named.items()}, **named}


def _described(
    socket: Socket,
    about: Mapping[str, str],
    programs: Mapping[int, str],
    packages: Mapping[str, str],
) -> Socket:
    if not socket.pid:
        return socket
    cgroup = about.get(str(socket.pid), "")
    path = programs.get(socket.pid, "")
    container = _CONTAINER.search(cgroup)
    units = _UNIT.findall(cgroup)
    return Socket(
        socket.protocol,
        socket.address,
        socket.port,
        program=socket.program or path.rpartition("/")[2],
        pid=socket.pid,
        unit=units[-1] if units and not container else "",
        package="" if container else packages.get(path, ""),
        container=container[0] if container else "",
        interface=socket.interface,
        dual=socket.dual,
    )
