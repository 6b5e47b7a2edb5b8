"""The words of a Dockerfile's instructions: flags, quotes, escapes and variables.

The grammar is that of BuildKit's frontend/dockerfile/shell. A variable without a value is empty,
one whose value is not known makes the whole word unknown.
"""

import re
from collections.abc import Mapping
from fnmatch import translate

BLANK = " \t\r\n\v\f"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?\-$!]")
_LONGEST = 1 << 16
_DEEPEST = 20
# The longest pattern, and the longest value, that is tried character by character.
_PATTERN, _TRIED = 20, 200


class Unresolved(Exception):  # noqa: N818 - a reason, not a fault
    """A word that cannot be known, and why."""


def split(text: str, escape: str) -> list[str]:
    """Split at white space outside of quotes; quotes and escapes stay."""
    words: list[str] = []
    quote, start, position = "", -1, 0
    while position < len(text):
        char = text[position]
        if not quote and char in BLANK:
            if start >= 0:
                words.append(text[start:position])
            start = -1
        else:
            start = position if start < 0 else start
            if char == escape and quote != "'":
                position += 1
            elif char in "\"'" and quote in {"", char}:
                quote = "" if quote else char
        position += 1
    return [*words, text[start:]] if start >= 0 else words


def flags(text: str, escape: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """Take the words with two dashes off the front; `--` alone ends them."""
    found, position = [], 0
    while text.startswith("--", position):
        word, position = _word(text, position, escape)
        while position < len(text) and text[position] in BLANK:
            position += 1
        if word == "--":
            break
        name, _, value = word[2:].partition("=")
        found.append((name, value))
    return tuple(found), text[position:]


def bare(word: str, escape: str) -> str:
    """Take quotes and escapes off the first word of a text."""
    return _word(word, 0, escape)[0]


def _word(text: str, position: int, escape: str) -> tuple[str, int]:
    """Read a word without its quotes; gives where it ends too."""
    quote, word = "", []
    while position < len(text):
        char = text[position]
        if char == escape and quote != "'" and position + 1 < len(text):
            position += 1
            word.append(text[position])
        elif quote and char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote = char
        elif not quote and char in BLANK:
            break
        else:
            word.append(char)
        position += 1
    return "".join(word), position


def expand(text: str, values: Mapping[str, str | None], escape: str, *, missing: str = "") -> str:
    """Replace variables and take off quotes; a value of None is not known.

    Raises Unresolved for such a value, for a grammar fault, for a text that grows too large, and
    for a variable that is not in `values` where `missing` gives a reason.
    """
    return _Expansion(text, values, escape, missing).run()


class _Expansion:
    """One pass over one text."""

    def __init__(
        self, text: str, values: Mapping[str, str | None], escape: str, missing: str
    ) -> None:
        self.text, self.values, self.escape, self.missing = text, values, escape, missing
        self.position = self.depth = self.size = 0

    def run(self) -> str:
        """Give the whole text."""
        return self._until("")

    def _until(self, stop: str) -> str:
        pieces: list[str] = []
        self.depth += 1
        if self.depth > _DEEPEST:
            raise Unresolved("its variables are nested too deep")
        while self.position < len(self.text):
            char = self.text[self.position]
            if stop and char == stop:
                self.position += 1
                self.depth -= 1
                return self._joined(pieces)
            if char == "'":
                pieces.append(self._single())
            elif char == '"':
                pieces.append(self._double())
            elif char == "$":
                pieces.append(self._variable())
            else:
                pieces.append(self._character())
        if stop:
            raise Unresolved("a ${ has no }")
        self.depth -= 1
        return self._joined(pieces)

    def _joined(self, pieces: list[str]) -> str:
        if sum(map(len, pieces)) > _LONGEST:
            raise Unresolved("its value is longer than 64 KiB")
        return "".join(pieces)

    def _character(self) -> str:
        char = self.text[self.position]
        self.position += 1
        if char == self.escape:
            char = self.text[self.position : self.position + 1]
            self.position += 1
        return char

    def _single(self) -> str:
        end = self.text.find("'", self.position + 1)
        if end < 0:
            raise Unresolved("a ' has no end")
        inner = self.text[self.position + 1 : end]
        self.position = end + 1
        return inner

    def _double(self) -> str:
        pieces: list[str] = []
        self.position += 1
        while self.position < len(self.text):
            char = self.text[self.position]
            if char == '"':
                self.position += 1
                return self._joined(pieces)
            if char == "$":
                pieces.append(self._variable())
                continue
            if char == self.escape:
                following = self.text[self.position + 1 : self.position + 2]
                if following and following in f'"${self.escape}':
                    self.position += 1
                    char = following
            pieces.append(char)
            self.position += 1
        raise Unresolved('a " has no end')

    def _variable(self) -> str:
        self.position += 1
        braced = self.text.startswith("{", self.position)
        self.position += braced
        match = _NAME.match(self.text, self.position)
        if match is None:
            if braced:
                raise Unresolved("a ${ holds no name")
            return "$"
        self.position = match.end()
        return self._braced(match[0]) if braced else self._value(match[0])

    def _value(self, name: str) -> str:
        if name in self.values:
            value = self.values[name]
            if value is None:
                raise Unresolved(f"the value of {name[:40]} is not known")
            return value
        if self.missing:
            raise Unresolved(f"{name[:40]} is not set here, and {self.missing}")
        return ""

    def _braced(self, name: str) -> str:
        operator = self.text[self.position : self.position + 1]
        self.position += 1
        if operator == "}":
            return self._value(name)
        colon = operator == ":"
        if colon:
            operator = self.text[self.position : self.position + 1]
            self.position += 1
        if operator and operator in "+-?":
            return self._choice(name, operator, self._until("}"), colon=colon)
        if operator and operator in "#%/" and not colon:
            longest = self.text[self.position : self.position + 1] == operator
            self.position += longest
            return self._trimmed(name, operator, self._until("}"), longest=longest)
        raise Unresolved(f"${{{name[:40]} is written in a way that is not known")

    def _choice(self, name: str, operator: str, word: str, *, colon: bool) -> str:
        if name not in self.values and self.missing:
            return self._value(name)
        value = self._value(name) if name in self.values else None
        there = bool(value) if colon else value is not None
        if operator == "+":
            return word if there else ""
        if operator == "?" and not there:
            raise Unresolved(f"{name[:40]} must be set")
        return (value or "") if there else word

    def _trimmed(self, name: str, operator: str, word: str, *, longest: bool) -> str:
        value = self._value(name)
        if operator == "/":
            pattern, _, new = word.partition("/")
            if any(char in pattern for char in "*?["):
                raise Unresolved(f"${{{name[:40]}/…}} is not worked out here")
            return value.replace(pattern, new, -1 if longest else 1) if pattern else value
        ends = range(len(value) + 1)
        fits = re.compile(translate(word)).match if len(word) <= _PATTERN else None
        if fits is None or len(value) > _TRIED:
            raise Unresolved(f"${{{name[:40]}{operator}…}} is not worked out here")
        if operator == "#":
            cuts = [cut for cut in ends if fits(value[:cut])]
            return value[cuts[-1 if longest else 0] :] if cuts else value
        cuts = [cut for cut in ends if fits(value[cut:])]
        return value[: cuts[0 if longest else -1]] if cuts else value
