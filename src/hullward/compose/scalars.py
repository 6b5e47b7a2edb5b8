"""What a plain text of YAML stands for, as compose reads it: the core schema of YAML 1.2.

`on`, `yes` and `22:22` are texts; `0o17` and `017` are 15, `1_000` is 1000 (go.yaml.in/yaml).
"""

import re

Data = str | int | float | bool | None

_NAMED: dict[str, Data] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_NUMBER = re.compile(r"[-+.0-9]")
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASES = (16, 2, 8, 10)
_MAX_DIGITS = 64
_MIN_INTEGER, _MAX_INTEGER = -(2**63), 2**64 - 1


def data(text: str, style: str, tag: str) -> Data:
    """Give the value of a scalar; whatever is quoted or tagged as a text is one."""
    if style or tag in {"!", "tag:yaml.org,2002:str"}:
        return text
    if tag and not tag.startswith("tag:yaml.org,2002:") and tag not in {"!reset", "!override"}:
        return text
    if text in _NAMED:
        return _NAMED[text]
    return _number(text) if _NUMBER.match(text) else text


def _number(text: str) -> Data:
    digits = text.replace("_", "")
    if len(digits) > _MAX_DIGITS:
        return text
    if match := _INTEGER.fullmatch(digits):
        base, written = next(
            (base, found) for base, found in zip(_BASES, match.groups()[1:], strict=True) if found
        )
        value = int(match[1] + written, base)
        return value if _MIN_INTEGER <= value <= _MAX_INTEGER else float(value)
    return float(digits) if _FLOAT.fullmatch(digits) else text


def written(value: Data) -> str:
    """Write a value as compose does where it makes a text of it; nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:  # noqa: PLR2004 - Go's %v
        return str(int(value))
    return str(value)
