"""A shell that stays open, as root, on the engine's machine: many scripts, one connection.

It ends when hullward ends, however that happens, and then carries out its own farewell: what must
not outlive hullward on the machine is named there before it is made.
"""

import os
import secrets
import selectors
import shlex
import subprocess
from contextlib import suppress
from typing import Self

from msgspec import Struct

from hullward.host.contexts import Target
from hullward.host.deadline import Deadline
from hullward.host.endpoints import SshEndpoint, TcpEndpoint, UnixEndpoint
from hullward.host.links import ssh_options
from hullward.host.reader import Access
from hullward.host.ssh_errors import explain
from hullward.model.errors import HullwardError

_LIMIT = 256 * 1024 * 1024
_GOODBYE_SECONDS = 5
_START_TIME = 19

# Mounts that a script makes are seen by nobody else and end with the shell; those of the engine
# are still seen. unshare(1), mount_namespaces(7).
_ALONE = "unshare -m --propagation slave"
_START = (
    'if [ "$(id -u)" = 0 ]; then as=; else as="sudo -n"; fi; '
    f"if $as {_ALONE} true 2>/dev/null; then exec $as {_ALONE} sh -s; else exec $as sh -s; fi"
)


class Said(Struct, frozen=True):
    """What a script printed, both outputs, and its exit status."""

    status: int
    data: bytes

    @property
    def text(self) -> str:
        """The output as text."""
        return self.data.decode(errors="replace")

    @property
    def last(self) -> str:
        """The last line, which is where a failure says why."""
        return (self.text.strip().splitlines() or ["no reason given"])[-1][:300]


class RootShell:
    """Runs scripts one after the other. Use it as a context manager; raises HullwardError."""

    def __init__(self, target: Target, access: Access) -> None:
        """Open the shell; raises HullwardError without root on the engine's machine."""
        self._seconds = access.timeout
        self._host = ""
        self._process = _started(self._command(target, access))
        self._mark = secrets.token_hex(16)
        self._count = 0
        self.pid = 0
        self.born = 0
        self._greet()

    def _command(self, target: Target, access: Access) -> tuple[str, ...]:
        match target.endpoint:
            case UnixEndpoint():
                return ("sh", "-c", _START)
            case SshEndpoint():
                self._host = target.endpoint.host
                options = ssh_options(target.endpoint, Deadline(access.timeout), access)
                return (*options, f"sh -c {shlex.quote(_START)}")
            case TcpEndpoint():
                raise HullwardError(
                    "The machine behind a TCP address has no shell for hullward.",
                    "Use an ssh:// target.",
                )

    def _greet(self) -> None:
        # A shell that a signal ends says no farewell: it must live to see that its input has ended.
        self._write("trap : PIPE HUP TERM\n")
        said = self._exchange("id -u; echo $PPID; cat /proc/$PPID/stat", Deadline(self._seconds))
        uid, pid, stat = [*said.text.splitlines(), "", "", ""][:3]
        if uid != "0" or not pid.isdecimal():
            self.close()
            raise HullwardError(
                "There is no root shell on the engine's machine.",
                "Run hullward as root there, or let sudo ask for no password.",
            )
        self.pid, self.born = int(pid), started_at(stat)

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the shell say its farewell, and end it."""
        self.close()

    def close(self) -> None:
        """Close its input, which ends it; by force when it does not go by itself."""
        with suppress(OSError):
            if self._process.stdin:
                self._process.stdin.close()
        try:
            self._process.wait(_GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def run(self, script: str, seconds: float = 0) -> Said:
        """Run a POSIX sh script with nothing on its input; its failure is in the status."""
        return self._exchange(script, Deadline(seconds or self._seconds))

    def must(self, script: str, what: str, seconds: float = 0) -> Said:
        """Run a script that has to succeed; `what` says in the error what it was for."""
        said = self.run(script, seconds)
        if said.status:
            raise HullwardError(f"{what} failed on the engine's machine: {said.last}.", "")
        return said

    def at_farewell(self, script: str) -> None:
        """Set what the shell does when it ends, also when hullward was killed."""
        self._write(f"trap {shlex.quote(f'({script}) >/dev/null 2>&1')} EXIT\n")

    def _exchange(self, script: str, deadline: Deadline) -> Said:
        self._count += 1
        mark = f"{self._mark} {self._count}"
        self._write(
            f"sh -c {shlex.quote(script)} </dev/null 2>&1; printf '\\n%s %s\\n' '{mark}' $?\n"
        )
        return self._answer(f"\n{mark} ".encode(), deadline)

    def _write(self, text: str) -> None:
        try:
            if self._process.stdin:
                self._process.stdin.write(text.encode())
                self._process.stdin.flush()
        except OSError as error:
            raise self._ended() from error

    def _answer(self, end: bytes, deadline: Deadline) -> Said:
        """Read up to the mark, which nothing that a script reads can hold."""
        data = bytearray()
        while not (data.endswith(b"\n") and end in data[-80:]):
            data += self._part(deadline)
            if len(data) > _LIMIT:
                self._process.kill()
                raise HullwardError(
                    f"The engine's machine said more than {_LIMIT >> 20} MB.", "That is a bug."
                )
        body, _, status = bytes(data).rpartition(end)
        # Before it there may be the answer to a script whose wait was interrupted.
        _, mark, rest = body.rpartition(b"\n" + self._mark.encode() + b" ")
        return Said(int(status), rest.partition(b"\n")[2] if mark else body)

    def _part(self, deadline: Deadline) -> bytes:
        descriptor = self._process.stdout.fileno() if self._process.stdout else -1
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            try:
                ready = selector.select(deadline.remaining())
            except TimeoutError:
                ready = []
        if not ready:
            self._process.kill()
            raise HullwardError(
                f"The engine's machine did not answer within {deadline.seconds:g} seconds.",
                "Give it more with --timeout.",
            )
        part = os.read(descriptor, 1 << 18)
        if not part:
            raise self._ended()
        return part

    def _ended(self) -> HullwardError:
        status = self._process.wait(_GOODBYE_SECONDS) if self._process.poll() is None else 0
        status = status or self._process.returncode or 0
        known = explain(self._host, status, "") if self._host else None
        return known or HullwardError(
            "The root shell on the engine's machine ended.",
            "See that sudo asks for no password there, and try again.",
        )


def _started(command: tuple[str, ...]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - an argument tuple
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            # Ctrl-C is for hullward, which cleans up with this shell's help.
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise HullwardError(f"The program {command[0]} was not found.", "Install it.") from error


def started_at(stat: str) -> int:
    """Give of /proc/PID/stat when the process started, in ticks since the boot; 0 for a dead one.

    Source: proc(5); one whose end nobody has asked about yet is in state Z.
    """
    fields = stat.rpartition(")")[2].split()
    lives = len(fields) > _START_TIME and fields[0] not in {"Z", "X"}
    return int(fields[_START_TIME]) if lives and fields[_START_TIME].isdecimal() else 0
