"""Fakes that several tests share: servers that misbehave, and an engine in memory."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TypeVar

import msgspec

from hullward.host.engine import Answer
from hullward.model.errors import HullwardError

T = TypeVar("T")
Conversation = Callable[[socket.socket], None]


def attempt(work: Callable[[], T]) -> T | HullwardError:
    """Give what comes out, the one error that a user may see included."""
    try:
        return work()
    except HullwardError as error:
        return error


@contextmanager
def talking(listener: socket.socket, conversation: Conversation) -> Iterator[list[int]]:
    """Serve every connection with `conversation`, one after the other; counts the connections."""
    listener.listen()
    connections: list[int] = []
    stopping = threading.Event()

    def serve() -> None:
        while not stopping.is_set():
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            connections.append(len(connections))
            with peer, suppress(OSError):
                peer.settimeout(10)
                conversation(peer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield connections
    finally:
        stopping.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@contextmanager
def unix_server(path: str, conversation: Conversation) -> Iterator[list[int]]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        with talking(listener, conversation) as connections:
            yield connections


def request(peer: socket.socket) -> str:
    """Read one request and give its path, "" when there is none any more."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = peer.recv(1)
        if not byte:
            return ""
        head += byte
    return head.split(b" ")[1].decode()


def http(body: bytes, *headers: str, status: str = "200 OK", version: str = "HTTP/1.1") -> bytes:
    lines = (f"{version} {status}", *headers, "Api-Version: 1.43")
    return "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n" + body


def sized(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    return http(body, f"Content-Length: {len(body)}", *headers, status=status)


def answer(value: object, status: int = 200) -> Answer:
    return Answer(status, "application/json", msgspec.json.encode(value))


EMPTY: Mapping[str, Answer] = {
    "/version": answer({"Version": "28.5.2"}),
    "/info": answer({"SecurityOptions": ["name=seccomp,profile=builtin"]}),
    "/containers/json?all=0": answer([]),
    "/containers/json?all=1": answer([]),
    "/volumes": answer({"Volumes": []}),
    "/networks": answer([]),
    "/plugins": answer([]),
    "/images/json": answer([]),
}


class FakeReader:
    """An engine in memory; what it was not given it does not find."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = {**EMPTY, **answers}
        self.asked: list[str] = []

    def negotiate(self) -> str:
        return "1.51"

    def get(self, *paths: str) -> Iterator[Answer]:
        for path in paths:
            self.asked.append(path)
            yield self.answers.get(path, answer({"message": "no such thing"}, 404))


def inspected(
    id_: str = "a" * 64,
    name: str = "web",
    *,
    host: Mapping[str, object] | None = None,
    config: Mapping[str, object] | None = None,
    **more: object,
) -> dict[str, object]:
    """Give the least that the engine says of a container, with changes."""
    return {
        "Id": id_,
        "Name": f"/{name}",
        "Image": "sha256:" + "d" * 64,
        "Path": "/bin/sleep",
        "State": {"Status": "running", "Pid": 4711},
        "Config": {"Image": "shop/web:1", **(config or {})},
        "HostConfig": {"NetworkMode": "bridge", **(host or {})},
        **more,
    }


def engine_with(*containers: Mapping[str, object], **more: Answer) -> FakeReader:
    """Give an engine that runs these containers; `more` replaces its answers by their name."""
    listing = [{"Id": c["Id"], "Names": [c["Name"]], "ImageID": c["Image"]} for c in containers]
    answers = {
        "/containers/json?all=0": answer(listing),
        **{f"/containers/{c['Id']}/json": answer(c) for c in containers},
        **{f"/{name}": one for name, one in more.items()},
    }
    return FakeReader(answers)
