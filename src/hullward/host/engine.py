"""A thin client of the Docker Engine API: one kept-alive connection, requests in a pipeline.

Why not a library: docs/decisions.md. A pipeline asks for many containers in one round trip, which
is what makes an engine behind ssh as quick as a local one.
"""

import io
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.client import (
    BadStatusLine,
    HTTPException,
    HTTPResponse,
    IncompleteRead,
    RemoteDisconnected,
)
from ssl import SSLEOFError, SSLError
from typing import Any, Self, cast

import msgspec
from msgspec import Struct

from hullward.host.deadline import Deadline
from hullward.host.endpoints import Endpoint, TcpEndpoint
from hullward.host.links import Link, SshOptions, dial, tls_failure
from hullward.model.errors import HullwardError

# Docker 20.10 and the newest that this client was written for.
OLDEST, NEWEST = (1, 41), (1, 52)

# Requests that wait for their answers at one time. They must fit into the socket's buffer unread,
# or both sides wait for the other to read: on Linux a Unix socket holds about 120 of them.
_PIPELINE = 24
_ANSWER_LIMIT = 64 * 1024 * 1024
_OK = 200


class Answer(Struct, frozen=True):
    """The engine's answer to one request."""

    status: int
    content_type: str
    body: bytes
    api: str = ""

    @property
    def ok(self) -> bool:
        """Whether the engine did what was asked."""
        return self.status == _OK

    @property
    def problem(self) -> str:
        """Why it did not: the status and the engine's message, on one line."""
        try:
            message = msgspec.json.decode(self.body, type=_Message).message
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            message = ""
        return f"the engine answered {self.status}" + (f": {message[:300]}" if message else "")


class _Message(Struct):
    message: str = ""


class _Wire(io.RawIOBase):
    """Bytes of a link, each read under the deadline."""

    def __init__(self, link: Link, deadline: Deadline) -> None:
        self._link = link
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        self._link.sock.settimeout(self._deadline.remaining())
        return self._link.sock.recv_into(buffer)


class _Kept(io.BufferedReader):
    """A reader that HTTPResponse cannot close, so that the next answer is read from it too."""

    def makefile(self, _mode: str) -> io.BufferedReader:
        return self

    def close(self) -> None:
        """Leave it open."""


class _Body(io.RawIOBase):
    """The body of an answer as it comes; raises HullwardError where it breaks off."""

    def __init__(self, response: HTTPResponse, explain: Callable[[Exception], Exception]) -> None:
        self._response = response
        self._explain = explain

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - any writable buffer
        try:
            count = self._response.readinto(buffer)
            if not count and self._response.length:
                raise IncompleteRead(b"", self._response.length)
        except (OSError, HTTPException, ValueError) as error:
            raise self._explain(error) from error
        return count


class EngineClient:
    """Asks one engine. Use it as a context manager; every method raises HullwardError."""

    def __init__(self, endpoint: Endpoint, deadline: Deadline, options: SshOptions) -> None:
        """Connect to nothing yet."""
        self._endpoint = endpoint
        self._deadline = deadline
        self._options = options
        self._link: Link | None = None
        self._reader: _Kept | None = None
        self._answered = False
        self._depth = _PIPELINE
        self.api = ""

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self.close()

    def close(self) -> None:
        """Hang up; the next request would connect anew."""
        if self._link:
            self._link.close()
        self._link = self._reader = None

    def negotiate(self) -> str:
        """Ask /_ping for the API version and agree on the newest that both sides speak."""
        if self.api:
            return self.api
        (answer,) = self._exchange(["/_ping"])
        version = re.fullmatch(r"([0-9]{1,4})\.([0-9]{1,4})", answer.api)
        if "html" in answer.content_type or not answer.ok or version is None:
            raise _not_docker(answer)
        theirs = (int(version[1]), int(version[2]))
        if theirs < OLDEST:
            raise HullwardError(
                f"The engine speaks API {answer.api}; hullward needs 1.41 or newer.",
                "Docker 20.10 was the first with it: update the engine.",
            )
        self.api = ".".join(map(str, min(theirs, NEWEST)))
        return self.api

    def get(self, *paths: str) -> Iterator[Answer]:
        """Ask for each path, all in one round trip; the answers come in the same order."""
        self.negotiate()
        return self._exchange([f"/v{self.api}{path}" for path in paths])

    @contextmanager
    def stream(self, path: str) -> Iterator[io.BufferedReader]:
        """Ask for a path on a connection of its own, and give the body as it comes."""
        api = self.api or self.negotiate()
        with EngineClient(self._endpoint, self._deadline, self._options) as own:
            yield own._opened(f"/v{api}{path}")

    def _opened(self, path: str) -> io.BufferedReader:
        try:
            self._send(path)
            response = HTTPResponse(cast("io.BufferedReader", self._reader))  # type: ignore[arg-type]
            response.begin()
            if response.status != _OK:
                refused = Answer(response.status, "", response.read(65536))
                raise HullwardError(
                    f"The engine does not give {path}: {refused.problem}.",
                    "The login or the proxy in between must allow it.",
                )
        except (OSError, HTTPException, ValueError) as error:
            raise self._error(error) from error
        return io.BufferedReader(_Body(response, self._error), 1 << 18)

    def _exchange(self, paths: Iterable[str]) -> Iterator[Answer]:
        waiting = deque(paths)
        try:
            while waiting:
                yield from self._conversation(waiting)
        except (OSError, HTTPException, ValueError) as error:
            raise self._error(error) from error

    def _conversation(self, waiting: deque[str]) -> Iterator[Answer]:
        """Ask on one connection until all is answered or the engine hangs up after an answer.

        What it leaves in `waiting` is asked anew, one by one: such an engine or proxy means to
        answer once a connection, or so many times.
        """
        sent = 0
        closing = False
        while waiting and not closing:
            try:
                while sent < min(len(waiting), self._depth):
                    self._send(waiting[sent])
                    sent += 1
                answer, closing = self._receive()
            except (OSError, HTTPException) as error:
                if not self._answered or isinstance(error, TimeoutError) or self._explained():
                    raise
                self._reconnect()
                return
            if closing:
                self._reconnect()
            waiting.popleft()
            sent -= 1
            yield answer

    def _reconnect(self) -> None:
        self.close()
        self._depth = 1

    def _send(self, path: str) -> None:
        if self._link is None:
            self._link = dial(self._endpoint, self._deadline, self._options)
            self._reader = _Kept(_Wire(self._link, self._deadline), 65536)
            self._answered = False
        self._link.sock.settimeout(self._deadline.remaining())
        request = f"GET {path} HTTP/1.1\r\nHost: docker\r\nUser-Agent: hullward\r\n\r\n"
        # What an engine says before it hangs up is still there to be read.
        with suppress(BrokenPipeError, ConnectionResetError, SSLEOFError):
            self._link.sock.sendall(request.encode("ascii"))

    def _receive(self) -> tuple[Answer, bool]:
        response = HTTPResponse(cast("io.BufferedReader", self._reader))  # type: ignore[arg-type]
        response.begin()
        body = response.read(_ANSWER_LIMIT + 1)
        if len(body) > _ANSWER_LIMIT:
            raise HullwardError(
                f"An answer of the engine is larger than {_ANSWER_LIMIT >> 20} MiB.",
                "No engine needs as much: check that it is the one that you meant.",
            )
        if response.length:
            raise IncompleteRead(body, response.length)
        self._answered = True
        answer = Answer(
            response.status,
            response.headers.get("Content-Type", ""),
            body,
            response.headers.get("Api-Version", ""),
        )
        return answer, response.will_close

    def _explained(self) -> bool:
        """Whether the link can say itself why it ended."""
        return self._link is not None and self._link.failure() is not None

    def _error(self, error: Exception) -> HullwardError:
        if isinstance(error, TimeoutError):
            self.close()
            return HullwardError(
                f"The engine did not answer within {self._deadline.seconds:g} seconds.",
                "Give it more with --timeout, or see what keeps it busy (`docker info`).",
            )
        return self._broken(error)

    def _broken(self, error: Exception) -> HullwardError:
        cause = self._link.failure() if self._link else None
        self.close()
        if cause:
            return cause
        if isinstance(error, SSLError) and not isinstance(error, SSLEOFError):
            return tls_failure(self._endpoint, error)
        if isinstance(self._endpoint, TcpEndpoint) and self._endpoint.tls and not self._answered:
            return tls_failure(
                self._endpoint, OSError("it hung up, as for a client whose certificate it rejects")
            )
        if isinstance(error, BadStatusLine) and not isinstance(error, RemoteDisconnected):
            return _not_docker(Answer(0, "", b""))
        return HullwardError(
            f"The engine broke off the conversation ({str(error)[:200] or type(error).__name__}).",
            "Look at its log (`journalctl -u docker`), and try again.",
        )


def _not_docker(answer: Answer) -> HullwardError:
    if b"HTTP request to an HTTPS server" in answer.body:
        return HullwardError(
            "The engine wants TLS, and was asked without it.",
            "Set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH, or use a context with certificates.",
        )
    if "html" in answer.content_type:
        sent = "HTML"
    elif answer.ok:
        sent = "no version of the API"
    else:
        sent = f"status {answer.status}" if answer.status else "no HTTP"
    return HullwardError(
        f"What answers there is not a Docker engine (it sent {sent}).",
        "Check the address: the API's own port or socket is needed, not a web page's.",
    )
