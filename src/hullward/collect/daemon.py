"""How the daemon was started and configured."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile

from msgspec.structs import replace

from hullward.collect import daemon_settings
from hullward.collect.bundle import Said
from hullward.collect.collector import Question
from hullward.model.daemon import Daemon, Unit

# Names /proc/PID of each dockerd that sees the same files as this login; where there is none, or
# without the right to look at mount namespaces, of each one.
DOCKERDS = """\
dockerds() {
  here=$(readlink /proc/self/ns/mnt) ours= others=
  for c in $(grep -lxs dockerd /proc/[0-9]*/comm); do
    p=${c%/comm}; n=$(readlink "$p/ns/mnt")
    case $n in
      "$here") ours="$ours$p same
" ;;
      '') others="$others$p hidden
" ;;
      *) others="$others$p other
" ;;
    esac
  done
  printf %s "${ours:-$others}"
}
"""

# What may hold a secret is masked here already: values of options, and what stands before an @.
_ARGUMENTS = """\
arguments() {
  tr '\\000\\n' '\\n ' | sed -E -e 's#//[^[:space:]]*@#//***@#g' \\
    -e '/^(--log-opt=)?(max-size|max-file|mode|compress)=/b' \\
    -e 's/^(--(log-opt|label|storage-opt|default-ulimit|exec-opt)=[^=]*|[^-=][^=]*)=.*/\\1=***/'
}
"""

QUESTIONS: tuple[Question, ...] = (
    Question(
        "dockerd",
        f"""{DOCKERDS}{_ARGUMENTS}{daemon_settings.MASK}
settings() {{ # ROOT FILE
  if [ -e "$1$2" ]; then
    echo "-- file $(stat -L -c %Y "$1$2") $2"
    if [ -r "$1$2" ]; then echo '-- text'; masked <"$1$2"; echo; else echo '-- denied'; fi
  else
    d=${{2%/*}}; while [ -n "$d" ] && [ ! -e "$1$d" ]; do d=${{d%/*}}; done
    echo "-- file 0 $2"; if [ -x "$1$d/" ]; then echo '-- absent'; else echo '-- denied'; fi
  fi
}}
echo "clock $(sed -n 's/^btime //p' /proc/stat) $(getconf CLK_TCK || echo 100)"
found=$(dockerds)
[ -z "$found" ] || echo "$found" | while read -r p seen; do
  uid=$(stat -c %u "$p"); root=; [ "$seen" != other ] || root=$p/root
  echo "== ${{p#/proc/}} $seen $uid"
  sed 's/.*)/stat/' "$p/stat"
  echo '-- arguments'; arguments <"$p/cmdline"
  words=$(tr '\\000\\n' '\\n ' <"$p/cmdline")
  file=$(echo "$words" | sed -n -e 's/^--config-file=//p' -e '/^--config-file$/{{n;p;}}')
  if [ -z "$file" ] && [ "$uid" != 0 ]; then
    file=$(sed -n "s#^[^:]*:[^:]*:$uid:[^:]*:[^:]*:\\([^:]*\\):.*#\\1#p" /etc/passwd | head -n 1)
    file=${{file:-/nonexistent}}/.config/docker/daemon.json
  fi
  file=${{file:-/etc/docker/daemon.json}}
  data=$(echo "$words" | sed -n -e 's/^--data-root=//p' -e '/^--data-root$/{{n;p;}}')
  [ -n "$data" ] || data=$(sed -n 's#.*"data-root"[ ]*:[ ]*"\\(/[^"]*\\)".*#\\1#p' "$root$file")
  [ -n "$data" ] || [ "$uid" != 0 ] || data=/var/lib/docker
  [ "$seen" = other ] || [ -z "$data" ] || echo "-- root $(readlink -f "$data")"
  settings "$root" "$file"
done
[ -n "$found" ] || {{ echo '== 0 none 0'; settings '' /etc/docker/daemon.json; }}
echo end""",
        10,
    ),
    Question(
        "docker-units",
        """\
systemctl show docker.service docker.socket containerd.service -p Id -p LoadState \\
  -p FragmentPath -p DropInPaths -p ActiveState -p UnitFileState -p Listen -p EnvironmentFiles
echo "status $?"
for f in /etc/default/docker /etc/sysconfig/docker; do
  [ ! -e "$f" ] || [ -r "$f" ] || echo denied
  [ ! -r "$f" ] ||
    sed -nE "s/^[[:space:]]*(export +)?([A-Z_]+)=[\\"']?[^\\"'[:space:]].*/option \\2/p" $f
done
echo end""",
    ),
)

_FLAG_OF_LETTER = {
    "D": "debug",
    "H": "host",
    "l": "log-level",
    "b": "bridge",
    "g": "data-root",
    "G": "group",
    "p": "pidfile",
    "s": "storage-driver",
}
_OPTION = re.compile(r"option [A-Z_]{1,40}")
# Flags that take a value also without "=": all of dockerd but these.
_BARE = frozenset(
    {
        "allow-direct-routing", "debug", "experimental", "help", "icc", "init", "ip-forward",
        "ip-forward-no-drop", "ip-masq", "ip6tables", "iptables", "ipv6", "live-restore",
        "no-new-privileges", "raw-logs", "rootless", "selinux-enabled", "tls", "tlsverify",
        "userland-proxy", "validate", "version",
    }
)  # fmt: skip


def parse(answers: Mapping[str, Said]) -> Daemon | str:
    """Read the answers; a string says why nothing is known."""
    said = answers.get("dockerd", Said(problem="the collector's answer ends before it"))
    text = said.text.replace("\r", "")
    if said.problem or not text.endswith("\nend\n"):
        return f"the dockerd of the host: {said.problem or 'the answer is cut off'}"
    boot, ticks = _clock(text)
    found = [
        _process(part, boot, ticks) for part in re.split(r"^== ", text, flags=re.MULTILINE)[1:]
    ]
    gaps: dict[str, str] = {}
    units, options = _units(answers, gaps)
    daemon, problem = _chosen([entry for entry in found if entry])
    if problem:
        gaps["flags"] = problem
    if daemon.settings is None and "settings" not in daemon.gaps:
        gaps.setdefault("settings", problem or "the settings file was not read")
    return replace(daemon, options=options, units=units, gaps={**daemon.gaps, **gaps})


def _chosen(found: Iterable[tuple[str, Daemon]]) -> tuple[Daemon, str]:
    """Pick the daemon of this host: of those that see its files, else the only one there is."""
    entries = list(found)
    none = next((daemon for seen, daemon in entries if seen == "none"), Daemon())
    running = [(seen, daemon) for seen, daemon in entries if seen != "none"]
    for group in ([d for seen, d in running if seen == "same"], [d for _, d in running]):
        if len(group) == 1:
            return group[0], ""
        if group:
            pids = ", ".join(str(daemon.pid) for daemon in group)
            return Daemon(), f"several dockerd run, and it is not known which one: {pids}"
    return none, "no dockerd was seen on the host"


def _clock(text: str) -> tuple[int, int]:
    match = re.match(r"clock (\d{1,12}) (\d{1,6})$", text, re.MULTILINE)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _process(part: str, boot: int, ticks: int) -> tuple[str, Daemon] | None:
    """Read one dockerd: its head, its arguments, and its settings file."""
    head = re.match(r"(\d{1,9}) (same|other|hidden|none) (\d{1,9})$", part, re.MULTILINE)
    file = re.search(r"^-- file (\d{1,12}) (/.*)$", part, re.MULTILINE)
    if head is None:
        return None
    gaps: dict[str, str] = {}
    settings, broken = None, ""
    if file is None:
        gaps["settings"] = "the settings file was not looked at"
    else:
        rest = part[file.end() :]
        settings, broken = daemon_settings.read(rest, file[2], gaps)
    words = list(takewhile(lambda line: not line.startswith("-- "), _after(part, "arguments")))
    flags = None
    if any(words):
        flags = arguments(words[1:])
    elif head[2] != "none":
        gaps["flags"] = "the arguments of dockerd could not be read"
    root = re.search(r"^-- root (/.*)$", part, re.MULTILINE)
    return head[2], Daemon(
        int(head[1]),
        int(head[3]),
        root[1] if root else "",
        flags,
        _started(part, boot, ticks),
        file[2] if file else "",
        settings,
        int(file[1]) if file else 0,
        broken,
        gaps=gaps,
    )


def _after(part: str, title: str) -> list[str]:
    return part.partition(f"\n-- {title}\n")[2].splitlines()


def _started(part: str, boot: int, ticks: int) -> int:
    """Compute when a process started, by field 22 of proc_pid_stat(5)."""
    fields = re.search(r"^stat \S (.*)$", part, re.MULTILINE)
    after = fields[1].split() if fields else []
    if len(after) < 19 or not after[18].isdecimal() or not boot or not ticks:  # noqa: PLR2004
        return 0
    return boot + int(after[18][:15]) // ticks


def arguments(words: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Read dockerd's arguments as pflag does: --name=value, --name value, -Hvalue, -H value."""
    found: dict[str, tuple[str, ...]] = {}
    rest = iter(words)
    for word in rest:
        name, value = _flag(word)
        if not name:
            continue
        if value is None:
            value = "true" if name in _BARE else next(rest, "")
        found[name] = (*found.get(name, ()), daemon_settings.shown(name, value))
    return found


def _flag(word: str) -> tuple[str, str | None]:
    long = re.fullmatch(r"--([a-z0-9-]+)(?:=(.*))?", word, re.DOTALL)
    if long:
        return long[1], long[2]
    short = re.fullmatch(r"-([A-Za-z])=?(.*)", word, re.DOTALL)
    if short and short[1] in _FLAG_OF_LETTER:
        return _FLAG_OF_LETTER[short[1]], short[2] or None
    return "", None


def _units(
    answers: Mapping[str, Said], gaps: dict[str, str]
) -> tuple[tuple[Unit, ...] | None, tuple[str, ...] | None]:
    said = answers.get("docker-units", Said(problem="the collector's answer ends before it"))
    lines = said.text.replace("\r", "").splitlines()
    if said.problem or lines[-1:] != ["end"]:
        gaps["units"] = f"the units of systemd: {said.problem or 'the answer is cut off'}"
        gaps["options"] = gaps["units"]
        return None, None
    options = None if "denied" in lines else tuple(x[7:] for x in lines if _OPTION.fullmatch(x))
    if options is None:
        gaps["options"] = "/etc/default/docker may not be read by this login"
    if "status 0" not in lines:
        gaps["units"] = "systemctl could not be asked; the host may have no systemd"
        return None, options
    return tuple(_parse_units(lines)), options


def _parse_units(lines: Iterable[str]) -> Iterator[Unit]:
    """Read the blocks of `systemctl show`; a unit that is not installed is none."""
    values: dict[str, str] = {}
    listens: list[str] = []
    reads: list[str] = []
    for line in lines:
        key, _, value = line.partition("=")
        if key == "Listen":
            listens.append(value.rpartition(" (")[0] or value)
        elif key == "EnvironmentFiles":
            reads.append(value.rpartition(" (")[0] or value)
        elif "=" in line:
            values[key] = value
        elif values:
            if values.get("LoadState") not in {None, "not-found"}:
                yield Unit(
                    values.get("Id", ""),
                    values.get("FragmentPath", ""),
                    tuple(values.get("DropInPaths", "").split()),
                    values.get("ActiveState", ""),
                    values.get("UnitFileState", ""),
                    tuple(listens),
                    tuple(reads),
                )
            values, listens, reads = {}, [], []
