"""What the kernel's trace says about a container: the capabilities that its processes were given.

A check counts when a process of the container asked after runc had started its program, when the
kernel said yes, when the container holds the capability, and when it was asked of the process's own
credentials. The overlay file system asks with the credentials of its mounter; they are known by
being given what the container does not hold.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from msgspec import Struct

from hullward.minimize import syscalls
from hullward.model.capabilities import from_mask

_T = TypeVar("_T")
_ERRORS = {"-1": "EPERM", "-13": "EACCES"}
_LINE = re.compile(r"\s*(.{0,16})-(\d+)\s+\[\d+\]\s+\S+\s+[\d.]+: (\w+): (.*)")
_FORK = re.compile(r"comm=(.*) pid=(\d+) child_comm=.* child_pid=(\d+)")
_EXEC = re.compile(r"filename=(.*) pid=\d+ old_pid=(\d+)")
_CHECK = re.compile(r"cred (\S+), target_ns \S+, capable_ns \S+, cap (\d+), ret (-?\d+)")
_EXIT = re.compile(r"NR (-?\d+) = (-?\d+)")
_FRAME = re.compile(r"\s*=> ([\w.]+)")
_CALL = re.compile(r"__(?:(?:x64|arm64|ia32|se|do)_)?sys_(\w+)")
# What stands between the event and the code that asked.
_PLUMBING = re.compile(r"trace_event_.*|event_triggers_.*|__traceiter_.*|cap_capable|security_.*")
_LOST = re.compile(r"# lost (\d+)")
_DEPTH = 6


class Check(Struct, frozen=True):
    """One question of the kernel: does this credential hold the capability, and who asked."""

    pid: int
    comm: str
    credential: str
    capability: str
    granted: bool
    stack: tuple[str, ...] = ()


class Refusal(Struct, frozen=True, order=True):
    """A system call that the kernel ended with EPERM or EACCES."""

    call: str
    error: str


class Trace(Struct, frozen=True):
    """What the processes of one container did, and how many events the kernel had to drop."""

    checks: tuple[Check, ...] = ()
    refusals: frozenset[Refusal] = frozenset()
    programs: tuple[str, ...] = ()
    lost: int = 0


class Asked(Struct, frozen=True):
    """Who asked for a capability: how often, by which program, system call and kernel path."""

    count: int
    comm: str
    call: str = ""
    stack: tuple[str, ...] = ()


class Observation(Struct, frozen=True):
    """The capabilities that were given, each with who asked, and those that were refused."""

    given: Mapping[str, Asked]
    refused: frozenset[str]


class _Followed:
    """Which processes belong to the container, as the trace is read.

    The kernel's text names a task as it was called last, so that only what an event says itself
    tells what ran at that time.
    """

    def __init__(self, inits: frozenset[int]) -> None:
        self.inits = inits
        # The program of each process of the container.
        self.members: dict[int, str] = {}
        # runc's last stage: what it executes next is a program of the container.
        self.starting: set[int] = set()
        self.shims: dict[int, int] = {}
        self.ours: set[int] = set()

    def fork(self, comm: str, parent: int, child: int) -> None:
        """Let a child belong where its parent does; a number that is used again starts anew."""
        self.starting.discard(child)
        for known in (self.members, self.shims):
            known.pop(child, None)
        if parent in self.members:
            self.members[child] = self.members[parent]
        if parent in self.shims:
            self.shims[child] = self.shims[parent]
        if comm == "runc:[1:CHILD]":
            self.starting.add(child)
        if child in self.inits and child in self.shims:
            self.ours.add(self.shims[child])

    def exec(self, pid: int, path: str) -> bool:
        """Say whether this is a program of the container, and remember it."""
        if "containerd-shim" in path:
            self.shims[pid] = pid
        executed = pid in self.starting and self.shims.get(pid) in self.ours
        if executed or pid in self.members or pid in self.inits:
            self.members[pid] = path.rpartition("/")[2]
        return pid in self.members


def parse(text: str, inits: Iterable[int], machine: str = "x86_64") -> Trace:
    """Read the text of a kernel; `inits` are the container's first processes, one for each start.

    The text may hold anything: lines of an unknown form are skipped. `machine` is uname's.
    """
    followed = _Followed(frozenset(inits))
    lines = text.split("\n")
    checks: list[Check] = []
    refusals: set[Refusal] = set()
    programs: dict[str, None] = {}
    for number, line in enumerate(lines):
        match = _LINE.fullmatch(line)
        if not match:
            continue
        pid, kind, rest = int(match[2]), match[3], match[4]
        if kind == "sched_process_fork" and (fork := _FORK.fullmatch(rest)):
            followed.fork(fork[1], int(fork[2]), int(fork[3]))
        elif kind == "sched_process_exec" and (execution := _EXEC.fullmatch(rest)):
            if followed.exec(pid, execution[1]):
                programs[execution[1]] = None
        elif pid not in followed.members:
            continue
        elif kind == "cap_capable" and (check := _CHECK.fullmatch(rest)):
            checks.append(_check(pid, followed.members[pid], check, _stack(lines, number)))
        elif kind == "sys_exit" and (end := _EXIT.fullmatch(rest)) and end[2] in _ERRORS:
            refusals.add(Refusal(syscalls.name(int(end[1]), machine), _ERRORS[end[2]]))
    lost = _LOST.match(text)
    return Trace(tuple(checks), frozenset(refusals), tuple(programs), int(lost[1]) if lost else 0)


def _check(pid: int, comm: str, match: re.Match[str], stack: tuple[str, ...]) -> Check:
    number = int(match[2])
    (name,) = from_mask(1 << number) if number < 64 else ("",)  # noqa: PLR2004 - bits of a set
    return Check(pid, comm, match[1], name, match[3] == "0", stack)


def _stack(lines: list[str], number: int) -> tuple[str, ...]:
    """Give the kernel's path to a check, which stands right below it where it was asked for."""
    if number + 1 >= len(lines) or "<stack trace>" not in lines[number + 1]:
        return ()
    frames = []
    for line in lines[number + 2 : number + 60]:
        frame = _FRAME.match(line)
        if not frame:
            break
        if not _PLUMBING.fullmatch(frame[1]):
            frames.append(frame[1])
    return tuple(frames)


def observed(traces: Iterable[Trace], granted: frozenset[str]) -> Observation:
    """Judge the checks of traces of one container that held the `granted` capabilities."""
    given: dict[str, list[Check]] = {}
    refused: set[str] = set()
    for trace in traces:
        borrowed = {
            check.credential
            for check in trace.checks
            if check.granted and check.capability not in granted
        }
        for check in trace.checks:
            if check.granted and check.capability in granted and check.credential not in borrowed:
                given.setdefault(check.capability, []).append(check)
            elif not check.granted:
                refused.add(check.capability)
    return Observation(
        {name: _asked(checks) for name, checks in sorted(given.items())},
        frozenset(refused - given.keys()),
    )


def _asked(checks: list[Check]) -> Asked:
    """Sum up: the program and the path that asked most."""
    comm = _most(check.comm for check in checks)
    stack = _most(check.stack for check in checks if check.comm == comm and check.stack)
    call = next((match[1] for frame in stack or () if (match := _CALL.fullmatch(frame))), "")
    return Asked(len(checks), comm or "", call, (stack or ())[:_DEPTH])


def _most(values: Iterator[_T]) -> _T | None:
    found = Counter(values).most_common(1)
    return found[0][0] if found else None
