"""The machine: size, kernel, distribution, and what else it is used for."""

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from hullward.collect import programs, sections
from hullward.collect.bundle import Said
from hullward.collect.collector import Question
from hullward.model.system import Distribution, Filesystem, System

_MACHINE = """
echo '== os-release'
cat /etc/os-release || cat /usr/lib/os-release
echo '== size'
uname -m
nproc
grep -E '^(MemTotal|MemAvailable|SwapTotal):' /proc/meminfo
read -r _ _ load _ </proc/loadavg && echo "load $load"
echo '== virtual'
command -v systemd-detect-virt >/dev/null && echo "detected $(timeout 2 systemd-detect-virt)"
grep -m1 '^flags' /proc/cpuinfo
for n in sys_vendor product_name; do read -r v </sys/class/dmi/id/$n && echo "$n $v"; done
[ -d /sys/module ] && echo modules
for m in kvm_intel kvm_amd kvm; do
  read -r v </sys/module/$m/parameters/nested && echo "nested $m $v"
done
[ -e /dev/kvm ] && echo kvm
echo '== end'
"""
# Only file systems of disks: that of a network may hang, and its name may hold a password.
_DISKS = r"""
[ -r /proc/self/mountinfo ] && echo '== mounts'
while read -r id parent dev root point rest; do
  type=${rest#* - }
  type=${type%% *}
  case $type:$point in
    ext?:*|xfs:*|btrfs:*|zfs:*|f2fs:*|jfs:*|bcachefs:*|reiserfs:*|ubifs:*|overlay:/) ;;
    *) continue;;
  esac
  echo "mount $dev $type $root $point"
  case $seen in *"|$dev|"*) continue;; esac
  seen="$seen|$dev|"
  echo "df $dev"
  said=$(df -Pk "$point")
  echo "${said##*
}"
  echo "inodes $dev"
  said=$(df -Pi "$point")
  echo "${said##*
}"
done </proc/self/mountinfo
echo '== end'
"""
# needs-restarting(1) counts an update of one of these as a reason to reboot.
_KERNELS = """
[ -r /boot ] && { echo '== boot'; ls /boot; }
[ -r /lib/modules ] && { echo '== modules'; ls /lib/modules; }
echo '== reboot'
{ [ -e /run/reboot-required ] || [ -e /run/reboot-needed ]; } &&
  { echo required; cat /run/reboot-required.pkgs; }
echo '== start'
grep '^btime' /proc/stat
echo '== rpm'
command -v rpm >/dev/null && rpm -q --qf '%{NAME}|%{INSTALLTIME}\\n' kernel kernel-core \\
  kernel-default kernel-rt linux-firmware systemd dbus dbus-broker dbus-daemon glibc \\
  openssl-libs gnutls udev
echo '== end'
"""
_PEOPLE = """
command -v who >/dev/null && { echo '== who'; who | cut -d' ' -f1; }
echo '== sessions'
ls /usr/share/xsessions /usr/share/wayland-sessions
echo '== manager'
readlink /etc/systemd/system/display-manager.service
echo '== end'
"""
QUESTIONS: tuple[Question, ...] = (
    Question("system-machine", _MACHINE),
    Question("system-disks", _DISKS),
    Question("system-kernels", _KERNELS, 10),
    programs.QUESTION,
    Question("system-people", _PEOPLE),
)

_FLAGS = re.compile(r"^flags\s*:(.*)$", re.MULTILINE)
_FIELD = re.compile(r"^([A-Z_]+)=(.*)$", re.MULTILINE)
_KERNEL = re.compile(r"(?:vmlinuz-|vmlinux-|kernel-)?(\d+\.\d+\S*)")
_DF = re.compile(r"\s(\d{1,18})\s+(\d{1,18})\s+(-?\d{1,18})\s+(\d{1,3}|-)%?\s+/")
_OCTAL = re.compile(r"\\([0-7]{3})")


def parse(answers: Mapping[str, Said]) -> System | str:
    """Read the answers; a string says why nothing is known."""
    said = {q.name: answers.get(q.name, Said()) for q in QUESTIONS}
    if not any(answer.text for answer in said.values()):
        return f"the machine: {sections.problem(answers, 'system-machine')}"
    machine = sections.split(said["system-machine"].text)
    kernels = sections.split(said["system-kernels"].text)
    people = sections.split(said["system-people"].text)
    facts: dict[str, Any] = {
        "distribution": _distribution(machine.get("os-release")),
        "filesystems": _filesystems(sections.split(said["system-disks"].text).get("mounts")),
        "kernels": _kernels(kernels),
        "programs": programs.parse(said["system-programs"]),
        "docker_sources": programs.sources(said["system-programs"]),
        "desktops": programs.screens(said["system-programs"]),
        "desktop_sessions": _lines(people.get("sessions"), ".desktop"),
        "logged_in": _lines(people.get("who"), ""),
        **_size(machine.get("size", "")),
        **_virtual(machine.get("virtual")),
    }
    facts["reboot_required"], updated = _reboot(kernels)
    manager = people.get("manager", "").strip().splitlines()
    return System(
        **facts,
        updated=updated,
        display_manager=manager[0].rpartition("/")[2].removesuffix(".service") if manager else "",
        gaps=dict(_gaps(facts, answers)),
    )


def _gaps(facts: Mapping[str, Any], answers: Mapping[str, Said]) -> Iterator[tuple[str, str]]:
    """Say why each part is missing, by the question that it comes from."""
    parts = (
        ("distribution", "system-machine", "it has no /etc/os-release that can be read"),
        ("guest", "system-machine", "neither systemd-detect-virt nor /proc/cpuinfo tells"),
        ("nested", "system-machine", "/sys/module is not there"),
        ("memory", "system-machine", "/proc/meminfo cannot be read"),
        ("cores", "system-machine", "nproc is not there"),
        ("filesystems", "system-disks", "/proc/self/mountinfo cannot be read"),
        ("kernels", "system-kernels", "neither /boot nor /lib/modules names a kernel"),
        ("reboot_required", "system-kernels", "nothing tells whether a reboot is pending"),
        ("programs", "system-programs", "the processes of others are hidden from this user"),
        ("docker_sources", "system-programs", "the package sources cannot be read"),
        ("desktops", "system-programs", "the processes of others are hidden from this user"),
        ("desktop_sessions", "system-people", "the desktop sessions cannot be listed"),
        ("logged_in", "system-people", "the program who is not there"),
    )
    for part, question, reason in parts:
        if facts.get(part) is None:
            said = answers.get(question)
            whole = said is not None and not said.problem and said.text.endswith("== end\n")
            yield part, reason if whole else sections.problem(answers, question)


def _distribution(text: str | None) -> Distribution | None:
    values = {key: _unquoted(value) for key, value in _FIELD.findall(text or "")}
    name = values.get("ID", "").lower()
    if not name:
        return None
    return Distribution(
        id=name,
        version=values.get("VERSION_ID", ""),
        name=values.get("PRETTY_NAME", ""),
        like=tuple(values.get("ID_LIKE", "").lower().split()),
    )


def _unquoted(value: str) -> str:
    return value.strip().strip("\"'")[:100]


def _size(text: str) -> dict[str, Any]:
    lines = text.splitlines()
    kilobytes = dict(re.findall(r"^(\w+):\s+(\d{1,15}) kB$", text, re.MULTILINE))
    memory = {key: int(value) << 10 for key, value in kilobytes.items()}
    load = re.search(r"^load (\d{1,6}\.\d{1,2})$", text, re.MULTILINE)
    return {
        "load": float(load[1]) if load else None,
        "architecture": lines[0][:20] if lines else "",
        "cores": sections.number(lines[1]) or None if len(lines) > 1 else None,
        "memory": memory.get("MemTotal"),
        "available": memory.get("MemAvailable"),
        "swap": memory.get("SwapTotal"),
    }


def _virtual(text: str | None) -> dict[str, Any]:
    if text is None:
        return {"guest": None, "nested": None}
    values = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    detected, flags = values.get("detected", "").strip(), _FLAGS.search(text)
    # Only x86 has such flags: their absence tells nothing of another processor.
    by_flags = (
        ("virtual machine" if "hypervisor" in flags[1].split() else "none") if flags else None
    )
    guest = detected or by_flags
    product = " ".join(filter(None, (values.get("sys_vendor"), values.get("product_name"))))
    nested = re.findall(r"^nested (\w+) (\w+)$", text, re.MULTILINE)
    listed = re.search(r"^modules$", text, re.MULTILINE)
    return {
        "guest": guest,
        "product": product[:100],
        "nested": dict(nested) if listed else None,
        "kvm": bool(re.search(r"^kvm$", text, re.MULTILINE)),
    }


def _filesystems(text: str | None) -> tuple[Filesystem, ...] | None:
    if text is None:
        return None
    lines = text.splitlines()
    bytes_, inodes = dict(_measured("df ", lines)), dict(_measured("inodes ", lines))
    found = []
    for line in lines:
        fields = line.split(" ")
        if fields[0] != "mount" or len(fields) != 5:  # noqa: PLR2004 - device, kind, root, place
            continue
        row = bytes_.get(fields[1])
        size, used, available = [int(n) << 10 for n in row[:3]] if row else [None] * 3
        found.append(
            Filesystem(
                mount=_plain(fields[4]),
                device=fields[1],
                kind=fields[2],
                root=_plain(fields[3]),
                size=size,
                used=used,
                available=available,
                inodes=sections.number(inodes.get(fields[1], ("",))[-1]),
            )
        )
    return tuple(found) or None


def _measured(head: str, lines: list[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Find the row of df(1) after each line that announces one."""
    for line, row in pairwise(lines):
        if line.startswith(head) and (match := _DF.search(row)):
            yield line.removeprefix(head), match.groups()


def _plain(text: str) -> str:
    """Undo the escapes of proc_pid_mountinfo(5)."""
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)


def _kernels(parts: Mapping[str, str]) -> tuple[str, ...] | None:
    names = (parts.get("boot", "") + parts.get("modules", "")).splitlines()
    wanted = [name for name in names if not name.startswith(("config-", "initrd", "initramfs-"))]
    found = {match[1] for name in wanted if (match := _KERNEL.fullmatch(name))}
    return tuple(sorted(found)) or None


def _reboot(parts: Mapping[str, str]) -> tuple[bool | None, tuple[str, ...]]:
    """Read what asks for a reboot: the distribution's mark, or packages newer than the start."""
    if "reboot" not in parts or "rpm" not in parts:
        return None, ()
    marked = parts["reboot"].splitlines()
    start = re.search(r"^btime (\d{1,12})$", parts.get("start", ""), re.MULTILINE)
    rows = re.findall(r"^([\w.+-]+)\|(\d{1,12})$", parts["rpm"], re.MULTILINE)
    newer = [name for name, time in rows if start and int(time) > int(start[1])]
    names = tuple(dict.fromkeys([*(name[:80] for name in marked[1:]), *newer]))
    return bool(marked[:1] == ["required"] or newer), names


def _lines(text: str | None, ending: str) -> tuple[str, ...] | None:
    if text is None:
        return None
    return tuple(
        sorted({line[:64] for line in text.splitlines() if line.endswith(ending) and line})
    )
