"""A thin client of the Docker Engine API: one kept-alive connection, requests in a pipeline.

Why not a library: docs/decisions.md. A pipeline asks for many containers in one round trip, which
is what makes an engine behind ssh as quick as a local one.
"""

import io
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from ssl import SSLEOFError, SSLError
from typing import Any, Self

import msgspec
from msgspec import Struct

from hullward.host import http
from hullward.host.deadline import Deadline
from hullward.host.endpoints import Endpoint, TcpEndpoint
from hullward.host.links import Link, SshOptions, dial, tls_failure
from hullward.model.errors import HullwardError

# Docker 20.10 and the newest that this client was written for.
OLDEST, NEWEST = (1, 41), (1, 52)

# Requests that wait for their answers at one time. They must fit into the socket's buffer unread,
# or both sides wait for the other to read: on Linux a Unix socket holds about 120 of them.
_PIPELINE = 24
_REQUEST = "GET {} HTTP/1.1\r\nHost: docker\r\nUser-Agent: hullward\r\n\r\n"
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


class EngineClient:
    """Asks one engine. Use it as a context manager; every method raises HullwardError."""

    def __init__(self, endpoint: Endpoint, deadline: Deadline, options: SshOptions) -> None:
        """Connect to nothing yet."""
        self._endpoint = endpoint
        self._deadline = deadline
        self._options = options
        self._link: Link | None = None
        self._source: io.BufferedReader | None = None
        self._answered = False
        self._depth = _PIPELINE
        self._waiting: deque[str] = deque()  # asked, and not answered yet
        self._sent = 0  # as many of them
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
        self._link = self._source = None

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
        """Ask for each path, all in one round trip; the answers come in the same order.

        The engine is at work when this returns, before anybody waits for an answer. What was asked
        first must be read first.
        """
        self.negotiate()
        return self._exchange([f"/v{self.api}{path}" for path in paths])

    @contextmanager
    def stream(self, path: str) -> Iterator[io.BufferedReader]:
        """Ask for a path on a connection of its own, and give the body as it comes."""
        api = self.api or self.negotiate()
        with EngineClient(self._endpoint, self._deadline, self._options) as own:
            body = http.Body(own._opened(f"/v{api}{path}"))
            yield io.BufferedReader(body, 1 << 18)

    def _opened(self, path: str) -> Iterator[bytes]:
        """Give the body in pieces, once the engine has said that it is there."""
        try:
            self._send(path)
            response = self._head()
            if response.status == _OK:
                return self._pieces(response.body)
            words = next(response.body, b"")[:65536]
        except (OSError, http.NotHttpError) as error:
            raise self._error(error) from error
        raise HullwardError(
            f"The engine does not give {path}: {Answer(response.status, '', words).problem}.",
            "The login or the proxy in between must allow it.",
        )

    def _pieces(self, body: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from body
        except OSError as error:
            raise self._error(error) from error

    def _exchange(self, paths: Sequence[str]) -> Iterator[Answer]:
        self._waiting.extend(paths)
        try:
            self._ask()
        except (OSError, ValueError) as error:
            raise self._error(error) from error
        return self._answers(len(paths))

    def _ask(self) -> None:
        """Send what the pipeline has room for."""
        now = min(len(self._waiting), self._depth)
        if now > self._sent:
            self._send(*islice(self._waiting, self._sent, now))
            self._sent = now

    def _answers(self, count: int) -> Iterator[Answer]:
        try:
            for _ in range(count):
                yield self._next()
        except (OSError, ValueError, http.NotHttpError) as error:
            raise self._error(error) from error

    def _next(self) -> Answer:
        """Read the answer to the oldest question.

        Where the engine hangs up after an answer, all that waits is asked anew, one by one: such
        an engine or proxy means to answer once a connection, or so many times.
        """
        while True:
            try:
                self._ask()
                answer, closing = self._receive()
            except (OSError, http.NotHttpError) as error:
                if not self._answered or isinstance(error, TimeoutError) or self._explained():
                    raise
                self._reconnect()
                continue
            self._waiting.popleft()
            self._sent -= 1
            if closing:
                self._reconnect()
            return answer

    def _reconnect(self) -> None:
        self.close()
        self._depth, self._sent = 1, 0

    def _send(self, *paths: str) -> None:
        if self._link is None:
            self._link = dial(self._endpoint, self._deadline, self._options)
            self._source = io.BufferedReader(_Wire(self._link, self._deadline), 65536)
            self._answered = False
        self._link.sock.settimeout(self._deadline.remaining())
        requests = "".join(_REQUEST.format(path) for path in paths).encode("ascii")
        # What an engine says before it hangs up is still there to be read.
        with suppress(BrokenPipeError, ConnectionResetError, SSLEOFError):
            self._link.sock.sendall(requests)

    def _head(self) -> http.Response:
        if self._source is None:
            raise http.HungUpError("it was not asked")
        return http.receive(self._source)

    def _receive(self) -> tuple[Answer, bool]:
        response = self._head()
        pieces, size = [], 0
        for piece in response.body:
            pieces.append(piece)
            size += len(piece)
            if size > _ANSWER_LIMIT:
                raise HullwardError(
                    f"An answer of the engine is larger than {_ANSWER_LIMIT >> 20} MiB.",
                    "No engine needs as much: check that it is the one that you meant.",
                )
        self._answered = True
        headers = response.headers
        answer = Answer(
            response.status,
            headers.get("content-type", ""),
            b"".join(pieces),
            headers.get("api-version", ""),
        )
        return answer, response.closing

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
        if isinstance(error, http.NotHttpError):
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
