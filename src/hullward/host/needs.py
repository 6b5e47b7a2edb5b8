"""Where the needs of images are kept: in the package, and in folders of the user's own."""

import pkgutil
import re
from collections.abc import Iterable
from pathlib import Path

from hullward.compose import needs
from hullward.model.errors import HullwardError
from hullward.model.needs import Needs

_LIMIT = 1 << 16
# What distribution/reference allows in a repository, less the slash.
_NAME = re.compile(r"[a-z0-9][a-z0-9._:-]{0,200}")


def load(image: str, folders: Iterable[Path] = ()) -> tuple[Needs, ...]:
    """Give what is known of an image, whatever its tag; the user's own come first.

    Raises HullwardError for a file of the user's that cannot be read or understood.
    """
    name = needs.file_name(image)
    if not _NAME.fullmatch(name):
        return ()
    found: list[Needs] = []
    for folder in folders:
        if not folder.is_dir():
            raise HullwardError(
                f"{folder} is no folder.", "`profiles` in hullward.toml names folders."
            )
        found += _own(folder / name)
    return (*found, *_packaged(name))


def _own(path: Path) -> tuple[Needs, ...]:
    try:
        with path.open("rb") as file:
            data = file.read(_LIMIT + 1)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise HullwardError(
            f"{path} cannot be read: {error.strerror}.", "Give yourself the right to read it."
        ) from error
    if len(data) > _LIMIT:
        raise HullwardError(f"{path} is larger than 64 KiB.", "Such a file is a few lines long.")
    return needs.parse(data, str(path))


def _packaged(name: str) -> tuple[Needs, ...]:
    try:
        data = pkgutil.get_data("hullward", f"profiles/{name}")
    except OSError:
        return ()
    return needs.parse(data, name) if data else ()
