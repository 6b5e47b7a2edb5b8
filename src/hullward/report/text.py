"""Text from outside, made safe to show; and text laid out in cells of a fixed width."""

import unicodedata
from collections.abc import Iterator

_ELLIPSIS = "…"
_BREAKS = "-/:,._"
# Control, format (bidirectional marks, zero width), surrogate, private, line and paragraph breaks.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

_COMBINING = frozenset({"Mn", "Me"})


def visible(text: str) -> str:
    r"""Write every character that a terminal obeys or hides as an escape such as \x1b."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(char: str) -> str:
    if unicodedata.category(char) not in _INVISIBLE:
        return char
    code = ord(char)
    if code < 0x100:  # noqa: PLR2004 - the last code that two digits hold
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 - likewise


def width(text: str) -> int:
    """Count the columns of a terminal that visible text takes."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(char: str) -> int:
    if unicodedata.category(char) in _COMBINING:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fold(text: str, columns: int) -> list[str]:
    """Break text into lines of at most so many columns, at spaces where there are some."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if width(joined) <= columns:
            lines[-1] = joined
            continue
        pieces = list(_pieces(word, columns))
        lines[-1:] = [lines[-1], *pieces] if lines[-1] else pieces
    return lines


def _pieces(word: str, columns: int) -> Iterator[str]:
    """Cut a word that is too long, behind its last punctuation if it has some."""
    piece = ""
    for char in word:
        if piece and width(piece) + _columns(char) > columns:
            cut = max(piece.rfind(mark) for mark in _BREAKS) + 1
            keep = piece[:cut] if width(piece[:cut]) * 2 > columns else piece
            yield keep
            piece = piece[len(keep) :]
        piece += char
    yield piece


def shorten(path: str, columns: int) -> str:
    """Take parts out of the middle of a path until it fits; the ends say the most."""
    if width(path) <= columns or columns < 8:  # noqa: PLR2004 - too narrow to say anything
        return path
    parts = path.split("/")
    head, tail = parts[:2], parts[2:]
    while len(tail) > 1:
        tail.pop(0)
        short = "/".join([*head, _ELLIPSIS, *tail])
        if width(short) <= columns:
            return short
    return path


def pad(text: str, columns: int) -> str:
    """Fill text with spaces up to so many columns."""
    return text + " " * (columns - width(text))
