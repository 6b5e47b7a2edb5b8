"""A file of the user's, replaced in one step by a better one, and how to get the old one back."""

import errno
import os
import stat
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from hullward.model.errors import HullwardError

_MOVED = "Run it again: it will then see the new text."
# What of a file's state tells that somebody else has written it.
_Stamp = tuple[int, int, int, int]


class Original(Struct, frozen=True):
    """A file as it was read: the path behind all links, its bytes, and what tells of a change."""

    path: str
    data: bytes
    stamp: _Stamp


def original(path: str, project: str, data: bytes) -> Original:
    """Find the file behind a path, whose bytes were read before; nothing is changed.

    Raises HullwardError for a file that must not be written: a link that leads out of the
    `project` folder, a file with a second name, no permission, other bytes.
    """
    try:
        real = os.path.realpath(path, strict=True)
        state = os.stat(real)  # noqa: PTH116 - a text, as everywhere here
        now = Path(real).read_bytes()
    except OSError as error:
        raise _failed(path, error) from error
    folder = os.path.realpath(project)
    if os.path.islink(path) and os.path.commonpath([folder, real]) != folder:  # noqa: PTH114 - a text
        raise HullwardError(
            f"{path} is a link to {real}, which is outside of {project}.",
            "Name that file itself if it is meant to change.",
        )
    if not stat.S_ISREG(state.st_mode) or state.st_nlink > 1:
        kind = "has a second name (a hard link)" if state.st_nlink > 1 else "is no regular file"
        raise HullwardError(f"{path} {kind}.", "Apply the diff by hand: patch -p1 < DIFF.")
    if not (os.access(real, os.W_OK) and os.access(os.path.dirname(real), os.W_OK)):  # noqa: PTH120
        raise HullwardError(
            f"{path} cannot be written: no permission for the file or its folder.",
            "Run it as the owner of the file, or apply the diff as them.",
        )
    if now != data:
        raise HullwardError(f"{path} was changed while it was read.", _MOVED)
    return Original(real, data, _stamp(state))


def keep(file: Original) -> str:
    """Write a copy of the file beside it and give its path; raises HullwardError if it cannot."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for number in range(100):
        path = f"{file.path}.{now}{f'-{number}' if number else ''}.bak"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            continue
        except OSError as error:
            raise _failed(path, error) from error
        try:
            _fill(descriptor, file, file.data)
        except OSError as error:
            os.unlink(path)  # noqa: PTH108 - a text
            raise _failed(path, error) from error
        return path
    raise HullwardError(f"There is no free name for a copy of {file.path}.", "Remove old copies.")


def discard(copy: str) -> None:
    """Remove a copy that nobody needs; one that cannot be removed does no harm."""
    with suppress(OSError):
        os.unlink(copy)  # noqa: PTH108 - a text


def replace(file: Original, data: bytes) -> None:
    """Replace the file in one step; mode, owner and attributes stay.

    Raises HullwardError, with the old file untouched, where it cannot be done, or where somebody
    else has changed the file since it was read.
    """
    name = ""
    try:
        folder = os.path.dirname(file.path)  # noqa: PTH120 - a text
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=".hullward-")
        _fill(descriptor, file, data)
        same = _stamp(os.stat(file.path)) == file.stamp  # noqa: PTH116 - a text
        if not same or Path(file.path).read_bytes() != file.data:
            raise HullwardError(f"{file.path} was changed while it was edited.", _MOVED)
        os.replace(name, file.path)  # noqa: PTH105 - a text
        name = ""
        _settle(folder)
        written = Path(file.path).read_bytes()
    except OSError as error:
        raise _failed(file.path, error) from error
    finally:
        if name:
            with suppress(OSError):
                os.unlink(name)  # noqa: PTH108 - a text
    if written != data:
        raise HullwardError(
            f"{file.path} does not hold what was written.", "Somebody else writes it: look at it."
        )


def _fill(descriptor: int, like: Original, data: bytes) -> None:
    """Write a new file whole, with the mode, the owner and the attributes of another."""
    state = os.stat(like.path)  # noqa: PTH116 - a text
    with os.fdopen(descriptor, "wb") as file:
        own = os.fstat(descriptor)
        if (own.st_uid, own.st_gid) != (state.st_uid, state.st_gid):
            os.fchown(descriptor, state.st_uid, state.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(state.st_mode))
        _attributes(descriptor, like.path)
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _attributes(descriptor: int, path: str) -> None:
    """Copy extended attributes, such as an access list or a label of SELinux."""
    if not hasattr(os, "listxattr"):  # not on Linux
        return
    try:
        names = os.listxattr(path)
    except OSError as error:
        if error.errno in {errno.ENOTSUP, errno.ENOSYS}:
            return
        raise
    there = {name: os.getxattr(descriptor, name) for name in os.listxattr(descriptor)}
    for name in names:
        value = os.getxattr(path, name)
        if there.get(name) != value:
            os.setxattr(descriptor, name, value)


def _settle(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _stamp(state: os.stat_result) -> _Stamp:
    return state.st_dev, state.st_ino, state.st_mtime_ns, state.st_size


def _failed(path: str, error: OSError) -> HullwardError:
    return HullwardError(
        f"{path} cannot be written: {error.strerror}.", "Nothing was changed; mend that first."
    )
