"""Logs in for real, by a key and by nothing else, to prove that a key works."""

import re
import subprocess
from tempfile import TemporaryFile

from msgspec import Struct

from hullward.host.deadline import Deadline
from hullward.host.endpoints import SshEndpoint
from hullward.host.links import SshOptions, ssh_options

# Before the user's own: what stands first counts. A connection that is open already proves nothing.
_BY_KEY = (
    "ControlPath=none",
    "ControlMaster=no",
    "PreferredAuthentications=publickey",
    "BatchMode=yes",
    "LogLevel=VERBOSE",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
)
_DONE = re.compile(r'Authenticated to .{1,400}? using "([\w@.-]{1,64})"\.')
_WORDS = 64 * 1024


class Login(Struct, frozen=True):
    """Somebody who got in by a key."""

    user: str


def by_key(
    endpoint: SshEndpoint, deadline: Deadline, options: SshOptions, more: tuple[str, ...] = ()
) -> Login | str:
    """Log in by key; a string says why that failed. `more` are options of ssh(1), as KEY=VALUE."""
    given = [word for option in (*more, *_BY_KEY) for word in ("-o", option)]
    try:
        program, *rest = ssh_options(endpoint, deadline, options)
        # Files, as a ProxyCommand may keep a pipe open longer than ssh lives.
        with TemporaryFile() as said, TemporaryFile() as words:
            done = subprocess.run(  # noqa: S603 - an argument tuple, no shell
                (program, *given, *rest, "id -un"),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=words,
                timeout=deadline.remaining(),
                check=False,
            )
            for file in (said, words):
                file.seek(0)
            return heard(
                done.returncode,
                said.read(_WORDS).decode(errors="replace"),
                words.read(_WORDS).decode(errors="replace"),
            )
    except (subprocess.TimeoutExpired, TimeoutError):
        return f"{endpoint.host} did not answer in time"
    except OSError as error:
        return f"the ssh program cannot be run: {error.strerror}"


def heard(status: int, said: str, words: str) -> Login | str:
    """Read how a login ended, by its status, its output, and the words of ssh."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    method = next((m[1] for m in map(_DONE.fullmatch, lines) if m), "")
    if method == "none":
        return "the server let in without any proof"
    user = (said.strip().splitlines() or [""])[-1].strip()
    if status == 0 and user:
        return Login(user)
    told = [x for x in lines if not x.startswith(("Authenticated to", "Transferred:", "Bytes per"))]
    return (told or [f"ssh ended with status {status}"])[-1][:300].rstrip(".")
