"""The entries of a tar archive that comes as a stream, each looked at once and never kept.

Read as the engine reads it (Go's archive/tar); a hostile archive cannot make it hold more than
one header. The format: tar(5), and pax of POSIX.1-2001.
"""

import zlib
from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct

_BLOCK = 512
_ZEROS = bytes(_BLOCK)
_CHUNK = 1 << 20
_PATH_MAX = 4096
_EXTENSIONS = 16
_ATTRIBUTE = "SCHILY.xattr.security.capability"
_KEPT = {"path", "linkpath", "size", "uid", "gid", "GNU.sparse.name", _ATTRIBUTE}


class Damaged(Exception):  # noqa: N818 - a state of the archive, seen only inside of collect
    """The archive cannot be read, or asks for more than it may have."""


class Source(Protocol):
    """Whatever gives bytes in order; nothing at its end."""

    def read(self, size: int, /) -> bytes:
        """Give at most so many bytes, none only at the end."""


class Budget(Struct):
    """How much may still be read, through all layers and after decompression."""

    size: int = 1 << 38
    entries: int = 5_000_000

    def spend(self, size: int) -> None:
        """Count bytes; raises Damaged when there were too many."""
        self.size -= size
        if self.size < 0:
            raise Damaged("it is too large")

    def enter(self) -> None:
        """Count an entry; raises Damaged when there were too many."""
        self.entries -= 1
        if self.entries < 0:
            raise Damaged("it has too many files")


class Entry(Struct):
    """A file, a directory or a link of an archive; `kind` is the letter of tar(5)."""

    name: str
    kind: str
    mode: int
    uid: int
    gid: int
    size: int
    link: str
    capability: bytes | None

    @property
    def file(self) -> bool:
        """Whether it is a regular file."""
        return self.kind in {"0", "\0", "7", "S"}

    @property
    def directory(self) -> bool:
        """Whether it is a directory."""
        return self.kind == "5"


class Part:
    """The bytes of one entry; what is left of them is skipped."""

    def __init__(self, source: Source, size: int, budget: Budget) -> None:
        """Begin where the source is now."""
        self._source, self._left, self._budget = source, size, budget

    def read(self, size: int, /) -> bytes:
        """Give at most so many bytes."""
        wanted = min(size, self._left)
        data = self._source.read(wanted) if wanted else b""
        if wanted and not data:
            raise Damaged("it ends early")
        self._left -= len(data)
        self._budget.spend(len(data))
        return data

    def skip(self) -> None:
        """Go to the end."""
        while self._left:
            self.read(_CHUNK)


class Inflated:
    """What a gzip stream holds, of one member or more."""

    def __init__(self, source: Source, budget: Budget) -> None:
        """Read from where the source is now."""
        self._source, self._budget = source, budget
        self._member = zlib.decompressobj(31)
        self._packed, self._plain = b"", b""

    def read(self, size: int, /) -> bytes:
        """Give at most so many bytes."""
        while not self._plain and self._more():
            pass
        data, self._plain = self._plain[:size], self._plain[size:]
        return data

    def _more(self) -> bool:
        """Inflate one piece; whether there may be more."""
        packed = self._packed or self._source.read(_CHUNK >> 4)
        if self._member.eof:
            if not packed.strip(b"\0"):
                return False
            self._member = zlib.decompressobj(31)
        try:
            self._plain = self._member.decompress(packed, _CHUNK >> 2)
        except zlib.error as error:
            raise Damaged("it is not compressed as it says") from error
        self._packed = self._member.unused_data or self._member.unconsumed_tail
        self._budget.spend(len(self._plain))
        if not packed and not self._plain:
            raise Damaged("it ends early")
        return True


class Joined:
    """A few bytes that were read before, and then the rest."""

    def __init__(self, first: bytes, rest: Source) -> None:
        """Put the bytes in front."""
        self._first, self._rest = first, rest

    def read(self, size: int, /) -> bytes:
        """Give at most so many bytes."""
        if not self._first:
            return self._rest.read(size)
        data, self._first = self._first[:size], self._first[size:]
        return data


def upto(source: Source, size: int) -> bytes:
    """Read so many bytes, fewer only at the end."""
    data = source.read(size)
    while len(data) < size and (more := source.read(size - len(data))):
        data += more
    return data


def entries(
    source: Source, budget: Budget, *, closed: bool = False
) -> Iterator[tuple[Entry, Part]]:
    """Give every entry with its bytes, which end as soon as the next is asked for.

    Where it must be `closed`, an archive without the zeros at its end was cut.
    """
    said: dict[str, bytes] = {}
    while (block := upto(source, _BLOCK)) and block != _ZEROS:
        if len(block) < _BLOCK:
            raise Damaged("it ends early")
        budget.enter()
        budget.spend(_BLOCK)
        kind = chr(block[156])
        size = _number(block[124:136])
        if kind in "xLKg":
            if len(said) > _EXTENSIONS:
                raise Damaged("it has too many headers for one file")
            said |= _extension(kind, _header(source, size, budget))
            continue
        entry = _entry(block, kind, size, said)
        said = {}
        if kind == "S":
            _skip_map(source, block[482], budget)
        part = Part(source, entry.size, budget)
        yield entry, part
        part.skip()
        _pad(source, entry.size)
    if closed and not block:
        raise Damaged("it ends early")


def _header(source: Source, size: int, budget: Budget) -> bytes:
    if size > _CHUNK:
        raise Damaged("it has a header that is too large")
    budget.spend(size)
    data = upto(source, size)
    if len(data) < size:
        raise Damaged("it ends early")
    _pad(source, size)
    return data


def _pad(source: Source, size: int) -> None:
    upto(source, -size % _BLOCK)


def _skip_map(source: Source, more: int, budget: Budget) -> None:
    """Skip where the holes of an old GNU sparse file are."""
    while more:
        more = _header(source, _BLOCK, budget)[504]


def _extension(kind: str, data: bytes) -> dict[str, bytes]:
    """Read what a header says of the next entry; a global one says nothing to an engine."""
    if kind == "g":
        return {}
    if kind == "x":
        return _records(data)
    return {"path" if kind == "L" else "linkpath": data.partition(b"\0")[0]}


def _records(data: bytes) -> dict[str, bytes]:
    found = {}
    place = 0
    while place < len(data):
        digits = data[place : place + 20].partition(b" ")[0]
        length = int(digits) if digits.isdigit() else 0
        record = data[place + len(digits) + 1 : place + length]
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n") or place + length > len(data):
            raise Damaged("it has a header that cannot be read")
        name = key.decode(errors="replace")
        if name in _KEPT:
            found[name] = value[:-1]
        place += length
    return found


def _entry(block: bytes, kind: str, size: int, said: dict[str, bytes]) -> Entry:
    if _number(block[148:156]) != sum(block) - sum(block[148:156]) + 8 * 32:
        raise Damaged("it has a header that cannot be read")
    name = said.get("GNU.sparse.name") or said.get("path") or _name(block)
    link = said.get("linkpath") or block[157:257].partition(b"\0")[0]
    if max(len(name), len(link)) > _PATH_MAX:
        raise Damaged("it has a path that is too long")
    if kind in "0\0" and name.endswith(b"/"):
        kind = "5"
    return Entry(
        _text(name),
        kind,
        _number(block[100:108]),
        _said(said, "uid", block[108:116]),
        _said(said, "gid", block[116:124]),
        # These have no bytes, whatever their size says.
        0 if kind in "123456" else _decimal(said["size"]) if "size" in said else size,
        _text(link),
        said.get(_ATTRIBUTE),
    )


def _name(block: bytes) -> bytes:
    name = block[:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0] if block[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _text(path: bytes) -> str:
    return path.decode(errors="backslashreplace")


def _said(said: dict[str, bytes], key: str, field: bytes) -> int:
    return _decimal(said[key]) if key in said else _number(field)


def _decimal(text: bytes) -> int:
    if not text.isdigit() or len(text) > 19:  # noqa: PLR2004 - Go's int64
        raise Damaged("it has a header that cannot be read")
    return int(text)


def _number(field: bytes) -> int:
    """Read an octal number, or GNU's binary one, which is never negative here."""
    if field[0] & 0x80:
        number = int.from_bytes(field, "big") & ((1 << 8 * len(field) - 1) - 1)
        if number >> 63:
            raise Damaged("it has a header that cannot be read")
        return number
    text = field.partition(b"\0")[0].strip()
    try:
        return int(text, 8) if text else 0
    except ValueError as error:
        raise Damaged("it has a header that cannot be read") from error
