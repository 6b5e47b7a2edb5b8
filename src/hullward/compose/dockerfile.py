"""A Dockerfile's text as instructions and stages, read as BuildKit reads it.

The grammar is that of docs.docker.com/reference/dockerfile and of BuildKit's
frontend/dockerfile/parser; the text is hostile, so every step takes time in proportion to it.
"""

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from hullward.compose import dockerfile_words as words
from hullward.model.errors import HullwardError

_LIMIT = 1 << 20
_MOST_STAGES = 500
_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S.*)$")
_SPACE = re.compile(r"[ \t\r\v\f]+")
_HEREDOC = re.compile(r"^(\d*)<<(-?)([^<]*)$")
_STAGE_NAME = re.compile(r"^[a-z][a-z0-9._-]*$")
_WITH_HEREDOC = frozenset({"ADD", "COPY", "RUN"})
_KNOWN = frozenset(
    (
        "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
        "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
    )
)  # fmt: skip


class Heredoc(Struct, frozen=True):
    """A document inside of the file; `expand` says that its variables are replaced."""

    name: str
    content: str
    expand: bool


class Instruction(Struct, frozen=True):
    """One instruction with its flags, and the rest of its line with continuations joined.

    `line` and `end` are its first and last line, counted from 1, heredocs included.
    """

    keyword: str
    rest: str
    line: int
    end: int
    flags: tuple[tuple[str, str], ...] = ()
    heredocs: tuple[Heredoc, ...] = ()

    def flag(self, name: str) -> str | None:
        """Give the last value of a flag such as "chmod", None where it is not there."""
        return next((value for key, value in reversed(self.flags) if key == name), None)


class Stage(Struct, frozen=True):
    """A FROM, as it is written, and what follows it."""

    base: str
    name: str
    line: int
    instructions: tuple[Instruction, ...]


class Dockerfile(Struct, frozen=True):
    """A whole file; `arguments` are the ARG before its first stage."""

    path: str
    escape: str
    syntax: str
    arguments: tuple[Instruction, ...]
    stages: tuple[Stage, ...]


def parse(text: str, path: str) -> Dockerfile:
    """Read a Dockerfile; raises HullwardError with file and line for what BuildKit refuses."""
    if len(text) > _LIMIT:
        raise _error(path, 1, "it is larger than 1 MiB, which no Dockerfile is")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise _error(path, line, "it holds a NUL byte")
    lines = text.removeprefix("\ufeff").split("\n")
    directives = _directives(lines, path)
    escape = directives.get("escape", "\\")
    if escape not in {"\\", "`"}:
        raise _error(path, 1, "the escape directive takes \\ or ` only")
    syntax = directives.get("syntax", "")
    if syntax and not _dockers_own(syntax):
        raise _error(path, 1, "it is written for a frontend of its own, not for Docker's")
    arguments, stages = _stages(_instructions(lines, escape, path), path)
    return Dockerfile(path, escape, syntax, arguments, stages)


def _dockers_own(syntax: str) -> bool:
    name = syntax.partition("@")[0].removeprefix("docker.io/").partition(":")[0]
    return name in {"docker/dockerfile", "docker/dockerfile-upstream"}


def _error(path: str, line: int, what: str) -> HullwardError:
    return HullwardError(f"{path}:{line}: {what}.", "`docker build --check` says more about it.")


def _directives(lines: Sequence[str], path: str) -> dict[str, str]:
    """Read the parser directives, which stand before everything else."""
    found: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        match = _DIRECTIVE.match(line.strip(words.BLANK))
        if match is None:
            break
        name = match[1].lower()
        if name not in {"check", "escape", "syntax"}:
            continue
        if name in found:
            raise _error(path, number, f"the directive {name} is there twice")
        found[name] = match[2]
    return found


def _instructions(lines: Sequence[str], escape: str, path: str) -> Iterator[Instruction]:
    number = 0
    while number < len(lines):
        start = number
        joined, number = _join(lines, number, escape)
        if not joined:
            continue
        said = _instruction(joined, start + 1, number, escape, path)
        instruction = _with_heredocs(said, lines, escape, path)
        yield instruction
        number = instruction.end


def _join(lines: Sequence[str], number: int, escape: str) -> tuple[str, int]:
    """Join a line with those that it is continued on; gives the number of the next one too.

    A comment or an empty line inside of a continued line is left out.
    """
    first = lines[number].rstrip("\r").lstrip(words.BLANK)
    number += 1
    if first.startswith("#"):
        return "", number
    piece, ended = _continued(first, escape)
    pieces = [piece]
    while not ended and number < len(lines):
        line = lines[number].rstrip("\r")
        number += 1
        if line.lstrip(words.BLANK).startswith("#") or not line.strip(words.BLANK):
            continue
        piece, ended = _continued(line, escape)
        pieces.append(piece)
    return "".join(pieces).strip(words.BLANK), number


def _continued(line: str, escape: str) -> tuple[str, bool]:
    """Take the mark of a continuation off; two of them are none."""
    bare = line.rstrip(" \t")
    if not bare.endswith(escape) or bare.endswith(escape * 2):
        return line, True
    return bare[:-1], False


def _instruction(text: str, line: int, end: int, escape: str, path: str) -> Instruction:
    keyword, rest = _halves(text)
    keyword = keyword.upper()
    if keyword not in _KNOWN:
        shown = keyword[:40]
        raise _error(path, line, f"there is no instruction {shown!r}")
    flags, rest = words.flags(rest, escape)
    if not rest and keyword not in {"CMD", "ENTRYPOINT"}:
        raise _error(path, line, f"{keyword} says nothing")
    return Instruction(keyword, rest, line, end, flags)


def _halves(text: str) -> tuple[str, str]:
    parts = _SPACE.split(text, maxsplit=1)
    return parts[0], (parts[1] if len(parts) > 1 else "").strip(words.BLANK)


def _with_heredocs(
    instruction: Instruction, lines: Sequence[str], escape: str, path: str
) -> Instruction:
    """Read the documents that the instruction announces from the lines after it."""
    names = _announced(instruction, escape)
    if not names:
        return instruction
    found, number = [], instruction.end
    for name, chomp, expand in names:
        content: list[str] = []
        while True:
            if number >= len(lines):
                raise _error(path, instruction.line, f"the heredoc {name[:40]!r} has no end")
            line = lines[number].rstrip("\r")
            number += 1
            if (line.lstrip("\t") if chomp else line) == name:
                break
            content.append(line.lstrip("\t") if chomp else line)
        found.append(Heredoc(name, "\n".join(content), expand))
    return replace(instruction, end=number, heredocs=tuple(found))


def _announced(instruction: Instruction, escape: str) -> list[tuple[str, bool, bool]]:
    """Give name, whether leading tabs are cut, and whether variables are replaced."""
    if instruction.keyword == "ONBUILD":
        keyword, rest = _halves(instruction.rest)
        rest = words.flags(rest, escape)[1]
    else:
        keyword, rest = instruction.keyword, instruction.rest
    if keyword.upper() not in _WITH_HEREDOC or "<<" not in rest or rest.startswith("["):
        return []
    found = []
    for word in words.split(rest, escape):
        match = _HEREDOC.match(word)
        name = words.bare(match[3], escape) if match else ""
        if match and name:
            found.append((name, bool(match[2]), name == match[3]))
    return found


def _stages(
    instructions: Iterator[Instruction], path: str
) -> tuple[tuple[Instruction, ...], tuple[Stage, ...]]:
    arguments: list[Instruction] = []
    groups: list[tuple[Instruction, list[Instruction]]] = []
    for instruction in instructions:
        if instruction.keyword == "FROM":
            groups.append((instruction, []))
        elif groups:
            groups[-1][1].append(instruction)
        elif instruction.keyword == "ARG":
            arguments.append(instruction)
        else:
            raise _error(path, instruction.line, f"{instruction.keyword} stands before any FROM")
    if not groups:
        raise _error(path, 1, "it has no FROM")
    if len(groups) > _MOST_STAGES:
        raise _error(path, groups[_MOST_STAGES][0].line, f"more than {_MOST_STAGES} stages")
    return tuple(arguments), tuple(_stage(start, body, path) for start, body in groups)


def _stage(start: Instruction, body: Sequence[Instruction], path: str) -> Stage:
    said = _SPACE.split(start.rest)
    if len(said) == 1:
        return Stage(said[0], "", start.line, tuple(body))
    if len(said) != 3 or said[1].upper() != "AS":  # noqa: PLR2004 - image AS name
        raise _error(path, start.line, "FROM takes an image, or an image AS a name")
    name = said[2].lower()
    if not _STAGE_NAME.match(name):
        raise _error(path, start.line, f"{name[:40]!r} cannot be the name of a stage")
    return Stage(said[0], name, start.line, tuple(body))
