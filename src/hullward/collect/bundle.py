"""What the collector script wrote, taken apart: an answer for each question."""

import binascii
from base64 import b64decode
from collections.abc import Iterable, Mapping

from msgspec import Struct

from hullward.collect.collector import FORMAT
from hullward.model.errors import HullwardError

_TIMED_OUT = frozenset({"124", "137", "143"})
_MISSING, _DENIED = "127", "126"


class Said(Struct, frozen=True):
    """The answer to one question; `problem` says why there is none, or not a whole one."""

    text: str = ""
    status: int = 0
    problem: str = ""


def parse(data: bytes) -> Mapping[str, Said]:
    """Read a bundle; one that was cut off holds what came through, the rest is missing.

    Raises HullwardError for what never was a bundle.
    """
    # A line that was cut off may lack the end of its status.
    lines = data[: data.rfind(b"\n") + 1].decode("ascii", "replace").splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith("hullward-bundle ")), None)
    if start is None:
        raise HullwardError(
            "The answer of the host is not a bundle of hullward's collector.",
            "Run the script of `hullward collect --print-script` with sh, and keep its output.",
        )
    if lines[start].strip() != FORMAT:
        raise HullwardError(
            f"The bundle is of another version ({lines[start][:40].strip()!r}).",
            "Collect again with the script that this hullward prints.",
        )
    return dict(_answers(lines[start + 1 :]))


def is_bundle(data: bytes) -> bool:
    """Whether a file looks like a bundle, rather than a snapshot."""
    return b"hullward-bundle " in data[:4096]


def missing(reason: str, names: Iterable[str]) -> Mapping[str, Said]:
    """Give a bundle without any answer, for a host that could not be asked."""
    return {name: Said(problem=reason) for name in names}


def _answers(lines: Iterable[str]) -> Iterable[tuple[str, Said]]:
    for line in lines:
        fields = line.split(" ")
        if len(fields) != 3:  # noqa: PLR2004 - base64, name, status
            continue
        encoded, name, status = fields
        try:
            raw = b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            yield name, Said(problem="the answer is damaged")
            continue
        yield name, _said(raw.decode(errors="replace"), status)


def _said(text: str, status: str) -> Said:
    code = int(status) if status.isdecimal() and len(status) < 4 else -1  # noqa: PLR2004
    if status in _TIMED_OUT:
        return Said(text, code, "it did not answer in time")
    if status == _MISSING:
        return Said(text, code, "the program is not there")
    if status == _DENIED:
        return Said(text, code, "the program may not be run")
    return Said(text, code)
