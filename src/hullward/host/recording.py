"""A recording: what a Docker engine answered once, by the paths that were asked for."""

import io
import re
import tarfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec import Struct, field

from hullward.host.engine import Answer
from hullward.model.errors import HullwardError

JSON, TAR = "application/json", "application/x-tar"
REDACTED = "redacted"
RUNNING, ALL = "/containers/json?all=0", "/containers/json?all=1"
SOURCES = (
    "/version", "/info", RUNNING, ALL, "/volumes", "/networks", "/plugins", "/swarm", "/nodes",
    "/images/json",
)  # fmt: skip


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
            one = self._answers.get(path) or missing(path)
            yield Answer(one.status, one.content_type, packed(path, one))


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
        listing = msgspec.json.decode(answers[RUNNING].body, type=list[dict[str, Any]])
        if not listing and count:
            raise HullwardError(
                "The recording has no running container to multiply.", "Capture another engine."
            )
        self._answers, self._listing, self._count = answers, listing, count
        self._places = {entry["Id"]: place for place, entry in enumerate(listing)}
        self._numbers = {self._id(number): number for number in range(count)}

    def __getitem__(self, path: str) -> Recorded:
        if path in {RUNNING, ALL}:
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


def missing(path: str) -> Recorded:
    """Answer a path that the recording does not hold, as an engine does."""
    return Recorded(404, body=message(f"page not found: {path} is not in the recording"))


def packed(path: str, recorded: Recorded) -> bytes:
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


def message(text: str) -> str:
    """Write an error as the engine does."""
    return msgspec.json.encode({"message": text}).decode()
