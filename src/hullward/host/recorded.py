"""A recorded engine: what a Docker engine answered once, served again from a socket of our own.

    python -m hullward.host.recorded capture FILE [URL] [--replace OLD=NEW]
    python -m hullward.host.recorded serve FILE SOCKET [--containers COUNT]

So tests and measurements can be repeated where there is no Docker. A recording is made to be
kept in a repository: a text is only in it when hullward reads it; see `capture.reduced`.
"""

import argparse
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any, Self

from hullward.host.capture import capture
from hullward.host.contexts import Contexts, environment
from hullward.host.reader import Access, engine
from hullward.host.recording import (
    Recorded,
    Recording,
    dump,
    load,
    many,
    missing,
    packed,
)
from hullward.model.errors import HullwardError


class Fault(StrEnum):
    """What the recorded engine does to a path instead of answering it."""

    HANG = "hang"
    CLOSE = "close"
    HTML = "html"
    SERVER_ERROR = "500"
    NOT_FOUND = "404"
    GARBAGE = "garbage"
    SLOW_DRIP = "slow-drip"
    HUGE = "huge"


_DRIP_SECONDS = 0.02
_HUGE = 100 * 10**9
_PLAIN_FAULTS = {
    Fault.HTML: Recorded(200, "text/html", body="<html><body>It works!</body></html>"),
    Fault.SERVER_ERROR: Recorded(500, body='{"message":"the recorded engine has this fault"}'),
    Fault.NOT_FOUND: Recorded(404, body='{"message":"the recorded engine has this fault"}'),
    Fault.GARBAGE: Recorded(200, body='{"Id": not JSON'),
}


class RecordedEngine:
    """Serves a recording on a unix socket while it is used as a context manager."""

    def __init__(
        self,
        recording: Recording,
        socket_path: str,
        faults: Mapping[str, Fault] | None = None,
    ) -> None:
        """Take what to answer, and where; `faults` maps paths as in the recording."""
        self._recording = recording
        self._path = socket_path
        self._faults = faults or {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """Where it listens, as DOCKER_HOST has it."""
        return f"unix://{self._path}"

    def __enter__(self) -> Self:
        """Listen; raises HullwardError where the socket cannot be made."""
        try:
            self._server = _Server(self._path, self._recording, self._faults, self.asked)
        except OSError as error:
            raise HullwardError(
                f"{self._path} cannot be listened on: {error.strerror or error}.",
                "Name a path where there is nothing yet.",
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_DRIP_SECONDS,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End every conversation and remove the socket."""
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()
        Path(self._path).unlink(missing_ok=True)


class _Server(ThreadingMixIn, UnixStreamServer):
    request_queue_size = 64

    def __init__(
        self, path: str, recording: Recording, faults: Mapping[str, Fault], asked: list[str]
    ) -> None:
        self.recording, self.faults, self.asked = recording, faults, asked
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        super().__init__(path, _Conversation)

    def get_request(self) -> tuple[socket.socket, Any]:
        sock, address = super().get_request()
        self._open.add(sock)
        return sock, address

    def close_request(self, request: Any) -> None:  # noqa: ANN401 - as the base class has it
        self._open.discard(request)
        super().close_request(request)

    def hang_up(self) -> None:
        self.stopping.set()
        for sock in tuple(self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class _Conversation(BaseHTTPRequestHandler):
    """Answers one request after the other; those that wait are in the buffer of `rfile`."""

    protocol_version = "HTTP/1.1"
    server: _Server

    def handle(self) -> None:
        with suppress(ConnectionError):  # the client went away
            super().handle()

    def do_GET(self) -> None:
        path = re.sub(r"^/v\d+\.\d+(?=/)", "", self.path)
        self.server.asked.append(path)
        recorded = self.server.recording.answers.get(path) or missing(path)
        fault = self.server.faults.get(path)
        recorded = _PLAIN_FAULTS.get(fault, recorded) if fault else recorded
        body = packed(path, recorded)
        match fault:
            case Fault.HANG:
                self._end(self.server.stopping.wait)
            case Fault.CLOSE:
                half = body[: len(body) // 2]
                self._end(lambda: self.wfile.write(_head(recorded, len(body)) + half))
            case Fault.SLOW_DRIP:
                self._drip(_head(recorded, len(body)) + body)
            case Fault.HUGE:
                self._end(lambda: self._flood(recorded))
            case _:
                sent = b"" if self.command == "HEAD" else body
                self.wfile.write(_head(recorded, len(body)) + sent)

    do_HEAD = do_GET  # noqa: N815 - the name is http.server's

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in http.server
        del format, args

    def _end(self, last: Callable[[], object]) -> None:
        """Say one last thing and hang up."""
        self.close_connection = True
        last()

    def _drip(self, data: bytes) -> None:
        for byte in data:
            self.wfile.write(bytes([byte]))
            if self.server.stopping.wait(_DRIP_SECONDS):
                break

    def _flood(self, recorded: Recorded) -> None:
        self.wfile.write(_head(recorded, _HUGE))
        zeros = bytes(65536)
        for _ in range(_HUGE // len(zeros)):
            self.wfile.write(zeros)


def _head(recorded: Recorded, length: int) -> bytes:
    lines = [
        f"HTTP/1.1 {recorded.status} {HTTPStatus(recorded.status).phrase}",
        *(f"{name}: {value}" for name, value in recorded.headers.items()),
        f"Content-Type: {recorded.content_type}",
        f"Content-Length: {length}",
    ]
    return "\r\n".join((*lines, "\r\n")).encode()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `capture` or `serve`."""
    parser = argparse.ArgumentParser(prog="python -m hullward.host.recorded")
    commands = parser.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="serve a recording until interrupted")
    serve.add_argument("file")
    serve.add_argument("socket")
    serve.add_argument("--containers", type=int, metavar="COUNT")
    take = commands.add_parser("capture", help="record an engine, without its secrets")
    take.add_argument("file")
    take.add_argument("url", nargs="?", default="", help="as DOCKER_HOST has it")
    take.add_argument("--replace", action="append", default=[], metavar="OLD=NEW")
    options = parser.parse_args(arguments)
    try:
        _serve(options) if options.command == "serve" else _capture(options)
    except HullwardError as error:
        sys.stderr.write(f"{error.what}\n  {error.advice}\n")
        return 2
    return 0


def _serve(options: argparse.Namespace) -> None:
    recording = load(options.file)
    if options.containers is not None:
        recording = many(recording, options.containers)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with RecordedEngine(recording, options.socket) as served:
        sys.stderr.write(f"Serving {options.file} on {served.url}\n")
        stop.wait()


def _capture(options: argparse.Namespace) -> None:
    target = Contexts(environment()).current(host=options.url)
    replaced = dict(pair.split("=", 1) for pair in options.replace)
    with engine(target, Access()) as client:
        recording = capture(client, replaced)
    Path(options.file).write_bytes(dump(recording))


if __name__ == "__main__":
    sys.exit(main())
