"""A recorded engine: what a Docker engine answered once, served again from a socket of our own.

    python -m hullward.host.recorded capture FILE [URL] [--replace OLD=NEW]
    python -m hullward.host.recorded serve FILE SOCKET [--containers COUNT]

So tests and measurements can be repeated where there is no Docker. A recording is made to be
kept in a repository: a text is only in it when hullward reads it; see `reduced`.
"""

import argparse
import io
import re
import signal
import socket
import sys
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from hashlib import sha256
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any, Self, cast
from urllib.parse import quote

import msgspec
from msgspec import Struct, field

from hullward.host.contexts import Contexts, environment
from hullward.host.engine import Answer, EngineClient
from hullward.host.reader import Access, engine
from hullward.model.errors import HullwardError

JSON, TAR = "application/json", "application/x-tar"
REDACTED = "redacted"
_RUNNING, _ALL = "/containers/json?all=0", "/containers/json?all=1"
_SOURCES = ("/version", "/info", _RUNNING, _ALL, "/volumes", "/networks", "/plugins")


class Recorded(Struct, frozen=True):
    """One answer; the body of a tar archive is the text of its only file."""

    status: int = 200
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


class Recording(Struct, frozen=True):
    """Answers by the path that was asked for: without the version, with the query."""

    answers: Mapping[str, Recorded]


def load(path: str) -> Recording:
    """Read a recording; raises HullwardError for a file that is none."""
    advice = "Make one with `python -m hullward.host.recorded capture FILE`."
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=Recording)
    except (OSError, ValueError, RecursionError) as error:
        raise HullwardError(f"{path} is not a recording: {error}.", advice) from error


def dump(recording: Recording) -> bytes:
    """Encode a recording as a file."""
    encoded = msgspec.json.encode(Recording(dict(recording.answers)))
    return msgspec.json.format(encoded, indent=1) + b"\n"


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


_DRIP_SECONDS = 0.05
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

    def do_GET(self) -> None:  # noqa: N802 - the name is http.server's
        path = re.sub(r"^/v\d+\.\d+(?=/)", "", self.path)
        self.server.asked.append(path)
        recorded = self.server.recording.answers.get(path) or Recorded(
            404, body=_message(f"page not found: {path} is not in the recording")
        )
        fault = self.server.faults.get(path)
        recorded = _PLAIN_FAULTS.get(fault, recorded) if fault else recorded
        body = _packed(path, recorded)
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


def _packed(path: str, recorded: Recorded) -> bytes:
    """Give the body as bytes; the archive endpoint's as the tar file that it was."""
    body = recorded.body.encode()
    if recorded.content_type != TAR:
        return body
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(path.rpartition("/")[2])
        member.size = len(body)
        archive.addfile(member, io.BytesIO(body))
    return buffer.getvalue()


def _message(text: str) -> str:
    return msgspec.json.encode({"message": text}).decode()


def many(recording: Recording, count: int) -> Recording:
    """Multiply the running containers to `count`, each with an id and a name of its own.

    The recorded ones take turns. What a container is asked for is made when it is asked for, so
    a thousand containers need no more memory than their ids.
    """
    return Recording(_Multiplied(recording.answers, count))


class _Multiplied(Mapping[str, Recorded]):
    _INSIDE = re.compile(r"/containers/([0-9a-f]{64})(/.*)")
    _ID = re.compile(r"[0-9a-f]{64}")

    def __init__(self, answers: Mapping[str, Recorded], count: int) -> None:
        listing = msgspec.json.decode(answers[_RUNNING].body, type=list[dict[str, Any]])
        if not listing and count:
            raise HullwardError(
                "The recording has no running container to multiply.", "Capture another engine."
            )
        self._answers, self._listing, self._count = answers, listing, count
        self._places = {entry["Id"]: place for place, entry in enumerate(listing)}
        self._numbers = {self._id(number): number for number in range(count)}

    def __getitem__(self, path: str) -> Recorded:
        if path in {_RUNNING, _ALL}:
            entries = [self._entry(number) for number in range(self._count)]
            return Recorded(body=msgspec.json.encode(entries).decode())
        inside = self._INSIDE.fullmatch(path)
        if inside is None:
            return self._answers[path]
        number = self._numbers[inside[1]]
        turn, place = divmod(number, len(self._listing))
        recorded = self._answers[f"/containers/{self._listing[place]['Id']}{inside[2]}"]
        return self._renamed(recorded, turn) if inside[2] == "/json" else recorded

    def __iter__(self) -> Iterator[str]:
        questions: dict[str, list[str]] = {}
        for path in self._answers:
            inside = self._INSIDE.fullmatch(path)
            if inside:
                questions.setdefault(inside[1], []).append(inside[2])
            else:
                yield path
        for id_, number in self._numbers.items():
            recorded = self._listing[number % len(self._listing)]["Id"]
            yield from (f"/containers/{id_}{question}" for question in questions.get(recorded, ()))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _id(self, number: int) -> str:
        turn, place = divmod(number, len(self._listing))
        return sha256(f"{turn} {self._listing[place]['Id']}".encode()).hexdigest()

    def _entry(self, number: int) -> dict[str, Any]:
        turn, place = divmod(number, len(self._listing))
        entry = self._listing[place]
        names = [f"{name}-{turn}" for name in entry.get("Names") or ()]
        return {**entry, "Id": self._id(number), "Names": names}

    def _renamed(self, recorded: Recorded, turn: int) -> Recorded:
        """Give this turn's name, and this turn's id wherever a container's id is mentioned."""
        if recorded.status != HTTPStatus.OK:
            return recorded

        def id_(match: re.Match[str]) -> str:
            place = self._places.get(match[0])
            if place is None:
                return match[0]
            number = turn * len(self._listing) + place
            return self._id(number if number < self._count else place)

        raw = msgspec.json.decode(self._ID.sub(id_, recorded.body), type=dict[str, msgspec.Raw])
        name = msgspec.json.decode(raw["Name"], type=str)
        raw["Name"] = msgspec.Raw(msgspec.json.encode(f"{name}-{turn}"))
        return Recorded(body=msgspec.json.encode(raw).decode())


def capture(client: EngineClient, replaced: Mapping[str, str] | None = None) -> Recording:
    """Ask an engine for all that an audit asks, and keep the reduced answers.

    `replaced` maps texts to others, such as paths that say too much about the machine.
    """
    api = client.negotiate()
    raw = dict(zip(_SOURCES, client.get(*_SOURCES), strict=True))
    listed = _objects(raw[_ALL])
    images = sorted({entry["ImageID"] for entry in listed if entry.get("ImageID")})
    inside = [f"/containers/{quote(entry['Id'], safe='')}" for entry in listed]
    paths = [f"{path}/json" for path in inside]
    paths += [f"/images/{quote(image, safe=':')}/json" for image in images]
    raw |= dict(zip(paths, client.get(*paths), strict=True))
    found = {path: _objects(raw[f"{path}/json"]) for path in inside}
    sessions = [f"/exec/{id_}/json" for [one] in filter(None, found.values()) for id_ in one["ExecIDs"] or ()]
    users = {
        f"{path}/archive?path=/etc/passwd": found[path][0]["Config"]["User"].partition(":")[0]
        for path in inside
        if found[path] and _is_name(found[path][0]["Config"]["User"])
    }
