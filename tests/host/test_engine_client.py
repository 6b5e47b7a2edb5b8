import socket
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from pathlib import Path

import msgspec
import pytest

from fakes import http, request, sized, unix_server
from hullward.host.deadline import Deadline
from hullward.host.endpoints import UnixEndpoint
from hullward.host.engine import Answer, EngineClient
from hullward.host.reader import Access
from hullward.host.recorded import Fault, RecordedEngine
from hullward.host.recording import Recorded, Recording
from hullward.model.errors import HullwardError

OK = b'{"ok": true}'


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name a socket that is short enough wherever the temporary folder is."""
    monkeypatch.chdir(tmp_path)
    return "engine.sock"


def client(path: str, seconds: float = 20) -> EngineClient:
    return EngineClient(UnixEndpoint(path), Deadline(seconds), Access())


def pong(api: str) -> Recorded:
    return Recorded(200, "text/plain", {"Api-Version": api}, "OK")


def recording(paths: Mapping[str, str], api: str = "1.51") -> Recording:
    return Recording({"/_ping": pong(api), **{p: Recorded(body=b) for p, b in paths.items()}})


def many(number: int) -> Recording:
    return recording({f"/{i}": f'"{i}"' for i in range(number)})


def numbered(number: int) -> list[str]:
    return [f"/{i}" for i in range(number)]


def failure(path: str, *paths: str, seconds: float = 20) -> HullwardError:
    """Ask for paths and give the error that must come."""
    with client(path, seconds) as engine, pytest.raises(HullwardError) as failed:
        list(engine.get(*paths))
    return failed.value


def once(data: bytes) -> Callable[[socket.socket], None]:
    """Answer the first request of a connection with these bytes, and hang up."""

    def conversation(peer: socket.socket) -> None:
        if request(peer):
            peer.sendall(data)

    return conversation


@pytest.mark.parametrize(
    ("theirs", "agreed"),
    [("1.41", "1.41"), ("1.45", "1.45"), ("1.51", "1.51"), ("1.52", "1.52"), ("1.60", "1.52"),
     ("2.0", "1.52"), ("1.100", "1.52")],
)  # fmt: skip
def test_version_is_the_newest_that_both_speak(path: str, theirs: str, agreed: str) -> None:
    with RecordedEngine(recording({}, theirs), path), client(path) as engine:
        assert engine.negotiate() == agreed


@pytest.mark.parametrize("theirs", ["1.40", "1.24", "0.99"])
def test_engine_that_is_too_old_is_refused(path: str, theirs: str) -> None:
    with RecordedEngine(recording({}, theirs), path):
        assert failure(path, "/info").what == (
            f"The engine speaks API {theirs}; hullward needs 1.41 or newer."
        )


@pytest.mark.parametrize("theirs", ["", "one", "1", "1.x", "-1.41", "99999.1", "1.41; rm"])
def test_engine_without_a_version_is_no_engine(path: str, theirs: str) -> None:
    with RecordedEngine(recording({}, theirs), path):
        assert failure(path, "/info").what == (
            "What answers there is not a Docker engine (it sent no version of the API)."
        )


def test_every_question_carries_the_agreed_version(path: str) -> None:
    asked: list[str] = []

    def conversation(peer: socket.socket) -> None:
        while word := request(peer):
            asked.append(word)
            peer.sendall(sized(OK))

    with unix_server(path, conversation), client(path) as engine:
        list(engine.get("/info", "/version"))

    assert asked == ["/_ping", "/v1.43/info", "/v1.43/version"]


def test_answers_come_in_the_order_of_the_questions_on_one_connection(path: str) -> None:
    def conversation(peer: socket.socket) -> None:
        while word := request(peer):
            peer.sendall(sized(word.encode()))

    paths = [f"/{i}" for i in range(100)]
    with unix_server(path, conversation) as connections, client(path) as engine:
        bodies = [answer.body.decode() for answer in engine.get(*paths)]

    assert bodies == [f"/v1.43{p}" for p in paths]
    assert len(connections) == 1


def test_questions_are_asked_before_the_first_is_answered(path: str) -> None:
    def conversation(peer: socket.socket) -> None:
        request(peer)
        peer.sendall(sized(b""))
        words = [request(peer) for _ in range(5)]
        for word in words:
            peer.sendall(sized(word.encode()))

    with unix_server(path, conversation), client(path) as engine:
        bodies = [answer.body for answer in engine.get("/a", "/b", "/c", "/d", "/e")]

    assert bodies == [b"/v1.43/a", b"/v1.43/b", b"/v1.43/c", b"/v1.43/d", b"/v1.43/e"]


def test_chunked_answers_are_joined(path: str) -> None:
    def conversation(peer: socket.socket) -> None:
        while request(peer):
            peer.sendall(http(b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n", "Transfer-Encoding: chunked"))

    with unix_server(path, conversation), client(path) as engine:
        assert [answer.body for answer in engine.get("/a", "/b")] == [b"abcde", b"abcde"]


def closing(peer: socket.socket) -> None:
    """Close after one answer, and say so."""
    if word := request(peer):
        peer.sendall(sized(word.encode(), "Connection: close"))


def old(peer: socket.socket) -> None:
    """Speak HTTP/1.0: the end of the connection is the end of the answer."""
    if word := request(peer):
        peer.sendall(http(word.encode(), version="HTTP/1.0"))


def short_lived(peer: socket.socket) -> None:
    """Close after three answers without a word, as a proxy's limit does."""
    for _ in range(3):
        if word := request(peer):
            peer.sendall(sized(word.encode()))


def says_so(peer: socket.socket) -> None:
    """Close after three answers, and say so with the third."""
    for i in range(3):
        if word := request(peer):
            peer.sendall(sized(word.encode(), *(["Connection: close"] if i == 2 else [])))


@pytest.mark.parametrize("conversation", [closing, old, short_lived, says_so])
def test_engine_that_hangs_up_after_answers_is_called_again(
    path: str, conversation: Callable[[socket.socket], None]
) -> None:
    paths = numbered(40)
    with unix_server(path, conversation), client(path) as engine:
        bodies = [answer.body.decode() for answer in engine.get(*paths)]

    assert bodies == [f"/v1.43{p}" for p in paths]


def test_engine_that_hangs_up_before_any_answer_is_not_called_for_ever(path: str) -> None:
    with unix_server(path, socket.socket.close) as connections:
        error = failure(path, "/info")

    assert error.what.startswith("The engine broke off the conversation (")
    assert len(connections) == 1


def test_engine_that_closes_in_the_middle_of_an_answer_is_an_error(path: str) -> None:
    with RecordedEngine(many(9), path, {"/5": Fault.CLOSE}):
        error = failure(path, *numbered(9))

    assert error.what == ("The engine broke off the conversation (1 bytes read, 2 more expected).")


def test_engine_that_closes_in_the_middle_of_a_chunk_is_an_error(path: str) -> None:
    with unix_server(path, once(http(b"ff\r\nab", "Transfer-Encoding: chunked"))):
        assert failure(path, "/info").what.startswith("The engine broke off the conversation (")


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.SLOW_DRIP])
@pytest.mark.parametrize("where", ["/_ping", "/5"])
def test_engine_that_hangs_ends_with_the_deadline(path: str, where: str, fault: Fault) -> None:
    with RecordedEngine(many(9), path, {where: fault}):
        error = failure(path, *numbered(9), seconds=0.3)

    assert error.what == "The engine did not answer within 0.3 seconds."
    assert "--timeout" in error.advice


def test_engine_that_accepts_no_connection_is_an_error(path: str) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)

        assert failure(path, "/info").what == f"No engine listens on {path}."


def test_no_socket_is_an_error(path: str) -> None:
    assert failure(path, "/info").what == f"No engine listens on {path}."


def test_file_that_is_no_socket_is_an_error(path: str) -> None:
    Path(path).touch()

    assert failure(path, "/info").what == f"No engine listens on {path}."


@pytest.mark.parametrize("bad", ["x" * 200, "a\0b", "/"])
def test_path_that_cannot_be_a_socket_is_an_error(path: str, bad: str) -> None:
    del path

    assert failure(bad, "/info").advice


def test_permission_denied_says_what_the_docker_group_means() -> None:
    from hullward.host.links import _unusable  # noqa: PLC0415 - root is never denied

    error = _unusable("/run/docker.sock", PermissionError(13, "Permission denied"))

    assert error.what == "Permission to use /run/docker.sock was denied."
    assert "usermod -aG docker" in error.advice
    assert "as powerful as root" in error.advice


NOT_DOCKER = "What answers there is not a Docker engine (it sent {})."


@pytest.mark.parametrize(
    ("data", "sent"),
    [
        (http(b"<html>", "Content-Type: text/html; charset=utf-8"), "HTML"),
        (http(b"<html>", "Content-Type: text/html", status="404 Not Found"), "HTML"),
        (sized(b"", "Location: https://web1/", status="301 Moved"), "status 301"),
        (sized(b"", status="403 Forbidden"), "status 403"),
        (sized(b"{}", status="500 Error"), "status 500"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "no HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x16", "no HTTP"),
        (b"\r\n\r\n", "no HTTP"),
        (b"HTTP/1.1 xyz OK\r\n\r\n", "no HTTP"),
    ],
)
def test_what_is_no_engine_is_called_so(path: str, data: bytes, sent: str) -> None:
    with unix_server(path, once(data)):
        assert failure(path, "/info").what == NOT_DOCKER.format(sent)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\nApi-Version: 1.x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 " + b"9" * 70_000,
    ],
)
def test_hostile_http_is_one_short_error(path: str, data: bytes) -> None:
    with unix_server(path, once(data)):
        error = failure(path, "/info")

    assert len(error.what) < 400
    assert error.advice


def test_engine_that_wants_tls_is_recognised(path: str) -> None:
    plain = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    with unix_server(path, once(plain)):
        error = failure(path, "/info")

    assert error.what == "The engine wants TLS, and was asked without it."
    assert "DOCKER_TLS_VERIFY" in error.advice


def test_huge_answer_is_refused(path: str) -> None:
    with RecordedEngine(many(3), path, {"/1": Fault.HUGE}):
        assert failure(path, *numbered(3)).what == "An answer of the engine is larger than 64 MiB."


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Fault.SERVER_ERROR, 500), (Fault.NOT_FOUND, 404), (Fault.HTML, 200), (Fault.GARBAGE, 200)],
)
def test_one_answer_that_is_wrong_leaves_the_others_right(
    path: str, fault: Fault, status: int
) -> None:
    with RecordedEngine(many(30), path, {"/7": fault}), client(path) as engine:
        answers = list(engine.get(*numbered(30)))

    assert answers[7].status == status
    assert [a.body.decode() for i, a in enumerate(answers) if i != 7] == [
        f'"{i}"' for i in range(30) if i != 7
    ]


def test_redirected_question_is_not_followed(path: str) -> None:
    turns = count()

    def conversation(peer: socket.socket) -> None:
        while request(peer):
            moved = next(turns) > 0
            status = "302 Found" if moved else "200 OK"
            peer.sendall(sized(b"", *(["Location: http://evil/"] * moved), status=status))

    with unix_server(path, conversation), client(path) as engine:
        (answer,) = engine.get("/info")

    assert (answer.ok, answer.problem) == (False, "the engine answered 302")


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"message": "not here"}', "the engine answered 404: not here"),
        (b'{"message": 5}', "the engine answered 404"),
        (b"<html>", "the engine answered 404"),
        (b'{"message": "\xff"}', "the engine answered 404"),
        (b"[" * 10_000, "the engine answered 404"),
        (b'{"message": "%s"}' % (b"x" * 1000), "the engine answered 404: " + "x" * 300),
    ],
)
def test_problem_is_the_status_and_the_message_of_the_engine(body: bytes, problem: str) -> None:
    assert Answer(404, "application/json", body).problem == problem


def test_answer_survives_what_the_client_did_not_ask(path: str) -> None:
    with RecordedEngine(recording({"/info": msgspec.json.encode("x" * 10**6).decode()}), path):
        with client(path) as engine:
            (answer,) = engine.get("/info")

        assert len(answer.body) == 10**6 + 2


def test_client_can_be_used_again_after_it_was_closed(path: str) -> None:
    def bodies(answers: Iterator[Answer]) -> list[bytes]:
        return [answer.body for answer in answers]

    with RecordedEngine(many(2), path), client(path) as engine:
        first = bodies(engine.get("/0", "/1"))
        engine.close()

        assert bodies(engine.get("/0", "/1")) == first == [b'"0"', b'"1"']
