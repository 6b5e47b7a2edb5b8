"""Answers as they come over the wire: whole, in parts, cut off, and garbled."""

import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hullward.host import http

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Trickle(io.RawIOBase):
    """Gives a few bytes at a time, as a network does."""

    def __init__(self, data: bytes, step: int) -> None:
        self._data, self._step = io.BytesIO(data), step

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        part = self._data.read(min(self._step, len(memoryview(buffer))))  # type: ignore[arg-type]
        memoryview(buffer)[: len(part)] = part  # type: ignore[arg-type]
        return len(part)


def source(data: bytes, step: int = 1 << 16) -> io.BufferedReader:
    return io.BufferedReader(Trickle(data, step))


def whole(reader: io.BufferedReader) -> bytes:
    return b"".join(http.receive(reader).body)


def chunked(parts: list[bytes]) -> bytes:
    body = b"".join(b"%x;note=1\r\n%s\r\n" % (len(part), part) for part in parts if part)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body + b"0\r\nExpires: never\r\n\r\n"


def counted(body: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


@given(st.lists(st.lists(st.binary(max_size=300), max_size=5), max_size=5), st.integers(1, 400))
def test_answers_are_read_in_order_however_they_arrive(
    bodies: list[list[bytes]], step: int
) -> None:
    sent = b"".join(chunked(parts) + counted(b"".join(parts)) for parts in bodies)
    reader = source(sent, step)

    for parts in bodies:
        assert whole(reader) == whole(reader) == b"".join(parts)
    assert reader.read() == b""


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=3), st.data())
def test_an_answer_cut_at_any_byte_is_an_error(parts: list[bytes], data: st.DataObject) -> None:
    sent = data.draw(st.sampled_from([chunked(parts), counted(b"".join(parts))]))
    cut = data.draw(st.integers(0, len(sent) - 1))

    with pytest.raises((http.CutOffError, http.HungUpError, http.NotHttpError)):
        whole(source(sent[:cut]))


@given(st.binary(max_size=200))
@example(b"HTTP/1.1 200 OK\r\n: x\r\n\r\n")
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n")
@example(b"HTTP/1.1 200 OK\r\nContent-Length: \xc2\xb2\r\n\r\n")
def test_garbage_is_an_error_or_an_answer(data: bytes) -> None:
    for start in (b"", b"HTTP/1.1 200 OK\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"):
        try:
            body = whole(source(start + data))
        except (http.CutOffError, http.HungUpError, http.NotHttpError):
            continue

        assert len(body) <= len(data)


def test_without_a_length_the_body_lasts_until_the_end_and_the_connection_with_it() -> None:
    response = http.receive(source(HEAD + b"\r\nall of it"))

    assert response.closing
    assert b"".join(response.body) == b"all of it"


@pytest.mark.parametrize(
    ("head", "closing"),
    [
        (b"HTTP/1.1 200 OK\r\n", False),
        (b"HTTP/1.1 200\r\n", False),
        (b"HTTP/1.1 200 OK\r\nConnection: Close\r\n", True),
        (b"HTTP/1.0 200 OK\r\n", True),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", False),
    ],
)
def test_a_connection_ends_where_the_answer_says_so(head: bytes, *, closing: bool) -> None:
    response = http.receive(source(head + b"Content-Length: 0\r\n\r\n"))

    assert response.closing is closing


def test_an_answer_that_only_says_go_on_is_skipped() -> None:
    assert whole(source(b"HTTP/1.1 100 Continue\r\n\r\n" + counted(b"x"))) == b"x"


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body_whatever_they_say(status: int) -> None:
    sent = b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\n" % status

    assert whole(source(sent)) == b""


def test_a_header_without_an_end_is_not_read_forever() -> None:
    with pytest.raises(http.NotHttpError):
        whole(source(HEAD + b"X: " + b"a" * (1 << 20)))
    with pytest.raises(http.NotHttpError):
        whole(source(HEAD + b"X: y\r\n" * 1000))


@given(st.lists(st.binary(max_size=50), max_size=6), st.integers(1, 60))
def test_a_body_reads_as_a_file(parts: list[bytes], step: int) -> None:
    body = http.Body(part for part in parts if part)
    read = b"".join(iter(lambda: body.read(step) or b"", b""))

    assert read == b"".join(parts)
