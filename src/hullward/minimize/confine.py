"""Beyond capabilities: another user, a read-only root, no new privileges. Pure proposals."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from hullward.minimize.looking import Look

# A fresh volume over these would freeze a part of the image that updates must be able to replace.
_PROGRAMS = ("/", "/bin", "/boot", "/etc", "/lib", "/lib64", "/sbin", "/usr")
_FOLDER = "04"


class Original(Struct, frozen=True):
    """A folder of the image: its mode in octal, its owner, and whether anything is in it."""

    mode: str
    uid: int
    gid: int
    empty: bool


class Writable(Struct, frozen=True):
    """What a read-only root needs beside it; `refused` are places that nothing may be put over."""

    tmpfs: Mapping[str, str]
    volumes: tuple[str, ...]
    refused: tuple[str, ...]


def steady_user(looks: Sequence[Look]) -> str:
    """Name as UID:GID the user that most processes run as when all is up; "" if that is root."""
    found = Counter(
        (process.uid, process.gid)
        for look in looks
        for process in look.processes
        if process.uid and process.comm not in {"docker-init", "tini"}
    )
    if not found:
        return ""
    uid, gid = found.most_common(1)[0][0]
    return f"{uid}:{gid}"


def written_folders(files: Mapping[str, str], mounted: Iterable[str]) -> tuple[str, ...]:
    """Name the folders of the root that a life wrote to, none of them inside another one.

    `files` maps each path that was written to its mode and owner; folders that merely lead there
    are among them. What is `mounted` is no part of the root.
    """
    places = tuple(place.rstrip("/") for place in mounted)
    paths = [
        path
        for path in files
        if path != "/" and not any(path == p or path.startswith(f"{p}/") for p in places)
    ]
    parents = {path.rpartition("/")[0] for path in paths}
    leaves = [path for path in paths if path not in parents]
    # A folder with nothing in it may only be there for a mount.
    leads = {path for path in leaves if any(f"{p}/".startswith(f"{path}/") for p in places)}
    return _outermost(_folder(path, files[path]) for path in leaves if path not in leads)


def _outermost(folders: Iterable[str]) -> tuple[str, ...]:
    """Leave out what lies in another one."""
    every = set(folders)
    inside = {one for one in every for other in every if one.startswith(f"{other.rstrip('/')}/")}
    return tuple(sorted(every - (inside - {"/"})))


def with_parents(folders: Iterable[str]) -> tuple[str, ...]:
    """Name the folders, and those in which they are."""
    found = set()
    for folder in folders:
        parts = folder.split("/")
        found |= {"/".join(parts[:count]) for count in range(2, len(parts) + 1)}
    return tuple(sorted(found))


def _folder(path: str, value: str) -> str:
    return path if value.startswith(_FOLDER) else path.rpartition("/")[0] or "/"


def writable(folders: Iterable[str], image: Mapping[str, Original]) -> Writable:
    """Say what to put over each folder: a tmpfs where the image has nothing, else a volume.

    A tmpfs gets the mode and owner that the image's folder has; a volume keeps its content. In
    place of a folder that the image does not have stands the one in which it was made.
    """
    tmpfs, volumes, refused = {}, [], []
    for folder in _outermost(_existing(folder, image) for folder in folders):
        original = image.get(folder)
        if folder in _PROGRAMS or folder.startswith(("/etc/", "/usr/", "/lib/")):
            refused.append(folder)
        elif original is None or original.empty:
            owner = original or Original("755", 0, 0, empty=True)
            tmpfs[folder] = f"mode={owner.mode},uid={owner.uid},gid={owner.gid}"
        else:
            volumes.append(folder)
    return Writable(tmpfs, tuple(volumes), tuple(refused))


def _existing(folder: str, image: Mapping[str, Original]) -> str:
    """Climb to a folder of the image, at most to the top level: the engine makes one there."""
    while image and folder not in image and folder.count("/") > 1:
        folder = folder.rpartition("/")[0]
    return folder


def originals(text: str) -> Mapping[str, Original]:
    """Read what the image's folders are: lines "MODE UID GID ENTRIES PATH"."""
    found = {}
    for line in text.splitlines():
        mode, uid, gid, entries, path = (line.split(" ", 4) + [""] * 5)[:5]
        if path and uid.isdecimal() and gid.isdecimal() and entries.isdecimal():
            found[path] = Original(mode, int(uid), int(gid), empty=entries == "0")
    return found
