"""Which programs of an image give more than their caller has: its content, read as a stream.

An image comes as the export of a container that changed nothing of it, one tar archive, or else as
`docker save` writes it, a tar archive of tar archives, of which the engine first writes a copy.
Nothing is written here, and of each layer only hashes of its paths are kept.
"""

import posixpath
import struct
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Protocol
from urllib.parse import quote

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hullward.collect import image_export
from hullward.collect.engine_facts import Answer
from hullward.collect.tar_entries import (
    Budget,
    Damaged,
    Entry,
    Inflated,
    Joined,
    Part,
    Source,
    entries,
    upto,
)
from hullward.model import capabilities
from hullward.model.errors import HullwardError
from hullward.model.facts import FileCapability, Image, ImageFiles, OwnedFile, Snapshot

_GZIP = b"\x1f\x8b"
_BLOCK = 512
_MANIFEST_LIMIT = 1 << 20
_MOST_PROGRAMS = 10_000
_MOST_CONTAINERS = 3
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
_SETUID, _SETGID, _ANY_EXECUTE, _GROUP_EXECUTE = 0o4000, 0o2000, 0o111, 0o010
_EFFECTIVE = 1


class Streamer(Protocol):
    """An engine that gives an answer as it comes."""

    def stream(self, path: str) -> AbstractContextManager[Source]:
        """Ask for a path on a connection of its own."""

    def get(self, *paths: str) -> Iterator[Answer]:
        """Ask for each path."""


class Program(Struct, frozen=True):
    """A file that gives more than its caller has; an owner is None where its bit is not set."""

    uid: int | None
    gid: int | None
    capability: tuple[tuple[str, ...], bool] | None


class Layer:
    """What one layer adds, and what it hides of those below.

    `covers` and `directories` are hashes of paths: a path in `covers` hides what is below it too,
    one in `directories` only a file of that name. `opaque` directories hide all that they held.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.programs: dict[str, Program] = {}
        self.opaque: set[str] = set()
        self.covers: array[int] = array("q")
        self.directories: array[int] = array("q")


class _Manifest(Struct, rename="pascal"):
    layers: list[str] | None = None


def collect(engine: Streamer, snapshot: Snapshot) -> Snapshot:
    """Read the content of every image that a container was made from; one after the other."""
    running: dict[str, list[str]] = {}
    for container in snapshot.containers:
        if container.running:
            running.setdefault(container.image_id, []).append(container.id)
    return replace(
        snapshot,
        images={
            id_: _read(engine, image, running.get(image.id, ())[:_MOST_CONTAINERS])
            for id_, image in snapshot.images.items()
        },
    )


def _read(engine: Streamer, image: Image, containers: Iterable[str]) -> Image:
    for container in containers:
        files = _through(engine, f"/containers/{quote(container)}")
        if files is not None:
            return replace(image, files=files)
    try:
        with engine.stream(f"/images/{quote(image.id, safe=':')}/get") as archive:
            return replace(image, files=parse(archive))
    except Damaged as error:
        return replace(image, files_gap=f"the archive of the image cannot be used: {error}")
    except HullwardError as error:
        return replace(image, files_gap=f"the image could not be read: {error.what}")


def _through(engine: Streamer, container: str) -> ImageFiles | None:
    """Read an image through a container of it; None where that would not be the whole truth."""
    try:
        before = _made(engine, container)
        if before is None:
            return None
        with engine.stream(f"{container}/export") as archive:
            # An engine that cannot go on leaves out the end, and says nothing.
            layer = _filled(archive, Budget(), closed=True)
        after = _made(engine, container)
    except (Damaged, HullwardError):
        return None
    if after is None:
        return None
    own = before | after
    return _summary({path: one for path, one in layer.programs.items() if path not in own})


def _made(engine: Streamer, container: str) -> frozenset[str] | None:
    (answer,) = engine.get(f"{container}/changes")
    return image_export.made(answer.body) if answer.ok else None


def parse(archive: Source) -> ImageFiles:
    """Read an archive of `docker save`, of any age; raises Damaged for what is none."""
    budget = Budget()
    layers: dict[str, Layer | str] = {}
    order: list[str] | None = None
    for entry, part in entries(archive, budget):
        name = posixpath.normpath(entry.name)
        if name == "manifest.json":
            order = _order(part)
        elif entry.kind in "12":
            base = posixpath.dirname(name) if entry.kind == "2" else ""
            layers[name] = posixpath.normpath(posixpath.join(base, entry.link))
        elif entry.file and (found := _layer(name, part, budget)):
            layers[name] = found
    if order is None:
        raise Damaged("it ends before its manifest")
    return _summary(_final(_found(layers, posixpath.normpath(name)) for name in order))


def _order(part: Part) -> list[str]:
    try:
        (manifest,) = msgspec.json.decode(upto(part, _MANIFEST_LIMIT), type=list[_Manifest])
    except (ValueError, RecursionError) as error:
        raise Damaged("its manifest is not one of one image") from error
    return manifest.layers or []


def _found(layers: Mapping[str, Layer | str], name: str) -> Layer:
    """Give a layer by its name, or by the name that it is linked to."""
    found = layers.get(name)
    if isinstance(found, str):
        found = layers.get(found)
    if not isinstance(found, Layer):
        raise Damaged("a layer of it is missing, or packed as nothing here can unpack")
    return found


def _layer(name: str, part: Part, budget: Budget) -> Layer | None:
    """Read a layer; None for any other file of the archive."""
    head = upto(part, _BLOCK)
    source: Source = Joined(head, part)
    if head.startswith(_GZIP):
        source = Inflated(source, budget)
    elif head[257:262] != b"ustar" and head.strip(b"\0") and not name.endswith("/layer.tar"):
        return None
    return _filled(source, budget)


def _filled(source: Source, budget: Budget, *, closed: bool = False) -> Layer:
    """Read one archive of files to its end."""
    layer = Layer()
    for entry, _ in entries(source, budget, closed=closed):
        _add(layer, entry)
        if len(layer.programs) + len(layer.opaque) > _MOST_PROGRAMS:
            raise Damaged("it has too many setuid programs")
    return layer


def _add(layer: Layer, entry: Entry) -> None:
    path = _inside(entry.name)
    folder, name = posixpath.split(path)
    if name == _OPAQUE:
        layer.opaque.add(folder)
    elif name.startswith(_WHITEOUT):
        layer.covers.append(hash(posixpath.join(folder, name.removeprefix(_WHITEOUT))))
    elif entry.directory:
        layer.programs.pop(path, None)
        layer.directories.append(hash(path))
    else:
        layer.covers.append(hash(path))
        linked = layer.programs.get(_inside(entry.link)) if entry.kind == "1" else None
        layer.programs.pop(path, None)
        found = _program(entry) or linked if entry.file or entry.kind == "1" else None
        if found:
            layer.programs[path] = found


def _inside(name: str) -> str:
    """Give a path as the container has it; nothing leads out of the image."""
    return posixpath.normpath("/" + name.lstrip("/"))


def _program(entry: Entry) -> Program | None:
    setuid = entry.mode & _SETUID and entry.mode & _ANY_EXECUTE
    # Without the group's right to execute, the bit means a lock: inode(7).
    setgid = entry.mode & _SETGID and entry.mode & _GROUP_EXECUTE
    held = entry.capability and entry.mode & _ANY_EXECUTE
    if not (setuid or setgid or held):
        return None
    return Program(
        entry.uid if setuid else None,
        entry.gid if setgid else None,
        _capability(entry.capability) if held and entry.capability else None,
    )


def _capability(data: bytes) -> tuple[tuple[str, ...], bool]:
    """Read the permitted set of a security.capability attribute (linux/capability.h)."""
    size = {1: 12, 2: 20, 3: 24}.get(data[3] if len(data) > 3 else 0)  # noqa: PLR2004 - its version
    if len(data) != size:
        raise Damaged("a file capability of it cannot be read")
    magic, permitted = struct.unpack_from("<II", data)
    if len(data) > 12:  # noqa: PLR2004 - the first version had 32 bits
        permitted |= struct.unpack_from("<I", data, 12)[0] << 32
    return tuple(sorted(capabilities.from_mask(permitted))), bool(magic & _EFFECTIVE)


def _final(layers: Iterable[Layer]) -> Mapping[str, Program]:
    """Lay one layer over the other: what is left is what a container sees."""
    found: dict[str, Program] = {}
    for layer in layers:
        found = dict(_uncovered(found, layer)) | layer.programs
    return found


def _uncovered(found: Mapping[str, Program], layer: Layer) -> Iterator[tuple[str, Program]]:
    above = {path: tuple(_above(path)) for path in found}
    asked = {hash(p) for path, folders in above.items() for p in (path, *folders)}
    covers, directories = (asked.intersection(h) for h in (layer.covers, layer.directories))
    for path, program in found.items():
        replaced = hash(path) in covers | directories
        folders = above[path]
        if not (replaced or any(hash(p) in covers or p in layer.opaque for p in folders)):
            yield path, program


def _above(path: str) -> Iterator[str]:
    while path != "/":
        path = posixpath.dirname(path)
        yield path


def _summary(found: Mapping[str, Program]) -> ImageFiles:
    programs = sorted(found.items(), key=lambda item: item[0])
    return ImageFiles(
        tuple(OwnedFile(path, one.uid) for path, one in programs if one.uid is not None),
        tuple(OwnedFile(path, one.gid) for path, one in programs if one.gid is not None),
        tuple(FileCapability(path, *one.capability) for path, one in programs if one.capability),
    )
