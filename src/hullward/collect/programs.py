"""Which dockerd, containerd and runc run here, and which packages they are of."""

import re
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from hullward.collect import sections
from hullward.collect.bundle import Said
from hullward.collect.collector import Question
from hullward.collect.packages import DPKG_OWNERS
from hullward.model.system import Package, Program

_SCREENS = (
    "Xorg|Xwayland|X|Hyprland|cinnamon|gdm|gdm3|gnome-shell|greetd|kwin_wayland|kwin_x11|labwc|"
    "lightdm|lxqt-session|mate-session|plasmashell|river|sddm|sway|wayfire|weston|xfce4-session|xrdp"
)
# A process in a container is none of the host's; its cgroup path holds the container's id.
# The kernel tells only root where a program is; the first word of its command tells everybody.
_COMMAND = f"""{DPKG_OWNERS}
read -r n </proc/1/comm && echo '== visible'
own=$(readlink /proc/self/ns/mnt)
echo '== processes'
for p in /proc/[0-9]*; do
  read -r n <$p/comm || continue
  case $n in dockerd|containerd|{_SCREENS}) ;; *) continue;; esac
  grep -qE '[0-9a-f]{{64}}' $p/cgroup && continue
  case $n in dockerd|containerd) ;; *) echo "screen|$n"; continue;; esac
  exe=$(readlink $p/ns/mnt $p/exe)
  mnt=${{exe%%
*}}
  case $mnt in mnt:*) exe=${{exe#"$mnt"}} exe=${{exe#?}};; *) mnt=;; esac
  case $mnt in "$own") mnt=same;; ?*) mnt=other;; esac
  read -r parent <$p/stat && parent=${{parent##*) }} parent=${{parent#* }} parent=${{parent%% *}}
  [ -n "$exe" ] || exe=$(tr '\\0' '\\n' <$p/cmdline | head -n 1)
  echo "$n|${{p#/proc/}}|$parent|$mnt|$exe"
  case $exe in /*) paths="$paths ${{exe% (deleted)}}";; esac
done
runc=$(command -v runc) && {{ echo "runc|0|0|same|$runc"; paths="$paths $runc"; }}
if command -v dpkg-query >/dev/null; then
  # Packages of before the merged /usr name their files without it.
  for path in $paths; do wanted="$wanted $path ${{path#/usr}}"; done
  echo '== dpkg-owners'
  said=$([ -z "$wanted" ] || dpkg_owners $wanted)
  echo "$said"
  names=$(echo "$said" | sed -n '/^dpkg-query: /d; s/^\\([a-z0-9][a-z0-9+.-]*\\)[:,].*/\\1/p')
  echo '== dpkg'
  [ -z "$names" ] ||
    dpkg-query -W -f '${{Status}}|${{Package}}|${{Version}}|${{Maintainer}}\\n' $names
fi
for path in $paths; do
  case $seen in *"|$path|"*) continue;; esac
  seen="$seen|$path|"
  echo "== owner $path"
  if command -v rpm >/dev/null; then
    echo rpm
    rpm -qf --qf '%{{NAME}}|%{{EPOCHNUM}}:%{{VERSION}}-%{{RELEASE}}|%{{VENDOR}}\\n' "$path" 2>&1
  fi
  if command -v apk >/dev/null; then echo apk; apk info -W "$path" 2>&1; fi
  if command -v pacman >/dev/null; then echo pacman; pacman -Qo "$path" 2>&1; fi
done
echo '== sources'
cd /etc
cat apt/sources.list apt/sources.list.d/*.list apt/sources.list.d/*.sources \\
  yum.repos.d/*.repo zypp/repos.d/*.repo |
  grep -iE '^ *(deb|uris:|baseurl).*docker' | sed 's,//[^/@]*@,//,g'
echo '== end'
"""
QUESTION = Question("system-programs", _COMMAND, 10)

_UNOWNED = re.compile(
    r"no path found matching|not owned by any package|could not find owner|no package owns",
    re.IGNORECASE,
)
_OWNED = re.compile(r"is owned by (\S+)(?: (\S+))?$", re.MULTILINE)
_APK = re.compile(r"(.+)-(\d[^-]*-r\d+)")
_URL = re.compile(r"https?://[\w.:/~%+@-]+")
_GONE = " (deleted)"


def parse(said: Said) -> tuple[Program, ...] | None:
    """Read the running programs with their packages; None where processes are hidden or unread."""
    parts = sections.split(said.text)
    if "visible" not in parts or "processes" not in parts:
        return None
    installed = _installed(parts.get("dpkg", ""))
    return tuple(_owned(program, parts, installed) for program in _programs(parts["processes"]))


def screens(said: Said) -> tuple[str, ...] | None:
    """Name the programs of a desktop that run; None where processes are hidden or unread."""
    parts = sections.split(said.text)
    if "visible" not in parts or "processes" not in parts:
        return None
    rows = (line.split("|") for line in parts["processes"].splitlines())
    return tuple(sorted({row[1] for row in rows if len(row) == 2 and row[0] == "screen"}))  # noqa: PLR2004


def sources(said: Said) -> tuple[str, ...] | None:
    """Give the configured package sources that name Docker."""
    text = sections.split(said.text).get("sources")
    if text is None:
        return None
    found = (re.sub(r"//[^/@]*@", "//", url) for url in _URL.findall(text))
    return tuple(sorted({url for url in found if "docker" in url}))


def _programs(text: str) -> Iterator[Program]:
    for line in text.splitlines():
        name, *rest = line.split("|", 4)
        if name not in {"dockerd", "containerd", "runc"} or len(rest) != 4:  # noqa: PLR2004
            continue
        pid, parent, mounts, path = rest
        yield Program(
            name=name,
            path=path.removesuffix(_GONE),
            pid=sections.number(pid) or 0,
            parent=sections.number(parent) or 0,
            ours={"same": True, "other": False}.get(mounts),
            replaced=path.endswith(_GONE),
        )


def _owned(program: Program, parts: Mapping[str, str], installed: Mapping[str, Package]) -> Program:
    """Say whose a program is: the first package manager that knows its path decides."""
    others = parts.get(f"owner {program.path}")
    if others is None or not program.path.startswith("/"):
        return program
    dpkg = [
        line
        for line in parts.get("dpkg-owners", "").splitlines()
        if line.split(" ")[-1] in {program.path, program.path.removeprefix("/usr")}
    ]
    names = [re.split("[:,]", line)[0] for line in dpkg if not _UNOWNED.search(line)]
    package = installed.get(names[0]) if names else _package(others)
    unowned = not names and bool(_UNOWNED.search("\n".join((*dpkg, others))))
    return replace(program, package=package, unmanaged=package is None and unowned)


def _package(said: str) -> Package | None:
    manager = ""
    for line in said.splitlines():
        if line in {"rpm", "apk", "pacman"}:
            manager = line
        elif manager == "rpm" and line.count("|") == 2:  # noqa: PLR2004 - name, version, vendor
            name, version, vendor = line.split("|")
            return Package("rpm", name, version.removeprefix("0:"), vendor)
        elif manager in {"apk", "pacman"} and (owned := _OWNED.search(line)):
            return _named(manager, owned[1], owned[2] or "")
    return None


def _named(manager: str, name: str, version: str) -> Package:
    if manager == "apk" and (match := _APK.fullmatch(name)):
        name, version = match[1], match[2]
    return Package(manager, name, version)


def _installed(text: str) -> Mapping[str, Package]:
    """Read dpkg-query's rows; it also prints rows of packages that are not installed."""
    found: dict[str, Package] = {}
    for line in text.splitlines():
        fields = line.split("|", 3)
        if len(fields) == 4 and fields[0].split()[-1:] == ["installed"]:  # noqa: PLR2004
            found[fields[1]] = Package("dpkg", fields[1], fields[2], fields[3])
    return found
