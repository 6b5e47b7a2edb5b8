"""A terminal: how wide it is, what it can paint, and how lines are laid out on it."""

from collections.abc import Iterator

from msgspec import Struct

from hullward.model.severity import Severity
from hullward.report.text import fold

BOLD, DIM, RED, YELLOW, GREEN, _RESET = (
    "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[0m",
)  # fmt: skip
GRADES = {
    Severity.CRITICAL: BOLD + RED,
    Severity.HIGH: RED,
    Severity.MEDIUM: YELLOW,
    Severity.LOW: "",
    Severity.INFO: DIM,
}


class Style(Struct, frozen=True):
    """How wide the terminal is, whether it shows colour, and whether all is to be told."""

    columns: int = 80
    colour: bool = False
    wide: bool = False
    by_risk: bool = False


def paint(text: str, colour: str, style: Style) -> str:
    """Colour a text, if the terminal shows colour."""
    return f"{colour}{text}{_RESET}" if style.colour and colour else text


def hanging(label: str, text: str, style: Style) -> Iterator[str]:
    """Write text after a label, folded and indented below the label's start."""
    indent = " " * (len(label) - len(label.lstrip()) + 2)
    if style.wide:
        yield label + text
        return
    first, *rest = fold(label.lstrip() + text, max(style.columns, 60) - len(indent))
    yield label[: len(label) - len(label.lstrip())] + first
    yield from (indent + line for line in rest)
