"""Files of variables: .env, --env-file and a service's env_file, as compose reads them.

The grammar is that of docs.docker.com/compose/how-tos/environment-variables/variable-interpolation.
"""

import re
from collections import ChainMap
from collections.abc import Mapping
from typing import NoReturn

from hullward.compose import interpolate
from hullward.model.errors import HullwardError

_BLANK = re.compile(r"(?:\s|#[^\n]*)*")
_EXPORT = re.compile(r"export\s+")
_NAME = re.compile(r"[\w.\-\[\] \t\v\f\r\x85\xa0]*")
_SPACE = re.compile(r"[\t\v\f\r \x85\xa0]*")
_ESCAPE = re.compile(r"\\(?:[abcfnrtv$\"\\]|0\d{0,3})")
_ESCAPES = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", '"': '"',
    "\\": "\\", "$": "$$", "c": "\\c",
}  # fmt: skip
_ADVICE = "Write NAME=value lines; `docker compose config` refuses the file too."


def parse(text: str, path: str, known: Mapping[str, str]) -> dict[str, str]:
    """Give the variables of a file; `known` are those that its own values may name.

    `known` wins where a value names a variable. Raises HullwardError with file and line.
    """
    return _Reader(text.removeprefix("\ufeff"), path, known).read()


def parse_raw(text: str, path: str, known: Mapping[str, str]) -> dict[str, str]:
    """Give the variables of a file in the format `raw`: a line each, nothing is replaced."""
    found = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        entry = line.lstrip()
        if not entry or entry.startswith("#"):
            continue
        name, sign, value = entry.partition("=")
        if not name or any(map(str.isspace, name)):
            raise HullwardError(f"{path}:{number}: this is no NAME=value", _ADVICE)
        if sign:
            found[name] = value
        elif name in known:
            found[name] = known[name]
    return found


class _Reader:
    """One file being read."""

    def __init__(self, text: str, path: str, known: Mapping[str, str]) -> None:
        self.text = text.replace("\r\n", "\n")
        self.path = path
        self.known = known
        self.found: dict[str, str] = {}
        self.values = ChainMap(dict(known), self.found)
        self.position = 0
        self.length = 0

    def read(self) -> dict[str, str]:
        while True:
            self._skip(_BLANK)
            if self.position >= len(self.text):
                return self.found
            self._statement()

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.position)
        if match is None:
            return ""
        self.position = match.end()
        return match[0]

    def _statement(self) -> None:
        self._skip(_EXPORT)
        name = self._skip(_NAME).strip()
        sign = self.text[self.position : self.position + 1]
        if sign not in {"=", ":", "\n", ""} or " " in name:
            self._fail("this is no NAME=value")
        self.position += 1
        if sign in {"\n", ""}:  # a name alone hands the variable on
            if name in self.known:
                self.found[name] = self.known[name]
            return
        self._skip(_SPACE)
        self.found[name] = self._value()

    def _value(self) -> str:
        quote = self.text[self.position : self.position + 1]
        if quote in {'"', "'"}:
            inner = self._quoted(quote)
            return inner if quote == "'" else self._fill(_ESCAPE.sub(_unescape, inner))
        end = self.text.find("\n", self.position)
        end = len(self.text) if end < 0 else end
        value = self.text[self.position : end].partition(" #")[0].rstrip()
        filled = self._fill(value)
        self.position = end + 1
        return filled

    def _quoted(self, quote: str) -> str:
        pattern = re.compile(rf"{quote}((?:[^{quote}\\]|\\.)*){quote}", re.DOTALL)
        match = pattern.match(self.text, self.position)
        if match is None:
            self._fail("a quote is not closed")
        self.position = match.end()
        return match[1].replace("\\" + quote, quote)

    def _fill(self, value: str) -> str:
        try:
            filled = interpolate.fill(value, self.values).text
        except interpolate.BadTemplateError as error:
            self._fail(str(error))
        self.length += len(filled)
        if self.length > interpolate.MAX_LENGTH:
            self._fail(f"its variables make more than {interpolate.MAX_LENGTH} characters")
        return filled

    def _fail(self, what: str) -> NoReturn:
        line = self.text.count("\n", 0, self.position) + 1
        raise HullwardError(f"{self.path}:{line}: {what}", _ADVICE)


def _unescape(match: re.Match[str]) -> str:
    body = match[0][1:]
    if body[0] == "0":
        return chr(int(body, 8)) if int(body, 8) <= 0xFF else match[0]  # noqa: PLR2004 - Go's octal
    return _ESCAPES[body]
