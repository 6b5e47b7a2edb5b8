"""Values as YAML text, in the manner of the text around them."""

import re
from collections.abc import Iterator

from msgspec import Struct

from hullward.compose.changes import Leaf, Nested
from hullward.model.errors import HullwardError

# Plain texts that YAML 1.1 and 1.2 both read as this text, also inside [] and {}.
_PLAIN = re.compile(r"([A-Za-z/$][A-Za-z0-9_./:=@${}?+-]*(?<!:)|[0-9]+[kmg]b?)\Z")
_FLOW_SIGNS = frozenset("{}")
_WORDS = frozenset("y n yes no on off true false null".split())  # noqa: SIM905 - read as one line


class Manner(Struct, frozen=True):
    """How to write: `quote` is the sign for texts ("" where none is needed), `step` an indent.

    `dash` is how far a list stands right of its key, `gap` what follows a dash; `newline` ends
    lines. `json` keeps to JSON.
    """

    quote: str = ""
    step: int = 2
    dash: int = 2
    gap: str = " "
    newline: str = "\n"
    json: bool = False


def plain(text: str, *, flow: bool = False) -> bool:
    """Whether a text needs no quotes."""
    if flow and not _FLOW_SIGNS.isdisjoint(text):
        return False
    return bool(_PLAIN.match(text)) and text.lower() not in _WORDS


def scalar(value: bool | int | str, manner: Manner, *, flow: bool = False) -> str:  # noqa: FBT001 - a value
    """Write one value; raises HullwardError for a text with control characters."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not value.isprintable():
        raise HullwardError(f"{value!r} cannot be written into a file.", "Use printable text.")
    if not manner.quote and not manner.json and plain(value, flow=flow):
        return value
    if manner.quote == "'" and not manner.json:
        return "'" + value.replace("'", "''") + "'"
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def flow(value: Nested, manner: Manner) -> str:
    """Write a value on one line, without its comment."""
    if not isinstance(value, Leaf):
        return "{" + ", ".join(pair(key, item, manner) for key, item in value.items()) + "}"
    if isinstance(value.value, tuple):
        return "[" + ", ".join(scalar(item, manner, flow=True) for item in value.value) + "]"
    return scalar(value.value, manner, flow=True)


def pair(key: str, value: Nested, manner: Manner) -> str:
    """Write `key: value` as it stands between braces."""
    return f"{scalar(key, manner) if manner.json else key}: {flow(value, manner)}"


def block(key: str, value: Nested, manner: Manner) -> Iterator[str]:
    """Give the lines of `key: value`, without line ends."""
    if not isinstance(value, Leaf):
        yield f"{key}:"
        for inner, item in value.items():
            for line in block(inner, item, manner):
                yield " " * manner.step + line
    elif isinstance(value.value, tuple):
        yield f"{key}:{behind(value.comment)}"
        for line in items(Leaf(value.value), manner):
            yield " " * manner.dash + line
    else:
        yield f"{key}: {scalar(value.value, manner)}{behind(value.comment)}"


def items(leaf: Leaf, manner: Manner) -> Iterator[str]:
    """Give the lines of a list's items, without line ends."""
    for item in leaf.value if isinstance(leaf.value, tuple) else ():
        yield f"-{manner.gap}{scalar(item, manner)}{behind(leaf.comment)}"


def behind(comment: str) -> str:
    """Write a comment as it follows a value; "" for none."""
    if not comment.isprintable():
        raise HullwardError(f"{comment!r} cannot be a comment.", "Use printable text.")
    return f"  # {comment}" if comment else ""


def comments(value: Nested) -> Iterator[str]:
    """Give the comments of a value's leaves."""
    if isinstance(value, Leaf):
        if value.comment:
            yield value.comment
    else:
        for item in value.values():
            yield from comments(item)
