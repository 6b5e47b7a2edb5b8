"""Snapshots as a file: what was seen once, to be judged again anywhere."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from hullward.model.errors import HullwardError
from hullward.model.facts import Snapshot

FORMAT, VERSION = "hullward-snapshot", 1
_ADVICE = "Make a new one with `hullward collect -o FILE`."


class _Header(Struct):
    format: str = ""
    version: int = 0


class _File(Struct):
    format: str
    version: int
    hosts: tuple[Snapshot, ...]


def dump(snapshots: Sequence[Snapshot]) -> bytes:
    """Encode snapshots as one JSON file."""
    encoded = msgspec.json.encode(_File(FORMAT, VERSION, tuple(snapshots)))
    return msgspec.json.format(encoded, indent=1) + b"\n"


def load(data: bytes, name: str) -> tuple[Snapshot, ...]:
    """Decode a file; raises HullwardError for one that is damaged, foreign or of the future."""
    try:
        header = msgspec.json.decode(data, type=_Header)
        if header.format == FORMAT and header.version == VERSION:
            return msgspec.json.decode(data, type=_File).hosts
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise HullwardError(
            f"The snapshot {name!r} is damaged or none at all: {error}.", _ADVICE
        ) from error
    if header.format == FORMAT and header.version > VERSION:
        raise HullwardError(
            f"The snapshot {name!r} has version {header.version}; this hullward reads {VERSION}.",
            "Update hullward, or collect with this version.",
        )
    raise HullwardError(f"{name!r} is not a snapshot of hullward.", _ADVICE)
