"""What an edit of a compose file adds, and what became of it."""

from collections.abc import Mapping

from msgspec import Struct

Value = bool | int | str | tuple[str, ...]


class Leaf(Struct, frozen=True):
    """A value to be written, with a comment of one line behind it."""

    value: Value
    comment: str = ""


Nested = Leaf | Mapping[str, "Nested"]


class Change(Struct, frozen=True):
    """One addition to a service.

    `path` leads to a key of the service, such as ("read_only",), ("deploy", "labels") or
    ("ports", 0). A tuple as `value` is added to the list at that key, which need not exist; any
    other value is set where nothing is written yet, or, with `before`, in the place of a text
    that reads exactly so. Texts are as compose reads them, so a `$` of their own is `$$`.
    `comment` is written behind each new line, one line of text.
    """

    service: str
    path: tuple[str | int, ...]
    value: Value
    before: str | None = None
    comment: str = ""


class Piece(Struct, frozen=True, order=True):
    """A part of a text, from `start` to before `end` in characters, and what replaces it."""

    start: int
    end: int
    text: str


class Refusal(Struct, frozen=True):
    """A change that was not made, why, and the line that stands in its way (0: none)."""

    change: Change
    reason: str
    line: int = 0


class Edited(Struct, frozen=True):
    """A text with the changes that were made in it, and those that were not.

    `pieces` are in the order of the old text and do not overlap. `lines` has for each change made
    the line of the new text, from 1, where its first value is; a change that another one has
    made already (through an anchor that services share) is at the same line.
    """

    text: str
    pieces: tuple[Piece, ...] = ()
    made: tuple[Change, ...] = ()
    lines: tuple[int, ...] = ()
    refused: tuple[Refusal, ...] = ()


def spliced(text: str, pieces: tuple[Piece, ...]) -> str:
    """Put pieces into a text; they are in its order and do not overlap."""
    parts = []
    at = 0
    for piece in pieces:
        parts += [text[at : piece.start], piece.text]
        at = piece.end
    return "".join([*parts, text[at:]])


def inverse(text: str, pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Give the pieces that turn the spliced text back into `text`."""
    back = []
    shift = 0
    for piece in pieces:
        start = piece.start + shift
        back.append(Piece(start, start + len(piece.text), text[piece.start : piece.end]))
        shift += len(piece.text) - (piece.end - piece.start)
    return tuple(back)
