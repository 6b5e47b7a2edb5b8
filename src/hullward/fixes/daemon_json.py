"""Edits daemon.json as a text: one key, and every other byte as it was.

The text is located, edited, and parsed again to prove that nothing else has changed.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from hullward.model.errors import HullwardError

_NOTHING = "Nothing was changed."
_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_INDENT = "  "


class _Member(Struct, frozen=True):
    """A key of the outermost object; the places where key and value start and end."""

    key: str
    start: int
    key_end: int
    value: int
    end: int


def parsed(text: str | None, path: str) -> Mapping[str, Any]:
    """Read the file as dockerd does; no file and an empty one hold nothing.

    Raises HullwardError for what dockerd would refuse, or would read in a way that nobody meant.
    """
    if text is None or not text.strip(" \t\r\n"):
        return {}
    if text.startswith("\ufeff"):
        raise HullwardError(
            f"{path} begins with a byte order mark.", f"Save it as UTF-8 without one. {_NOTHING}"
        )
    try:
        value = json.loads(
            text, object_pairs_hook=lambda pairs: _once(pairs, path), parse_constant=_refused
        )
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "it"
        raise HullwardError(
            f"{path} is not JSON: {where}: {_hint(text, error)}.",
            f"`python3 -m json.tool {path}` shows the place. {_NOTHING}",
        ) from error
    if not isinstance(value, dict):
        raise HullwardError(
            f"{path} is JSON, but no object.", f"It must begin with {{ and end with }}. {_NOTHING}"
        )
    return value


def with_key(text: str | None, path: str, key: str, value: str) -> str:
    """Set a key to a string; a new one comes last, laid out as the others are."""
    before = parsed(text, path)
    if text is None or not before:
        after = f"{{\n{_INDENT}{json.dumps(key)}: {json.dumps(value)}\n}}\n"
    else:
        after = _set(text, key, json.dumps(value))
    _prove(after, path, {**before, key: value})
    return after


def without_key(text: str, path: str, key: str) -> str:
    """Remove a key."""
    before = parsed(text, path)
    members = _members(text)
    number = next(i for i, member in enumerate(members) if member.key == key)
    member = members[number]
    if number:
        after = text[: members[number - 1].end] + text[member.end :]
    elif len(members) > 1:
        after = text[: member.start] + text[members[1].start :]
    else:
        head = text[: member.start].rstrip(" \t\r\n")
        after = head + text[member.end :].lstrip(" \t\r\n")
    _prove(after, path, {name: entry for name, entry in before.items() if name != key})
    return after


def _set(text: str, key: str, value: str) -> str:
    members = _members(text)
    for member in members:
        if member.key == key:
            return text[: member.value] + value + text[member.end :]
    first, last = members[0], members[-1]
    before = text[text.index("{") + 1 : first.start]
    if len(members) > 1:
        before = text[members[-2].end : last.start].partition(",")[2]
    colon = text[first.key_end : first.value]
    return f"{text[: last.end]},{before or ' '}{json.dumps(key)}{colon}{value}{text[last.end :]}"


def _members(text: str) -> list[_Member]:
    """Find the members of the outermost object of a text that is JSON."""
    found: list[_Member] = []
    at = text.index("{") + 1
    while True:
        start = _over(text, at)
        if text[start] == "}":
            return found
        if text[start] == ",":
            start = _over(text, start + 1)
        match = _STRING.match(text, start)
        if match is None:
            raise ValueError(text[start : start + 20])
        value = _over(text, _over(text, match.end()) + 1)
        _, at = json.JSONDecoder().raw_decode(text, value)
        found.append(_Member(json.loads(match[0]), start, match.end(), value, at))


def _over(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _prove(text: str, path: str, wanted: Mapping[str, Any]) -> None:
    """Read the new text again: it must hold what was wanted, in the same order, and no more."""
    found = parsed(text, path)
    if list(found.items()) != list(wanted.items()):
        raise HullwardError(f"{path} cannot be edited as a text.", f"Edit it by hand. {_NOTHING}")


def _once(pairs: list[tuple[str, Any]], path: str) -> dict[str, Any]:
    """Refuse a key that stands there twice: programs differ in which one they take."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise HullwardError(f"{path} has the key {key!r} twice.", f"Keep one. {_NOTHING}")
        found[key] = value
    return found


def _refused(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _hint(text: str, error: Exception) -> str:
    """Say what is wrong in the words of the usual slips."""
    if not isinstance(error, json.JSONDecodeError):
        return str(error) or type(error).__name__
    rest = text[error.pos :].lstrip()
    before = text[: error.pos].rstrip()
    if rest.startswith(("//", "/*", "#")):
        return "a comment, which JSON does not have"
    if (rest.startswith("}") and before.endswith(",")) or "trailing comma" in error.msg:
        return "a comma before the closing bracket"
    return error.msg[:1].lower() + error.msg[1:]
