"""The kernel's own trace files (tracefs) as an observer: nothing is installed on the machine.

One instance, with a buffer of its own, follows the engine and all that it starts from then on.
Source: Documentation/trace/ftrace.rst and events.rst of Linux.
"""

import shlex
from typing import Self

from msgspec import Struct

from hullward.host.root_shell import RootShell

PREFIX = "hullward-"
_KB_PER_CPU = 16384

_FIND = """
t=/sys/kernel/tracing
[ -d $t/instances ] || mount -t tracefs tracefs $t 2>/dev/null
[ -d $t/instances ] || t=/sys/kernel/debug/tracing
[ -d $t/instances ] || { echo 'the kernel offers no tracefs'; exit 3; }
"""
# An instance whose shell is gone was left by a hullward that was killed with its shell.
_SWEEP = """
for d in $t/instances/hullward-*; do
  [ -d "$d" ] || continue
  p=${d##*/hullward-}; p=${p%%-*}
  case $(sed -n 's/^State:[[:space:]]*//p' "/proc/$p/status") in
    ''|Z*|X*) echo 0 >$d/events/enable; echo >$d/set_event_pid; rmdir "$d";;
  esac
done 2>/dev/null
"""
_SETUP = """
d=$t/instances/{name}
mkdir $d || exit 4
echo 0 >$d/tracing_on
echo {kb} >$d/buffer_size_kb
echo 1 >$d/options/event-fork
echo 0 >$d/options/markers 2>/dev/null
if [ -d $d/events/capability/cap_capable ]; then
  echo {checks} >$d/events/capability/cap_capable/filter
  echo 1 >$d/events/capability/cap_capable/enable || exit 5
  echo event
else
  echo 'the kernel has no event for capability checks'
fi
echo 1 >$d/events/sched/sched_process_fork/enable
echo 1 >$d/events/sched/sched_process_exec/enable
echo {refusals} >$d/events/raw_syscalls/sys_exit/filter
echo 1 >$d/events/raw_syscalls/sys_exit/enable
"""
# Everything that can start a container, threads too: a new shim is a child of containerd.
_START = """
tids=
for p in /proc/[0-9]*; do
  read -r name <$p/comm 2>/dev/null || continue
  case $name in dockerd|containerd) for k in $p/task/[0-9]*; do tids="$tids ${{k##*/}}"; done;; esac
done
d=$t/instances/{name}
echo >$d/trace
echo $tids >$d/set_event_pid
{stacks}
echo 1 >$d/tracing_on
"""
_STOP = """
d=$t/instances/{name}
echo 0 >$d/tracing_on
echo >$d/set_event_pid
lost=0
for s in $d/per_cpu/cpu*/stats; do
  n=$(sed -n 's/^overrun: //p' $s); lost=$((lost + ${{n:-0}}))
done
echo "# lost $lost"
cat $d/trace
echo '!stacktrace' >$d/events/capability/cap_capable/trigger 2>/dev/null
echo >$d/trace
"""
_CLOSE = """
d=$t/instances/{name}
echo 0 >$d/tracing_on; echo 0 >$d/events/enable
echo '!stacktrace' >$d/events/capability/cap_capable/trigger
echo >$d/set_event_pid; rmdir $d || {{ sleep 0.3; rmdir $d; }}
"""
# Most events are the engine's own; the container's begin with runc:[2:INIT].
_OTHERS = " && ".join(
    f'COMM != "{name}"'
    for name in (
        "dockerd",
        "containerd",
        "containerd-shim",
        "runc",
        "runc:[0:PARENT]",
        "runc:[1:CHILD]",
    )
)
# SYS_ADMIN is asked for by the kernel's accounting at each mmap, and refused: never a need.
_CHECKS = {True: _OTHERS, False: f"(cap != 21 || ret == 0) && {_OTHERS}"}
_REFUSALS = f"(ret == -1 || ret == -13) && {_OTHERS}"
_STACKS = (
    f"echo {shlex.quote(f'stacktrace if ret == 0 && {_OTHERS}')} "
    ">$d/events/capability/cap_capable/trigger 2>/dev/null"
)


def sweep(shell: RootShell) -> None:
    """Remove the instances of runs that were killed with their shells."""
    shell.run(_FIND + _SWEEP)


class Ability(Struct, frozen=True):
    """What the observer can see; `reason` says why it sees no capability checks."""

    capabilities: bool
    reason: str = ""


class Tracer:
    """Follows the engine. Use it as a context manager; the shell's farewell removes it too."""

    def __init__(self, shell: RootShell, session: str, *, admin: bool) -> None:
        """Make the instance; `admin` says that the subject holds SYS_ADMIN, whose checks count."""
        self._shell = shell
        self._name = f"{PREFIX}{shell.pid}-{session}"
        shell.at_farewell(_FIND + _CLOSE.format(name=self._name))
        setup = _SETUP.format(
            name=self._name,
            kb=_KB_PER_CPU,
            checks=shlex.quote(_CHECKS[admin]),
            refusals=shlex.quote(_REFUSALS),
        )
        said = shell.run(_FIND + _SWEEP + setup)
        seen = said.status == 0 and said.text.split()[:1] == ["event"]
        self._works = said.status == 0
        self.ability = Ability(seen, "" if seen else said.last)

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the instance."""
        if self._works:
            self._shell.run(_FIND + _CLOSE.format(name=self._name))

    def start(self, *, stacks: bool = False) -> None:
        """Empty the buffer and follow the engine; with `stacks`, note who asked in the kernel."""
        if self._works:
            stack = _STACKS if stacks else ""
            script = _FIND + _START.format(name=shlex.quote(self._name), stacks=stack)
            self._shell.must(script, "Tracing the engine")

    def stop(self) -> str:
        """End it, and give the kernel's text, with the number of lost events in the first line."""
        if not self._works:
            return ""
        return self._shell.must(
            _FIND + _STOP.format(name=self._name), "Reading the trace", seconds=120
        ).text
