"""Runs scripts as root on the target's machine: the only door through which a host is changed.

Each script goes through a connection of its own, so that what is said over it proves that a new
login still works. Root is the login itself, or sudo; a password for sudo is sent to sudo's own
prompt on its standard input, and never stands in a command line, an environment or a file.
"""

import os
import selectors
import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from msgspec import Struct

from hullward.host.contexts import Target
from hullward.host.deadline import Deadline
from hullward.host.endpoints import SshEndpoint, TcpEndpoint, UnixEndpoint
from hullward.host.links import ssh_options
from hullward.host.reader import Access
from hullward.host.ssh_errors import explain
from hullward.model.errors import HullwardError

_NO_CONNECTION = 255
_READY, _PROMPT = b"hullward-is-root\n", b"hullward-asks-for-the-password-of-sudo"
_START = f"echo {_READY.decode().strip()}; exec sh -s"
_AS_ROOT = (
    f'if [ "$(id -u)" = 0 ]; then exec sh -c {shlex.quote(_START)}; '
    f"else exec sudo OPTIONS sh -c {shlex.quote(_START)}; fi"
)
# One connection must not ride on another one: what is over it would prove nothing.
_ALONE = ("-o", "ControlMaster=no", "-o", "ControlPath=none")


class Answer(Struct, frozen=True):
    """What a script printed, and its exit status."""

    out: str
    status: int


class Hands(Struct, frozen=True):
    """A machine that can be changed. `password` gives sudo's, when sudo asks for one."""

    target: Target
    access: Access
    password: Callable[[], str] | None = None

    def run(self, script: str, seconds: float = 60) -> Answer:
        """Run a POSIX sh script as root; raises HullwardError where that is not possible."""
        deadline = Deadline(seconds + self.access.timeout)
        with _process(self._command(deadline)) as process:
            try:
                return self._talk(process, script, deadline)
            except (TimeoutError, subprocess.TimeoutExpired) as error:
                raise HullwardError(
                    f"{self.where} did not answer within {deadline.seconds:g} seconds.",
                    "`hullward changes` says how far a change has come.",
                ) from error

    @property
    def where(self) -> str:
        """Name the machine."""
        endpoint = self.target.endpoint
        return endpoint.host if isinstance(endpoint, SshEndpoint) else "This machine"

    def _talk(self, process: subprocess.Popen[bytes], script: str, deadline: Deadline) -> Answer:
        heard, words = self._become(process, deadline)
        if heard is None:
            raise self._no_root(process.wait(deadline.remaining()), words)
        out, more = process.communicate(script.encode(), deadline.remaining())
        out = heard + out
        # Every script of ours says something when it has come to an end, well or badly.
        if process.returncode and not out.strip():
            raise self._failure(process.returncode, words + more)
        return Answer(out.decode(errors="replace"), process.returncode)

    def _become(
        self, process: subprocess.Popen[bytes], deadline: Deadline
    ) -> tuple[bytes | None, bytes]:
        """Wait for root; gives what it said since, None where it did not come, and the words."""
        out, err, asked = b"", b"", False
        with selectors.DefaultSelector() as selector:
            for pipe in filter(None, (process.stdout, process.stderr)):
                selector.register(pipe, selectors.EVENT_READ)
            while selector.get_map() and _READY not in out:
                for key, _ in selector.select(deadline.remaining()):
                    part = os.read(key.fd, 65536)
                    if not part:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is process.stdout:
                        out += part
                    else:
                        err += part
                if _PROMPT in err:
                    err = err.replace(_PROMPT, b"")
                    self._answer(process, again=asked)
                    asked = True
        _, ready, heard = out.partition(_READY)
        return (heard if ready else None), err

    def _answer(self, process: subprocess.Popen[bytes], *, again: bool) -> None:
        if again or self.password is None or process.stdin is None:
            raise HullwardError(
                f"sudo on {self.where} does not accept the password.", "Try it by hand: `sudo -v`."
            )
        # A sudo that does not want to hear it any more says why by itself.
        with suppress(BrokenPipeError):
            os.write(process.stdin.fileno(), self.password().encode() + b"\n")

    def _no_root(self, status: int, said: bytes) -> HullwardError:
        """Say why root did not come: ssh has its own status for what is between the machines."""
        words = said.decode(errors="replace")
        endpoint = self.target.endpoint
        explained = None
        if isinstance(endpoint, SshEndpoint) and status == _NO_CONNECTION:
            explained = explain(endpoint.host, status, words)
        return explained or _sudo(words, self.where)

    def _failure(self, status: int, said: bytes) -> HullwardError:
        last = (said.decode(errors="replace").strip().splitlines() or ["no reason given"])[-1]
        return HullwardError(
            f"The work on {self.where} broke off with status {status}: {last[:300]}.",
            "`hullward changes` says how far a change has come.",
        )

    def _command(self, deadline: Deadline) -> tuple[str, ...]:
        options = "-n --" if self.password is None else f"-S -p {_PROMPT.decode()} --"
        start = _AS_ROOT.replace("OPTIONS", options)
        match self.target.endpoint:
            case UnixEndpoint():
                return ("sh", "-c", start)
            case SshEndpoint():
                ssh, *rest = ssh_options(self.target.endpoint, deadline, self.access)
                return (ssh, *_ALONE, *rest, f"sh -c {shlex.quote(start)}")
            case TcpEndpoint():
                raise HullwardError(
                    "The host behind a TCP address cannot be changed.", "Use an ssh:// target."
                )


@contextmanager
def _process(command: tuple[str, ...]) -> Iterator[subprocess.Popen[bytes]]:
    try:
        process = subprocess.Popen(  # noqa: S603 - an argument tuple
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except OSError as error:
        raise HullwardError(
            f"The program {command[0]} cannot be run: {error.strerror}.", "Install it."
        ) from error
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            with suppress(OSError):
                if pipe:
                    pipe.close()


def _sudo(words: str, where: str) -> HullwardError:
    if "password is required" in words or "a terminal is required" in words:
        return HullwardError(
            f"sudo on {where} asks for a password.",
            "Give --ask-become-pass, or use a login that is root or needs no password for sudo.",
        )
    last = (words.strip().splitlines() or ["it gave no reason"])[-1]
    return HullwardError(
        f"sudo on {where} refuses: {last.rpartition('sudo: ')[2].rstrip(' .')[:300]}.",
        "Use a login that is root, or may use sudo for everything.",
    )
