"""Owners and modes of the files that the engine trusts."""

import re
from collections.abc import Iterable, Mapping
from stat import S_ISBLK, S_ISCHR, S_ISDIR, S_ISFIFO, S_ISREG, S_ISSOCK

from hullward.collect.bundle import Said
from hullward.collect.collector import Question
from hullward.collect.daemon import DOCKERDS
from hullward.model.files import File, Files

PROGRAMS = (
    "dockerd", "docker", "docker-proxy", "docker-init", "containerd", "containerd-shim",
    "containerd-shim-runc-v1", "containerd-shim-runc-v2", "runc",
)  # fmt: skip

QUESTIONS: tuple[Question, ...] = (
    Question(
        "files",
        f"""{DOCKERDS}
look() {{
  for f do
    shift
    case $f in /*) ;; *) continue ;; esac
    if [ -e "$f" ]; then set -- "$@" "$f"; continue; fi
    d=${{f%/*}}; while [ -n "$d" ] && [ ! -e "$d" ]; do d=${{d%/*}}; done
    [ -x "$d/" ] || echo "! $f"
  done
  [ $# = 0 ] || stat -L -c '%f %u %g %U %G %n' -- "$@"
}}
daemons=$(dockerds | while read -r p seen; do [ "$seen" = other ] || echo "$p"; done)
said=$(tr '\\n\\t' '  ' </etc/docker/daemon.json
  for p in $daemons; do tr '\\000\\n' '  ' <"$p/cmdline"; done)
tls=$(echo "$said" | grep -oE '(--|")tls(cacert|cert|key)"?[ =:]+"?/[^" ,]+' |
  sed -E 's#[-"]*(tls[a-z]+)[^/]*#\\1 #')
echo "$tls" | sed -n 's/^tls/tls tls/p'
look $(echo "$tls" | sed 's/^[^ ]* //') \\
  $(echo "$said" | grep -oE 'unix:///[^" ,]+' | sed 's#^unix://##') \\
  /run/docker.sock /run/user/*/docker.sock \\
  /run/containerd /run/containerd/containerd.sock /run/docker/containerd/containerd.sock \\
  /etc/docker /etc/docker/daemon.json /etc/default/docker /etc/sysconfig/docker \\
  /etc/containerd /etc/containerd/config.toml /var/lib/containerd \\
  $(timeout 3 systemctl show docker.service docker.socket containerd.service \\
    -p FragmentPath -p DropInPaths | sed -n 's/^[^=]*=//p') \\
  /etc/init.d/docker /etc/conf.d/docker \\
  /etc/systemd/system/docker.service /etc/systemd/system/docker.socket \\
  /usr/lib/systemd/system/docker.service /usr/lib/systemd/system/docker.socket \\
  /lib/systemd/system/docker.service /lib/systemd/system/docker.socket \\
  $(for p in {" ".join(PROGRAMS)}; do command -v "$p"; done) \\
  $(for p in $daemons; do readlink "$p/exe"; done) \\
  $(for d in $(echo "$said" | grep -oE '(--|")data-root"?[ =:]+"?/[^" ,]+' | sed 's#[^/]*##') \
    /var/lib/docker; do echo "$d" "$d"/[0-9]*.[0-9]*; done)
# Names of registries' folders may hold anything, so they come last.
look /etc/docker/certs.d/*/*
echo end""",
        8,
    ),
    Question(
        "audit-rules",
        # Only the paths that are watched; other rules may tell what the owner looks for.
        """\
if command -v auditctl >/dev/null; then
  rules=$(auditctl -l); echo "status $?"
  echo "$rules" | grep -v -e 'never' | grep -oE -e '-w +[^ ]+' -e '-F +(path|dir)=[^ ]+'
else
  echo absent
fi
echo end""",
    ),
)

_LINE = re.compile(r"([0-9a-f]{1,8}) (\d{1,10}) (\d{1,10}) (\S+) (\S+) (/.*)")
_KINDS = (
    (S_ISREG, "file"),
    (S_ISDIR, "directory"),
    (S_ISSOCK, "socket"),
    (S_ISCHR, "device"),
    (S_ISBLK, "device"),
    (S_ISFIFO, "pipe"),
)


def parse(answers: Mapping[str, Said]) -> Files | str:
    """Read the answers; a string says why nothing is known."""
    said = answers.get("files", Said(problem="the collector's answer ends before it"))
    lines = said.text.splitlines()
    if said.problem or not said.text.endswith("\nend\n"):
        return f"the files of the host: {said.problem or 'the answer is cut off'}"
    found: dict[str, File] = {}
    for line in lines:
        file = _file(line)
        if file:
            found.setdefault(file.path, file)
    gaps: dict[str, str] = {}
    return Files(
        found,
        tuple(dict.fromkeys(line[2:] for line in lines if line.startswith("! /"))),
        {words[1]: words[2] for words in map(_tls, lines) if words},
        _watches(answers, gaps),
        gaps,
    )


def _file(line: str) -> File | None:
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    raw = int(match[1], 16)
    kind = next((word for test, word in _KINDS if test(raw)), "other")
    return File(match[6], raw & 0o7777, int(match[2]), int(match[3]), match[4], match[5], kind)


def _tls(line: str) -> re.Match[str] | None:
    return re.fullmatch(r"tls (tlscacert|tlscert|tlskey) (/.*)", line)


def _watches(answers: Mapping[str, Said], gaps: dict[str, str]) -> tuple[str, ...] | None:
    """Give the paths that audit rules watch; none where there is no audit program at all."""
    said = answers.get("audit-rules", Said(problem="the collector's answer ends before it"))
    lines = said.text.splitlines()
    if said.problem or lines[-1:] != ["end"]:
        gaps["watches"] = f"the audit rules: {said.problem or 'the answer is cut off'}"
        return None
    if "absent" in lines:
        return ()
    if lines[0] != "status 0":
        gaps["watches"] = "auditctl gives no rules: it needs root, and a kernel of one's own"
        return None
    return _paths(lines)


def _paths(lines: Iterable[str]) -> tuple[str, ...]:
    matches = (re.fullmatch(r"(?:-w +|-F +(?:path|dir)=)(/.*)", line) for line in lines)
    return tuple(dict.fromkeys(match[1].rstrip("/") or "/" for match in matches if match))
