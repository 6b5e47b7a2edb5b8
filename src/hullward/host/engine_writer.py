"""Changes made through the Docker Engine API. What only reads must not be given this type."""

import http.client
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from typing import Any, Self
from urllib.parse import quote

import msgspec

from hullward.host.contexts import Target
from hullward.host.deadline import Deadline
from hullward.host.endpoints import Endpoint
from hullward.host.engine import EngineClient
from hullward.host.links import Link, dial
from hullward.host.reader import Access
from hullward.model.errors import HullwardError

_LIMIT = 64 * 1024 * 1024
_NO_SUCCESS = 300
_UNCHANGED, _MISSING = 304, 404
_FRAME = 8
_GLANCE = 0.1
_DAY = 86400.0
# As of timeout(1).
_GIVEN_UP = 124

Until = Callable[[], str]


class Refused(HullwardError):  # noqa: N818 - the engine's no is an answer
    """The engine's no to one request, with its HTTP status."""

    def __init__(self, status: int, message: str, what: str) -> None:
        """Say what was asked and what the engine answered."""
        super().__init__(f"The engine refused {what} ({status}): {message}.", "")
        self.status = status
        self.message = message


class _Wire(http.client.HTTPConnection):
    """HTTP over any link to an engine."""

    def __init__(self, endpoint: Endpoint, access: Access) -> None:
        super().__init__("docker")
        self._endpoint = endpoint
        self._access = access
        self._link: Link | None = None

    def connect(self) -> None:
        self._link = dial(self._endpoint, Deadline(self._access.timeout), self._access)
        self.sock = self._link.sock

    def hang_up(self) -> None:
        """End a conversation that another thread waits in."""
        with suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.close()

    def close(self) -> None:
        super().close()
        if self._link:
            self._link.close()
        self._link = None


class EngineWriter:
    """Asks and changes one engine. Use it as a context manager; raises HullwardError."""

    def __init__(self, target: Target, access: Access) -> None:
        """Agree on a version of the API."""
        self._target = target
        self._access = access
        with EngineClient(target.endpoint, Deadline(access.timeout), access) as client:
            self.api = client.negotiate()
        self._wire = _Wire(target.endpoint, access)

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self._wire.close()

    def ask(self, method: str, path: str, body: object = None, seconds: float = 0) -> Any:  # noqa: ANN401 - any JSON
        """Send one request and give the decoded answer; raises Refused for the engine's no."""
        data = self.raw(method, path, msgspec.json.encode(body) if body else b"", seconds=seconds)
        return msgspec.json.decode(data) if data.strip() else None

    def raw(
        self,
        method: str,
        path: str,
        data: bytes = b"",
        kind: str = "application/json",
        seconds: float = 0,
    ) -> bytes:
        """Send one request and give the answer's bytes; it may take longer by `seconds`."""
        status, answer = self._exchange(self._wire, method, path, data, kind, seconds)
        if status >= _NO_SUCCESS and status != _UNCHANGED:
            raise Refused(status, _message(answer), f"{method} {path.partition('?')[0]}")
        return answer

    def remove(self, path: str) -> None:
        """Delete something that may be gone already."""
        try:
            self.raw("DELETE", path, seconds=60)
        except Refused as error:
            if error.status != _MISSING:
                raise

    def execute(
        self, container: str, command: tuple[str, ...], variables: tuple[str, ...], until: Until
    ) -> tuple[int, str]:
        """Run a command in a running container; give its exit code and its words.

        `until` is asked now and then how the wait should end, "" for not yet; then the code is 124.
        """
        made = self.ask(
            "POST",
            f"/containers/{quote(container)}/exec",
            {"Cmd": command, "Env": variables, "AttachStdout": True, "AttachStderr": True},
        )
        wire = _Wire(self._target.endpoint, self._access)
        start = msgspec.json.encode({"Detach": False, "Tty": False})
        path = f"/exec/{made['Id']}/start"
        kind = "application/json"
        with ThreadPoolExecutor(1) as beside:
            running = beside.submit(self._exchange, wire, "POST", path, start, kind, _DAY)
            try:
                while not wait([running], _GLANCE).done:
                    if why := until():
                        return _GIVEN_UP, why
            finally:
                wire.hang_up()
            _, said = running.result()
        state = self.ask("GET", f"/exec/{made['Id']}/json")
        return int(state.get("ExitCode") or 0), unframed(said).decode(errors="replace")

    def _exchange(  # noqa: PLR0913, PLR0917 - one request has so many parts
        self, wire: _Wire, method: str, path: str, data: bytes, kind: str, seconds: float
    ) -> tuple[int, bytes]:
        patience = self._access.timeout + seconds
        try:
            if wire.sock is None:
                wire.connect()
            wire.sock.settimeout(patience)
            wire.request(method, f"/v{self.api}{path}", data, {"Content-Type": kind})
            response = wire.getresponse()
            answer = response.read(_LIMIT)
        except TimeoutError as error:
            wire.close()
            raise HullwardError(
                f"The engine did not answer within {patience:g} seconds.",
                "Give it more with --timeout, or see what keeps it busy (`docker info`).",
            ) from error
        except (OSError, http.client.HTTPException, socket.gaierror) as error:
            wire.close()
            raise HullwardError(
                f"The engine broke off the conversation ({str(error)[:200] or 'no reason'}).",
                "Look at its log (`journalctl -u docker`), and try again.",
            ) from error
        return response.status, answer


def unframed(stream: bytes) -> bytes:
    """Join the frames of a container's two outputs; a stream without frames is given as it is.

    Source: Engine API, "Attach to a container", stream format.
    """
    parts = []
    at = 0
    while at + _FRAME <= len(stream):
        kind, size = struct.unpack(">BxxxL", stream[at : at + _FRAME])
        if kind > 2 or stream[at + 1 : at + 4] != b"\0\0\0":  # noqa: PLR2004 - stdin, stdout, stderr
            return stream
        parts.append(stream[at + _FRAME : at + _FRAME + size])
        at += _FRAME + size
    return b"".join(parts)


def _message(answer: bytes) -> str:
    try:
        value = msgspec.json.decode(answer)
    except msgspec.MsgspecError:
        return "no reason given"
    message = value.get("message") if isinstance(value, dict) else None
    return str(message or "no reason given").strip().rstrip(".")[:400]
