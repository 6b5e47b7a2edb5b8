"""An answer of many parts: a line `== name` before each, and `== end` after the last."""

import re
from collections.abc import Mapping

from hullward.collect.bundle import Said

_HEAD = re.compile(r"^== ([^\n]*)\n", re.MULTILINE)
_MISSING = "the collector's answer ends before it"


def split(text: str) -> Mapping[str, str]:
    """Give every whole part; the one in which a cut answer ends is missing."""
    words = _HEAD.split(text if text.endswith("\n") else text + "\r")
    names, parts = words[1::2], words[2::2]
    return dict(zip(names[:-1], parts[:-1], strict=True))


def problem(answers: Mapping[str, Said], name: str) -> str:
    """Say why an answer, or the end of it, is missing."""
    said = answers.get(name)
    return said.problem or _MISSING if said else _MISSING


def number(text: str) -> int | None:
    """Read a count of at most eighteen digits."""
    word = text.strip()
    return int(word) if re.fullmatch(r"[0-9]{1,18}", word) else None
