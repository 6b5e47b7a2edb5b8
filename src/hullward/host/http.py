"""Answers of HTTP/1.1 (RFC 9112) as an engine sends them: no redirects, no compression.

Why not http.client: it reads each header as an e-mail's, which takes longer than an engine needs
for a container, and its import longer than an engine for fifty (docs/decisions.md).
"""

import io
import re
from collections.abc import Iterator, Mapping
from typing import Protocol

from msgspec import Struct

_LINE = 65536
_HEADERS = 100
_PIECE = 1 << 18
_STATUS = re.compile(rb"HTTP/1\.([01]) ([0-9]{3})(?: [^\r\n]*)?\r?\n")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*?)[ \t]*\r?\n")
_CONTINUE, _NO_CONTENT, _NOT_MODIFIED = 100, 204, 304


class NotHttpError(Exception):
    """What came is no answer of HTTP."""


class HungUpError(ConnectionError):
    """The other side closed the connection before its answer."""


class CutOffError(ConnectionError):
    """The other side closed the connection in the middle of its answer."""


class Source(Protocol):
    """A buffered reader of bytes."""

    def readline(self, limit: int, /) -> bytes:
        """Give the bytes up to a newline, to `limit`, or to the end."""

    def read(self, size: int, /) -> bytes:
        """Give as many bytes as asked for, less only at the end."""

    def read1(self, size: int, /) -> bytes:
        """Give some bytes, none only at the end."""


class Response(Struct):
    """The head of an answer; its body, in pieces, must be read before the next answer."""

    status: int
    headers: Mapping[str, str]
    closing: bool
    body: Iterator[bytes]


def receive(source: Source) -> Response:
    """Read the head of an answer; raises the errors above, and what the source raises."""
    status, old = _status(source)
    while _CONTINUE <= status < _CONTINUE * 2:
        _headers(source)
        status, old = _status(source)
    headers = _headers(source)
    words = headers.get("connection", "").lower()
    closing = "close" in words or (old and "keep-alive" not in words)
    length = headers.get("content-length", "")
    if status in {_NO_CONTENT, _NOT_MODIFIED}:
        return Response(status, headers, closing, iter(()))
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Response(status, headers, closing, _chunks(source))
    if length.isdecimal() and length.isascii():
        return Response(status, headers, closing, _counted(source, int(length[:20])))
    rest = iter(lambda: source.read1(_PIECE), b"")
    return Response(status, headers, closing=True, body=rest)


def _status(source: Source) -> tuple[int, bool]:
    """Give the status, and whether the other side speaks HTTP/1.0."""
    line = source.readline(_LINE)
    if not line:
        raise HungUpError("it closed the connection without an answer")
    found = _STATUS.fullmatch(line)
    if found is None:
        raise NotHttpError(line[:80].decode(errors="replace").strip())
    return int(found[2]), found[1] == b"0"


def _headers(source: Source) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(_HEADERS):
        line = source.readline(_LINE)
        if line in {b"\r\n", b"\n"}:
            return headers
        found = _HEADER.fullmatch(line)
        if found is None:
            if line.endswith(b"\n") or len(line) == _LINE:
                raise NotHttpError("a header that is none")
            raise CutOffError("it closed the connection within the headers of its answer")
        headers[found[1].decode().lower()] = found[2].decode("latin-1")
    raise NotHttpError(f"more than {_HEADERS} headers")


def _counted(source: Source, length: int) -> Iterator[bytes]:
    left = length
    while left:
        piece = source.read(min(left, _PIECE))
        if not piece:
            raise CutOffError(f"{length - left} bytes read, {left} more expected")
        left -= len(piece)
        yield piece


def _chunks(source: Source) -> Iterator[bytes]:
    while size := _chunk_size(source):
        yield from _counted(source, size)
        if source.readline(2) not in {b"\r\n", b"\n"}:
            raise CutOffError("a part of its answer has another length than it says")
    _headers(source)  # trailers, which mean nothing here


def _chunk_size(source: Source) -> int:
    line = source.readline(_LINE)
    digits = line.partition(b";")[0].strip()
    if not re.fullmatch(rb"[0-9a-fA-F]{1,16}", digits) or not line.endswith(b"\n"):
        raise CutOffError("a part of its answer is missing")
    return int(digits, 16)


class Body(io.RawIOBase):
    """The body of an answer as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        """Read the pieces in their order."""
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: object) -> int:
        """Give some bytes, none only at the end."""
        room = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        count = min(len(room), len(self._rest))
        room[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
