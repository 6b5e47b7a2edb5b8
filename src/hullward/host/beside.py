"""Programs of the user's that know more of a compose file: git, and docker compose."""

import os
import shutil
import subprocess
from collections.abc import Sequence

from msgspec import Struct

_SECONDS = 30
# The name by which docker compose reads what it is given, and no file.
GIVEN = "-"


class Opinion(Struct, frozen=True):
    """What docker compose says of a text: accepted or not, and its words; None was not asked."""

    accepted: bool | None
    words: str = ""


def committed(path: str) -> bool:
    """Whether git holds the file exactly as it is on disk."""
    # Nothing that the repository configures may run: no monitor, no filter beyond git's own.
    git = ("git", "-c", "core.fsmonitor=false", "--no-optional-locks", "-C", os.path.dirname(path))  # noqa: PTH120 - a text
    name = os.path.basename(path)  # noqa: PTH119 - a text
    tracked = _run((*git, "ls-files", "--error-unmatch", "--", name), b"")
    if tracked is None or tracked.returncode:
        return False
    status = _run((*git, "status", "--porcelain", "--", name), b"")
    return status is not None and status.returncode == 0 and not status.stdout.strip()


def compose(text: bytes, files: Sequence[str], folder: str, env_files: Sequence[str]) -> Opinion:
    """Ask docker compose whether it reads these files, the text in the place of GIVEN."""
    plugin = _run(("docker", "compose", "version"), b"")
    if plugin is None or plugin.returncode:
        return Opinion(None, "there is no docker compose here")
    command = ["docker", "compose", "--project-directory", folder]
    command += [word for name in env_files for word in ("--env-file", name)]
    command += [word for name in files for word in ("-f", name)]
    answer = _run((*command, "config", "--quiet"), text)
    if answer is None:
        return Opinion(None, f"docker compose did not answer within {_SECONDS} seconds")
    words = answer.stderr.decode(errors="replace").strip().splitlines() or [""]
    return Opinion(answer.returncode == 0, words[-1])


def _run(command: Sequence[str], given: bytes) -> subprocess.CompletedProcess[bytes] | None:
    program = shutil.which(command[0])
    if program is None:
        return None
    try:
        return subprocess.run(  # noqa: S603 - an argument tuple
            (program, *command[1:]), input=given, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
