"""Bytes of a file to the text of a compose file; what is none is refused with its place."""

import re
from typing import NoReturn

from hullward.compose.parser import MAX_CHARACTERS
from hullward.model.errors import HullwardError

_UTF8 = "Save it as UTF-8 text."
_YTT = re.compile(
    r"^[ \t]*#@[ \t]*(load\(|(if|for|elif|def|while)\b.*:[ \t]*$|end\b)"
    r"|^[ \t]*#@(data|overlay|schema|library)/"
    r"|^[^#'\"\n]*:[ \t]+#@[ \t]",
    re.MULTILINE,
)
_STATEMENT = re.compile(r"^[ \t]*(\{\{.*\}\}|\{%.*%\}|<%.*%>)[ \t]*$", re.MULTILINE)
_EXPRESSION = re.compile(r"\{\{[^{}\n]{1,200}\}\}|\{%[^%\n]{1,200}%\}|<%[^%\n]{1,200}%>")


def decode(content: bytes, path: str) -> str:
    """Give the text of a file; raises HullwardError for UTF-16, other encodings and NUL bytes."""
    if len(content) > MAX_CHARACTERS:
        raise HullwardError(
            f"{path}: {len(content)} bytes are no compose file",
            f"Name a file of at most {MAX_CHARACTERS} bytes.",
        )
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise HullwardError(f"{path}:1:1: the file is in UTF-16", _UTF8)
    if b"\0" in content:
        _refuse(content[: content.index(b"\0")], path, "a NUL byte")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        _refuse(content[: error.start], path, "bytes that are no UTF-8")


def refuse_template(text: str, path: str, *, broken: bool) -> None:
    """Raise HullwardError where a text is a template; `broken` says that it is no YAML."""
    kind, found = "ytt", _YTT.search(text)
    if found is None:
        kind, found = "jinja, helm or gomplate", _STATEMENT.search(text)
    if found is None and broken:
        found = _EXPRESSION.search(text)
    if found:
        start = found.start() + len(found[0]) - len(found[0].lstrip())
        line = text.count("\n", 0, start) + 1
        raise HullwardError(
            f"{path}:{line}:{start - text.rfind(chr(10), 0, start)}: a template ({kind}), "
            "not a compose file",
            "Render it, and name the file that this makes.",
        )


def _refuse(before: bytes, path: str, what: str) -> NoReturn:
    line = before.count(b"\n") + 1
    column = len(before.rpartition(b"\n")[2].decode(errors="replace")) + 1
    raise HullwardError(f"{path}:{line}:{column}: {what}", _UTF8) from None
