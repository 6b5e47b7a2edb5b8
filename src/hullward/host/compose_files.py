"""Compose files on this machine: found in folders, and read with a bound."""

import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from hullward.compose.model import MissingFileError
from hullward.compose.project import DEFAULT_NAMES, OVERRIDE_NAMES, chosen
from hullward.model.errors import HullwardError

LIMIT = 16 * 1024 * 1024
_OTHERS = re.compile(
    r"(docker-?)?compose[._-].+\.ya?ml|.+[._-](docker-?)?compose([._-].+)?\.ya?ml", re.IGNORECASE
)
# What other programs keep there is not the user's.
_SKIPPED = frozenset(
    {".git", ".hg", ".svn", ".terraform", ".tox", ".venv", "__pycache__", "node_modules", "venv"}
)


def load(path: str) -> bytes:
    """Give a file's bytes; raises HullwardError for what is no file of a sensible size."""
    try:
        # A pipe that nobody writes to would wait for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise HullwardError(f"{path} is not a regular file.", "Name a compose file.")
            data = file.read(LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        kind = MissingFileError if isinstance(error, FileNotFoundError) else HullwardError
        raise kind(
            f"{path} cannot be read: {reason}.", "Check the path and its permissions."
        ) from error
    if len(data) > LIMIT:
        raise HullwardError(
            f"{path} is larger than {LIMIT >> 20} MiB.", "It cannot be a compose file."
        )
    return data


def folder(path: str) -> str:
    """Give the folder of a file, from the root on."""
    return os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120 - links stay as named


def short(path: str) -> str:
    """Write a path from the current folder on, if it is in it."""
    here = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118 - a text to compare with
    return path.removeprefix(here)


def is_folder(path: str) -> bool:
    """Whether there is a folder of this name."""
    return os.path.isdir(path)  # noqa: PTH112 - that of Path may raise


def beside(path: str) -> tuple[str, ...]:
    """Give a file and, where it has one of compose's own names, its override.

    An override is read over the file that it belongs to, where there is one.
    """
    folder, name = os.path.split(path)
    others = DEFAULT_NAMES if name in OVERRIDE_NAMES else OVERRIDE_NAMES
    if name not in (*DEFAULT_NAMES, *OVERRIDE_NAMES):
        return (path,)
    near = (os.path.join(folder, other) for other in others)  # noqa: PTH118 - as it was named
    found = tuple(other for other in near if os.path.isfile(other))[:1]  # noqa: PTH113 - likewise
    return (*found, path) if name in OVERRIDE_NAMES else (path, *found)


def find(folder: str) -> Iterator[tuple[str, ...] | HullwardError]:
    """Give every project in a folder and below, each as the files that are read together.

    Links to folders are not followed. A folder that cannot be listed is an error among them.
    """
    refused: list[OSError] = []
    for where, folders, names in os.walk(folder, onerror=refused.append):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        yield from _projects(where, names)
    for error in refused:
        yield HullwardError(
            f"The folder {error.filename} cannot be listed: {error.strerror}.",
            "Check the path and its permissions.",
        )


def _projects(folder: str, names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    main = chosen(names)
    for name in sorted(names):
        overrides = name in OVERRIDE_NAMES and bool(main)
        if not overrides and (name in DEFAULT_NAMES or _OTHERS.fullmatch(name)):
            group = main if name in main else (name,)
            yield tuple(str(Path(folder, each)) for each in group)
