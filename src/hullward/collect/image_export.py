"""Which container shows its image as it is: for its export the engine writes no copy anywhere."""

import posixpath
from collections.abc import Iterator

import msgspec
from msgspec import Struct

_CHANGED, _ADDED = 0, 1


class _Change(Struct, rename="pascal"):
    path: str
    kind: int


def made(body: bytes) -> frozenset[str] | None:
    """Read /containers/{id}/changes: what the container made beside what its image holds.

    None where it changed or deleted something of the image, or may have: of a directory the engine
    says "changed" also where only something in it was.
    """
    try:
        changes = msgspec.json.decode(body, type=list[_Change] | None) or []
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    paths = {posixpath.normpath(change.path): change.kind for change in changes}
    parents = {parent for path in paths for parent in _above(path)}
    if any(
        kind != _ADDED and (kind != _CHANGED or path not in parents) for path, kind in paths.items()
    ):
        return None
    return frozenset(path for path, kind in paths.items() if kind == _ADDED)


def _above(path: str) -> Iterator[str]:
    while path not in {"/", ""}:
        path = posixpath.dirname(path)
        yield path
