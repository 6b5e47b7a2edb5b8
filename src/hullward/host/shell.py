"""Runs a script on the target's machine: here, or over one ssh connection."""

import os
import selectors
import subprocess
import tempfile

from hullward.host.deadline import Deadline
from hullward.host.endpoints import SshEndpoint
from hullward.host.links import SshOptions, ssh_options
from hullward.host.ssh_errors import explain
from hullward.model.errors import HullwardError

_LIMIT = 64 * 1024 * 1024
_WORDS = 64 * 1024

# Root sees more: sudo is used where it asks for no password. Fit for any login shell.
_AS_ROOT = (
    'if [ "$(id -u)" != 0 ] && sudo -n true 2>/dev/null; '
    "then exec sudo -n sh -s; else exec sh -s; fi"
)


def run_here(script: str, deadline: Deadline) -> bytes:
    """Run a script on this machine; raises HullwardError where it cannot be run."""
    return _run(("sh", "-c", _AS_ROOT), script, deadline, "")


def run_there(endpoint: SshEndpoint, script: str, deadline: Deadline, options: SshOptions) -> bytes:
    """Run a script on the machine behind ssh; raises HullwardError where it cannot be run."""
    command = (*ssh_options(endpoint, deadline, options), f"sh -c '{_AS_ROOT}'")
    return _run(command, script, deadline, endpoint.host)


def _run(command: tuple[str, ...], script: str, deadline: Deadline, host: str) -> bytes:
    with tempfile.TemporaryFile() as given:
        given.write(script.encode())
        given.seek(0)
        try:
            process = subprocess.Popen(  # noqa: S603 - an argument tuple
                command, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except FileNotFoundError as error:
            raise HullwardError(
                f"The program {command[0]} was not found.", "Install it, or audit without the host."
            ) from error
    with process:
        try:
            said, words = _read(process, deadline)
            status = process.wait(deadline.remaining())
        except (subprocess.TimeoutExpired, TimeoutError) as error:
            process.kill()
            raise HullwardError(
                f"The host did not answer within {deadline.seconds:g} seconds.",
                "Give it more with --timeout.",
            ) from error
    if status:
        last = (words.strip().splitlines() or ["no reason given"])[-1]
        raise (explain(host, status, words) if host else None) or HullwardError(
            f"The collector failed with status {status}: {last}.",
            "Run the script of `hullward collect --print-script` by hand.",
        )
    return said


def _read(process: subprocess.Popen[bytes], deadline: Deadline) -> tuple[bytes, str]:
    """Read both outputs to their end; raises HullwardError for a host that says too much."""
    outputs: dict[str, bytearray] = {"out": bytearray(), "err": bytearray()}
    limits = {"out": _LIMIT, "err": _WORDS}
    with selectors.DefaultSelector() as selector:
        for name, pipe in (("out", process.stdout), ("err", process.stderr)):
            if pipe:
                selector.register(pipe, selectors.EVENT_READ, name)
        while selector.get_map():
            for key, _ in selector.select(deadline.remaining()):
                part = os.read(key.fd, 65536)
                if not part:
                    selector.unregister(key.fileobj)
                outputs[key.data] += part[: limits[key.data] - len(outputs[key.data])]
            if len(outputs["out"]) >= _LIMIT:
                process.kill()
                raise HullwardError(
                    f"The host's answer is longer than {_LIMIT >> 20} MB.",
                    "Look at what the script of `hullward audit --show-commands` says there.",
                )
    return bytes(outputs["out"]), outputs["err"].decode(errors="replace")
