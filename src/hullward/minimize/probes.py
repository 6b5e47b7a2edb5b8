"""Probes: what a user says that "it works" means. Words in, what to send out, answers judged."""

import re
from urllib.parse import urlsplit

from msgspec import Struct

from hullward.model.errors import HullwardError

_FORMS = (
    "A probe is http://[HOST][:PORT][/PATH] [STATUS] [TEXT THAT IS EXPECTED], tcp://:PORT "
    "[TEXT THAT IS EXPECTED], or cmd:COMMAND."
)
_STATUS_LINE = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})")
_STATUS = re.compile(r"[1-5][0-9]{2}")
_PORTS = 65535


class Http(Struct, frozen=True, tag="http"):
    """GET a path of the container; any status below 400 passes, or exactly `status`.

    The answer must hold the text that is `expected`.
    """

    port: int
    path: str
    host: str = ""
    status: int = 0
    expected: str = ""

    def __str__(self) -> str:
        """Write it as the user does."""
        words = (
            f"http://{self.host}:{self.port}{self.path}",
            str(self.status or ""),
            self.expected,
        )
        return " ".join(filter(None, words))


class Tcp(Struct, frozen=True, tag="tcp"):
    """Connect to a port of the container; with `expected`, read until this text has come."""

    port: int
    expected: str = ""

    def __str__(self) -> str:
        """Write it as the user does."""
        return f"tcp://:{self.port}{' ' + self.expected if self.expected else ''}"


class Command(Struct, frozen=True, tag="cmd"):
    """Run a command in a helper container beside the trial; exit status 0 passes."""

    command: str

    def __str__(self) -> str:
        """Write it as the user does."""
        return f"cmd:{self.command}"


Probe = Http | Tcp | Command


def parse(word: str) -> Probe:
    """Read a probe; raises HullwardError for what is none."""
    kind, separator, rest = word.partition(":")
    if not separator or not rest.strip() or (kind.lower() != "cmd" and not word.isprintable()):
        raise _no_probe(word)
    match kind.lower():
        case "cmd":
            return Command(rest.strip())
        case "tcp":
            place, _, expected = rest.removeprefix("//").partition(" ")
            return Tcp(_port(word, place.rpartition(":")[2]), expected.strip())
        case "http":
            return _http(word, rest)
        case _:
            raise _no_probe(word)


def _http(word: str, rest: str) -> Http:
    address, _, words = rest.strip().partition(" ")
    first, _, others = words.strip().partition(" ")
    status, expected = (first, others.strip()) if _STATUS.fullmatch(first) else ("", words.strip())
    address = address if address.startswith("//") else f"//{address}"
    try:
        parts = urlsplit(f"http:{address}")
        port = parts.port if parts.port is not None else 80
    except ValueError as error:
        raise _no_probe(word) from error
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.username or not path.isascii() or not path.isprintable():
        raise _no_probe(word)
    return Http(_port(word, str(port)), path, parts.hostname or "", int(status or 0), expected)


def _port(word: str, text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= _PORTS:
        raise _no_probe(word)
    return int(text)


def _no_probe(word: str) -> HullwardError:
    return HullwardError(f"{word!r} is no probe.", _FORMS)


def request(probe: Http | Tcp, name: str) -> bytes:
    """Give the bytes to send; `name` stands for the container where the probe names no host."""
    if isinstance(probe, Tcp):
        return b""
    host = probe.host or name
    place = host if probe.port == 80 else f"{host}:{probe.port}"  # noqa: PLR2004 - HTTP's own
    return (
        f"GET {probe.path} HTTP/1.1\r\nHost: {place}\r\nUser-Agent: hullward\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n"
    ).encode("ascii", "replace")


def judge(probe: Http | Tcp, answer: bytes) -> str:
    """Say what is wrong with an answer, "" for nothing."""
    if isinstance(probe, Tcp):
        found = probe.expected.encode() in answer
        return "" if found else f"{probe}: the answer was {answer[:80]!r}"
    match = _STATUS_LINE.match(answer)
    if not match:
        return f"{probe}: no HTTP came back"
    status = int(match[1])
    good = status == probe.status if probe.status else status < 400  # noqa: PLR2004 - RFC 9110
    if not good:
        return f"{probe}: status {status}"
    return "" if probe.expected.encode() in answer else f"{probe}: the answer lacks that text"


def synthesised(listeners: frozenset[str]) -> tuple[Tcp, ...]:
    """Make probes of what listened in a good life: a connection to each TCP port, no more."""
    ports = set()
    for listener in listeners:
        protocol, _, place = listener.partition(" ")
        address, _, port = place.rpartition(":")
        if protocol == "tcp" and not address.startswith(("127.", "::1", "[::1")):
            ports.add(int(port))
    return tuple(Tcp(port) for port in sorted(ports))
