"""A body that is read as it comes, beside the conversation that goes on."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes import http, request, sized, unix_server
from hullward.host.deadline import Deadline
from hullward.host.endpoints import UnixEndpoint
from hullward.host.engine import EngineClient
from hullward.host.reader import Access
from hullward.model.errors import HullwardError

BODY = bytes(range(256)) * 4096


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name a socket that is short enough wherever the temporary folder is."""
    monkeypatch.chdir(tmp_path)
    return "engine.sock"


def chunked(*chunks: bytes) -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    return http(body, "Transfer-Encoding: chunked")


def engine(answer: bytes) -> Callable[[socket.socket], None]:
    """Answer /_ping as always, and all else with these bytes."""

    def conversation(peer: socket.socket) -> None:
        while asked := request(peer):
            peer.sendall(sized(b"OK") if asked == "/_ping" else answer)
            if asked != "/_ping":
                return

    return conversation


def client(path: str, seconds: float = 20) -> EngineClient:
    return EngineClient(UnixEndpoint(path), Deadline(seconds), Access())


def streamed(path: str, answer: bytes, seconds: float = 20) -> bytes:
    with unix_server(path, engine(answer)), client(path, seconds) as asking:
        asking.api = "1.43"
        with asking.stream("/images/1/get") as body:
            return body.read()


@pytest.mark.parametrize(
    "answer",
    [
        sized(BODY),
        chunked(BODY[:1], BODY[1:300_000], BODY[300_000:], b""),
        http(BODY, "Connection: close"),
    ],
)
def test_a_body_comes_whole(path: str, answer: bytes) -> None:
    assert streamed(path, answer) == BODY


@pytest.mark.parametrize(
    "answer",
    [
        sized(BODY)[:-1],
        chunked(BODY),
        chunked(BODY)[:-1000],
        http(b"zz\r\n", "Transfer-Encoding: chunked"),
        b"HTTP/9",
        b"",
    ],
)
def test_a_body_that_breaks_off_is_an_error(path: str, answer: bytes) -> None:
    with pytest.raises(HullwardError):
        streamed(path, answer)


def test_what_the_engine_refuses_is_an_error_with_its_words(path: str) -> None:
    with pytest.raises(HullwardError) as failed:
        streamed(path, sized(b'{"message": "No such image"}', status="404 Not Found"))

    assert failed.value.what == (
        "The engine does not give /v1.43/images/1/get: the engine answered 404: No such image."
    )


def test_an_engine_that_hangs_is_left_at_the_deadline(path: str) -> None:
    def conversation(peer: socket.socket) -> None:
        while request(peer):
            peer.sendall(sized(BODY)[:1000])

    with unix_server(path, conversation), client(path, 0.3) as asking:
        asking.api = "1.43"
        with (
            pytest.raises(HullwardError, match=r"did not answer within 0\.3 seconds"),
            asking.stream("/images/1/get") as body,
        ):
            body.read()


def test_a_stream_has_a_connection_of_its_own(path: str) -> None:
    with unix_server(path, engine(sized(BODY))) as connections, client(path) as asking:
        asking.api = "1.43"
        for _ in range(2):
            with asking.stream("/images/1/get") as body:
                assert body.read(10) == BODY[:10]

    assert len(connections) == 2
