"""Who may change or read a file, by its owner and its permission bits."""

from collections.abc import Callable, Collection, Iterable, Iterator

from hullward.model.files import File, Files
from hullward.model.rule import Fail, Unknown
from hullward.model.severity import Severity
from hullward.rules import places

OTHERS_WRITE, OTHERS_READ, GROUP_WRITE = 0o002, 0o004, 0o020
_GROUP_ANY, _OTHERS_ANY = 0o070, 0o007


def named(file: File) -> str:
    """Name a file with its owner and mode, as `stat -c '%n %U:%G %a'` does."""
    owner, group = file.owner or file.uid, file.group or file.gid
    return f"{file.path} ({owner}:{group} {file.mode:o})"


def changeable(
    files: Files, paths: Iterable[str], owners: Collection[int] = (0,), *, shared: bool = False
) -> Iterator[Fail]:
    """Fail for each of these files that others than its owner, or another owner, may change.

    The bits are compared one by one, so 622 and 577 are worse than 644, not better; the right of
    root itself to write is not counted, as it needs none; with `shared` the group root's neither.
    """
    for path in dict.fromkeys(paths):
        file = files.found.get(path)
        if file is None:
            continue
        if file.uid not in owners:
            yield Fail(f"{named(file)}: its owner may change it")
        if file.mode & OTHERS_WRITE:
            yield Fail(f"{named(file)}: everyone may change it")
        elif file.mode & GROUP_WRITE and file.gid:
            yield Fail(f"{named(file)}: its group may change it")
        elif file.mode & GROUP_WRITE and not shared:
            yield Fail(f"{named(file)}: the group root may change it", Severity.LOW)


def readable(file: File, owners: Collection[int] = (0,)) -> Iterator[Fail]:
    """Fail for a secret file of another owner, or with any right for group and others."""
    if file.uid not in owners:
        yield Fail(f"{named(file)}: its owner may read it")
    elif file.mode & _OTHERS_ANY:
        yield Fail(f"{named(file)}: everyone may use it")
    elif file.mode & _GROUP_ANY:
        yield Fail(f"{named(file)}: its group may use it", None if file.gid else Severity.LOW)


def unseen(files: Files, wanted: Callable[[str], bool]) -> Iterator[Unknown]:
    """Say which of the wanted files this login may not look at."""
    hidden = [path for path in files.unseen if wanted(path)]
    if hidden:
        yield Unknown(f"this login may not look at {', '.join(hidden)}")


def absent(files: Files, paths: Iterable[str]) -> Iterator[Unknown]:
    """Say which files are configured, and could not be found or looked at."""
    for path in paths:
        if path not in files.found:
            why = "may not be looked at" if path in files.unseen else "was not found"
            yield Unknown(f"{path} is configured, and {why}")


def sockets(files: Files, name: str) -> tuple[File, ...]:
    """Give the sockets of this name, each once: /var/run is /run."""
    found = (file for path, file in files.found.items() if path.endswith(f"/{name}"))
    return tuple({places.clean(file.path): file for file in found}.values())
