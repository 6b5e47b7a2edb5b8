"""Asks a real sshd which methods it offers, by one login that shows nothing and must fail."""

import re
import subprocess
from os import SEEK_END
from tempfile import TemporaryFile
from typing import BinaryIO

from msgspec import Struct

from hullward.host.deadline import Deadline
from hullward.host.endpoints import SshEndpoint
from hullward.host.links import SshOptions, ssh_options

# Before the user's own: what stands first counts. Without a connection that is open already, and
# with no program of the user's configuration besides the way to the host.
_NOTHING = (
    "ControlPath=none",
    "ControlMaster=no",
    "PreferredAuthentications=none",
    "BatchMode=yes",
    "LogLevel=ERROR",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
)
_DENIED = re.compile(r"(\S{1,256})@\S{1,256}: Permission denied \(([\w@.,-]{1,400})\)\.")
_WORDS = 64 * 1024


class Offer(Struct, frozen=True):
    """What a server offers to somebody who has shown nothing; "none" is a login without proof."""

    user: str
    methods: tuple[str, ...]


def ask(endpoint: SshEndpoint, deadline: Deadline, options: SshOptions) -> Offer | str:
    """Try a login by no method at all; a string says why the answer is not known.

    A server that counts failed logins counts this one: it is made once.
    """
    given = [word for option in _NOTHING for word in ("-o", option)]
    try:
        program, *rest = ssh_options(endpoint, deadline, options)
        # Files, as a ProxyCommand may keep a pipe open longer than ssh lives.
        with TemporaryFile() as said, TemporaryFile() as words:
            subprocess.run(  # noqa: S603 - an argument tuple, no shell
                (program, *given, *rest, 'echo "hullward $(id -un)"'),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=words,
                timeout=deadline.remaining(),
                check=False,
            )
            return heard(_start(said), _last(words))
    except (subprocess.TimeoutExpired, TimeoutError):
        return f"{endpoint.host} did not answer in time"
    except OSError as error:
        return f"the ssh program cannot be run: {error.strerror}"


def _start(said: BinaryIO) -> str:
    said.seek(0)
    return said.read(_WORDS).decode(errors="replace")


def _last(words: BinaryIO) -> str:
    """Give the last line: a host on the way that refuses the login says so before it."""
    words.seek(max(0, words.seek(0, SEEK_END) - _WORDS))
    return (words.read().decode(errors="replace").strip().splitlines() or [""])[-1].strip()


def heard(said: str, last: str) -> Offer | str:
    """Read how the login ended: by what ssh says last, or by what the host said."""
    inside = re.fullmatch(r"hullward (\S{1,256})\n", said)
    if inside:
        return Offer(inside[1], ("none",))
    denied = _DENIED.fullmatch(last)
    if denied is None:
        return f"ssh told no methods: {last[:200] or 'it gave no reason'}"
    return Offer(denied[1], tuple(denied[2].split(",")))
