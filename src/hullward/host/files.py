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
    return os.path.exists(path)  # noqa: PTH110 - that of Path may raise


def write(path: str, data: bytes) -> None:
    """Write a file in one step, for its owner only: all of it, or nothing.

    A link keeps its place, and what is no file, such as /dev/stdout, is written to as it is.
    """
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113 - as below
            with Path(path).open("wb") as file:
                file.write(data)
            return
        _replace(os.path.realpath(path), data)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise HullwardError(
            f"{path!r} cannot be written: {reason}.", "Choose another path with -o."
        ) from error


def _replace(path: str, data: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".hullward-")  # noqa: PTH120 - of realpath
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)  # noqa: PTH105 - as the line above
    except BaseException:
        with suppress(OSError):
            os.unlink(name)  # noqa: PTH108 - as the lines above
        raise
