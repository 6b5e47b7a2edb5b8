"""Files of the user on this machine, read and written whole."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from hullward.model.errors import HullwardError

_LIMIT = 512 * 1024 * 1024


def read(path: str, *, what: str) -> bytes:
    """Give a file's bytes; raises HullwardError that says `what` could not be read."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise HullwardError(
            f"The {what} {path!r} cannot be read: {reason}.", "Check the path and its permissions."
        ) from error
    if len(data) > _LIMIT:
        raise HullwardError(
            f"The {what} {path!r} is larger than {_LIMIT >> 20} MiB.",
            "It cannot be the right file.",
        )
    return data


def exists(path: str) -> bool:
    """Whether there is such a file."""
    return Path(path).exists()


def write(path: str, data: bytes) -> None:
    """Write a file in one step, for its owner only: all of it, or nothing."""
    folder = os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120 - keeps links
    name = ""
    try:
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".hullward-")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)  # noqa: PTH105 - as the lines above
    except OSError as error:
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - as the lines above
        raise HullwardError(
            f"{path!r} cannot be written: {error.strerror}.", "Choose another path with -o."
        ) from error
