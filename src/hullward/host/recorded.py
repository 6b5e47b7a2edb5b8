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
from typing import Any, Protocol, Self
from urllib.parse import quote

import msgspec
from msgspec import Struct, field

from hullward.host.contexts import Contexts, environment
from hullward.host.engine import Answer
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


class Reader(Protocol):
    """Whatever answers as an engine does."""

    def negotiate(self) -> str:
        """Agree on an API version."""

    def get(self, *paths: str) -> Iterator[Answer]:
        """Ask for every path, and get the answers in the same order."""


class Replay:
    """A recording that is asked without a socket."""

    def __init__(self, recording: Recording) -> None:
        """Answer from the recording."""
        self._answers = recording.answers

    def negotiate(self) -> str:
        """Give the API version of the engine that was recorded."""
        return self._answers["/_ping"].headers["Api-Version"]

    def get(self, *paths: str) -> Iterator[Answer]:
        """Give the answers in the order of the paths."""
        for path in paths:
            one = self._answers.get(path) or _missing(path)
            yield Answer(one.status, one.content_type, _packed(path, one))


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
        recorded = self.server.recording.answers.get(path) or _missing(path)
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


def _missing(path: str) -> Recorded:
    return Recorded(404, body=_message(f"page not found: {path} is not in the recording"))


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


def capture(client: Reader, replaced: Mapping[str, str] | None = None) -> Recording:
    """Ask an engine for all that an audit asks, and keep the answers `reduced`.

    `replaced` maps texts to others, such as paths that say too much about the machine.
    """
    api = client.negotiate()
    found = _asked(client, _SOURCES)
    listed = _objects(found[_ALL])
    containers = [f"/containers/{quote(entry['Id'], safe='')}" for entry in listed]
    images = sorted({entry["ImageID"] for entry in listed if entry.get("ImageID")})
    found |= _asked(client, [f"{path}/json" for path in containers])
    found |= _asked(client, [f"/images/{quote(image, safe=':')}/json" for image in images])
    inspected = {path: entry for path in containers for entry in _objects(found[f"{path}/json"])}
    sessions = {id_ for entry in inspected.values() for id_ in entry.get("ExecIDs") or ()}
    found |= _asked(client, [f"/exec/{quote(id_, safe='')}/json" for id_ in sorted(sessions)])
    users = {path: entry["Config"]["User"].partition(":")[0] for path, entry in inspected.items()}
    named = [path for path, user in users.items() if not _KNOWN_USER.fullmatch(user)]
    recorded = {path: reduced(path, answer) for path, answer in found.items()}
    for path in named:
        question = f"{path}/archive?path=/etc/passwd"
        recorded[question] = _one_user(_asked(client, [question])[question], users[path])
    recorded["/_ping"] = Recorded(200, "text/plain", {"Api-Version": api}, "OK")
    return Recording({path: _replaced(one, replaced or {}) for path, one in recorded.items()})


def _asked(client: Reader, paths: Sequence[str]) -> dict[str, Answer]:
    return dict(zip(paths, client.get(*paths), strict=True))


def _objects(answer: Answer) -> list[dict[str, Any]]:
    """Give the object or the objects of an answer, none where the engine refused it."""
    value = msgspec.json.decode(answer.body) if answer.ok else []
    return value if isinstance(value, list) else [value]


def _replaced(recorded: Recorded, replaced: Mapping[str, str]) -> Recorded:
    body = recorded.body
    for old, new in replaced.items():
        body = body.replace(old, new)
    return msgspec.structs.replace(recorded, body=body)


# The keys whose texts hullward reads, or which a typed client must be able to parse.
_TEXTS = frozenset(
    """
    ApiVersion AppArmorProfile Arch Architecture CapAdd CapDrop Capabilities CgroupDriver
    CgroupParent CgroupPermissions CgroupVersion CgroupnsMode CpusetCpus Created CreatedAt
    DefaultRuntime Destination DeviceCgroupRules DockerRootDir Driver ExecIDs FinishedAt GroupAdd
    HostIp HostPort Id Image ImageID IpcMode KernelVersion LastTagTime LocalNodeState LoggingDriver
    MaskedPaths MinAPIVersion MountLabel Name Names NetworkMode OSType OperatingSystem Os Path
    PathInContainer PathOnHost PidMode ProcessLabel Propagation ReadonlyPaths RepoDigests RepoTags
    Runtime Scope SecurityOptions ServerVersion Source StartedAt State Status SystemTime Type
    UTSMode User UsernsMode Version Warnings
    """.split()  # noqa: SIM905 - words are read more easily than quotes
)
# The objects whose keys are names of things, not of fields.
_MAPS = frozenset({"ExposedPorts", "Networks", "PortBindings", "Ports"})
_FIELD = re.compile(r"[A-Z]\w*")
_LABELS = re.compile(
    r"com\.docker\.(compose\.(project(\.config_files|\.working_dir)?|service)|swarm\.service\.name)"
    r"|com\.centurylinklabs\.watchtower\.enable"
)
_API_ARGUMENT = re.compile(r"((-H|--host)=?)?tcp://[\w.:\[\]-]*|--tlsverify(=true)?")
_SECCOMP = re.compile(r"seccomp[=:]\s*\{")
_KNOWN_USER = re.compile(r"(root|[0-9]{1,10})?")
_VARIABLE = re.compile(r"[^=\s]{1,200}")


def reduced(path: str, answer: Answer) -> Recorded:
    """Keep of an answer what hullward reads: numbers, fields, and texts of the known keys.

    Every other text becomes empty, every other object with free keys loses them. Of environment
    variables the names are kept, of arguments those with which a daemon opens its API.
    """
    try:
        value = msgspec.json.decode(answer.body)
    except ValueError:
        return Recorded(answer.status)
    if not answer.ok:
        text = value.get("message", "") if isinstance(value, dict) else ""
        return Recorded(answer.status, body=_message(str(text)[:300]))
    if path.startswith("/exec/"):
        process = value.get("ProcessConfig") or {}
        kept = {key: process[key] for key in ("user", "privileged") if key in process}
        value = {"Running": value.get("Running", False), "ProcessConfig": kept}
    else:
        value = _kept("", value)
    if path == "/info":
        value.pop("Name", None)
    return Recorded(answer.status, body=msgspec.json.encode(value).decode())


def _kept(key: str, value: Any) -> Any:  # noqa: ANN401 - any JSON
    special = _SPECIAL.get(key)
    if special and value is not None:
        return special(value)
    match value:
        case str():
            return value if key in _TEXTS else ""
        case list():
            return [_kept(key, item) for item in value]
        case dict() if key in _MAPS:
            return {name: _kept("", item) for name, item in value.items()}
        case dict():
            return {k: _kept(k, item) for k, item in value.items() if _FIELD.fullmatch(k)}
        case _:
            return value


def _labels(value: Any) -> Any:  # noqa: ANN401 - an object, or the list of /info
    if not isinstance(value, dict):
        return []
    return {name: text for name, text in value.items() if _LABELS.fullmatch(name)}


def _environment(value: list[Any]) -> list[Any]:
    """Keep the names; a managed plugin has objects in place of texts."""
    kept = []
    for entry in value:
        name = _VARIABLE.match(entry) if isinstance(entry, str) and "=" in entry else None
        if name:
            kept.append(f"{name[0]}={REDACTED}")
    return kept


def _security_options(value: list[str]) -> list[str]:
    """Keep of a seccomp profile written in full its default action."""
    kept = []
    for option in value:
        profile: Any = {}
        if _SECCOMP.match(option):
            with suppress(ValueError):
                profile = msgspec.json.decode(option[len("seccomp=") :])
            action = profile.get("defaultAction", "") if isinstance(profile, dict) else ""
            kept.append("seccomp=" + msgspec.json.encode({"defaultAction": action}).decode())
        else:
            kept.append(option)
    return kept


def _driver_options(value: Mapping[str, str]) -> dict[str, str]:
    """Keep the options' names, and what says which path of the host a volume is."""
    return {name: _driver_option(name, text) if text else "" for name, text in value.items()}


def _driver_option(name: str, text: str) -> str:
    if name in {"type", "com.docker.network.bridge.enable_icc"}:
        return text
    if name == "device":
        if text.startswith("/") and not text.startswith("//"):
            return text
        userinfo = re.search(r"//[^/@\s]*:[^/@\s]*@", text)
        return f"//{REDACTED}:{REDACTED}@{REDACTED}" if userinfo else REDACTED
    if name == "o":
        return ",".join(_mount_flag(flag) for flag in text.split(","))
    return REDACTED


def _mount_flag(flag: str) -> str:
    name, _, value = flag.partition("=")
    return flag if name == "lowerdir" or not value else f"{name}={REDACTED}"


_SPECIAL: Mapping[str, Callable[[Any], Any]] = {
    "Args": lambda value: [word for word in value if _API_ARGUMENT.fullmatch(str(word))],
    "Env": _environment,
    "Labels": _labels,
    "Log": lambda _: [],
    "LogConfig": lambda value: {"Type": value.get("Type", ""), "Config": {}},
    "Options": _driver_options,
    "SecurityOpt": _security_options,
    "Sysctls": lambda value: value,
    "Test": lambda value: ["NONE" if word == "NONE" else "CMD" for word in value[:1]],
}


def _one_user(answer: Answer, user: str) -> Recorded:
    """Keep of a container's /etc/passwd the name and the numbers of one user."""
    if not answer.ok:
        return reduced("", answer)
    text = ""
    with (
        suppress(tarfile.TarError, OSError, EOFError, ValueError),
        tarfile.open(fileobj=io.BytesIO(answer.body)) as archive,
    ):
        member = archive.next()
        file = archive.extractfile(member) if member and member.isfile() else None
        text = file.read().decode(errors="replace") if file else ""
    lines = (line.split(":") for line in text.splitlines())
    kept = [f"{user}:x:{':'.join(fields[2:4])}" for fields in lines if fields[0] == user]
    return Recorded(200, TAR, body="".join(f"{line}\n" for line in kept))


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
