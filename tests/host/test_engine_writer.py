"""Changes through the API: answers are read, the engine's no is an error with its words."""

import socket
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import attempt, request, sized, unix_server
from hullward.host.contexts import Target
from hullward.host.endpoints import UnixEndpoint
from hullward.host.engine_writer import EngineWriter, Refused, unframed
from hullward.host.reader import Access

frames = st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=20)), max_size=8)


def framed(parts: list[tuple[int, bytes]]) -> bytes:
    return b"".join(struct.pack(">BxxxL", kind, len(data)) + data for kind, data in parts)


@given(frames)
def test_frames_are_joined(parts: list[tuple[int, bytes]]) -> None:
    assert unframed(framed(parts)) == b"".join(data for _, data in parts)


def test_what_a_terminal_says_has_no_frames() -> None:
    assert unframed(b"hello, this is a terminal\r\n") == b"hello, this is a terminal\r\n"


@given(st.binary())
def test_any_stream_is_read(stream: bytes) -> None:
    assert len(unframed(stream)) <= len(stream)


def engine(answers: list[bytes]) -> object:
    """Converse as an engine that gives these answers, after the one to /_ping."""

    def conversation(peer: socket.socket) -> None:
        while path := request(peer):
            peer.sendall(sized(b"OK") if path == "/_ping" else answers.pop(0))

    return conversation


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        ("409 Conflict", b'{"message": "name is in use."}', "(409): name is in use."),
        ("500 Error", b"<html>", "(500): no reason given."),
        ("404 Not Found", b"[]", "(404): no reason given."),
    ],
)
def test_a_no_of_the_engine_is_an_error_with_its_words(
    tmp_path: Path, status: str, body: bytes, words: str
) -> None:
    path = str(tmp_path / "s")
    target = Target("here", UnixEndpoint(path))
    with (
        unix_server(path, engine([sized(body, status=status)])),  # type: ignore[arg-type]
        EngineWriter(target, Access(timeout=5)) as writer,
    ):
        found = attempt(lambda: writer.ask("POST", "/containers/create?name=x"))

    assert isinstance(found, Refused)
    assert found.what == f"The engine refused POST /containers/create {words}"


def test_what_is_gone_already_is_removed(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    target = Target("here", UnixEndpoint(path))
    answers = [sized(b"{}", status="404 Not Found"), sized(b'{"Id": "1"}', status="201 Created")]
    with unix_server(path, engine(answers)), EngineWriter(target, Access(timeout=5)) as writer:  # type: ignore[arg-type]
        writer.remove("/containers/x")

        assert writer.ask("POST", "/containers/create", {"Image": "a"}) == {"Id": "1"}
