"""Variables in a text, as compose replaces them: $V, ${V}, and ${V} with -, :-, +, :+, ? or :?.

The grammar is that of docs.docker.com/reference/compose-file/interpolation; where it says nothing
(braces in a default, line breaks), compose-go's template package decides.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

MAX_DEPTH = 30
MAX_LENGTH = 1_000_000

_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_OPERATOR = re.compile(r":?[-+?]")


class BadTemplateError(ValueError):
    """A text that compose refuses; says what is wrong."""


class Filled(Struct, frozen=True):
    """A text with its variables replaced.

    `missing` are those that are not set and have no default: compose puts nothing in their place.
    `demanded` is the message of a `?` that was not met, as written. `variables` says that there
    were any, `defaults` that a default is written out.
    """

    text: str
    missing: tuple[str, ...] = ()
    demanded: str = ""
    variables: bool = False
    defaults: bool = False


def fill(template: str, values: Mapping[str, str]) -> Filled:
    """Replace the variables of a text; raises BadTemplateError."""
    if "$" not in template:
        return Filled(template)
    filler = _Filler(values)
    text = filler.fill(template, 0)
    return Filled(
        text,
        tuple(dict.fromkeys(filler.missing)),
        filler.demanded,
        filler.variables,
        filler.defaults,
    )


class _Filler:
    """One replacement: the values, and what was met on the way."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values
        self.missing: list[str] = []
        self.demanded = ""
        self.variables = False
        self.defaults = False
        self.length = 0

    def fill(self, template: str, depth: int) -> str:
        if depth > MAX_DEPTH:
            raise BadTemplateError(f"variables are nested more than {MAX_DEPTH} levels deep")
        parts, position = [], 0
        while (sign := template.find("$", position)) >= 0:
            parts.append(template[position:sign])
            part, position = self._at(template, sign, depth)
            parts.append(part)
            self.length += len(part)
            if self.length > MAX_LENGTH:
                raise BadTemplateError(f"its variables make more than {MAX_LENGTH} characters")
        parts.append(template[position:])
        return "".join(parts)

    def _at(self, template: str, sign: int, depth: int) -> tuple[str, int]:
        """Give what stands for the sign at this index, and the index behind it."""
        after = template[sign + 1 : sign + 2]
        if after == "$":
            return "$", sign + 2
        if after == "{":
            return self._braced(template, sign, depth)
        name = _NAME.match(template, sign + 1)
        if name is None:
            return "$", sign + 1
        return self._plain(name[0]), name.end()

    def _plain(self, name: str) -> str:
        self.variables = True
        value = self.values.get(name)
        if value is None:
            self.missing.append(name)
        return value or ""

    def _braced(self, template: str, sign: int, depth: int) -> tuple[str, int]:
        name = _NAME.match(template, sign + 2)
        if name is None:
            raise BadTemplateError("a name must follow ${")
        if template[name.end() : name.end() + 1] == "}":
            return self._plain(name[0]), name.end() + 1
        operator = _OPERATOR.match(template, name.end())
        end = _closing(template, sign)
        if operator is None or end < operator.end():
            raise BadTemplateError("${ is not closed, or holds an operator that compose lacks")
        rest = template[operator.end() : end]
        return self._operate(name[0], operator[0], rest, depth), end + 1

    def _operate(self, name: str, operator: str, rest: str, depth: int) -> str:
        self.variables = True
        value = self.values.get(name)
        present = value is not None and (value != "" or operator[0] != ":")
        if operator[-1] == "-":
            self.defaults = self.defaults or bool(rest)
            return value or "" if present else self.fill(rest, depth + 1)
        if operator[-1] == "+":
            return self.fill(rest, depth + 1) if present else value or ""
        if not present:
            self.demanded = self.demanded or rest or f"{name} is required"
            self.missing.append(name)
        return value or ""


def _closing(template: str, sign: int) -> int:
    """Find the brace that closes ${ on its line: its own, else the line's last; -1 for none."""
    line_end = template.find("\n", sign)
    line_end = len(template) if line_end < 0 else line_end
    last = template.rfind("}", sign, line_end)
    depth, position = 0, sign
    while position <= last:
        if template[position] == "}":
            depth -= 1
            if depth == 0:
                return position
        elif template[position] == "{":
            depth += 1
            position += 1
        position += 1
    return last
