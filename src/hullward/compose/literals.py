"""Secrets written out in a file: by name, kind and place, never by value."""

import re
import shlex
from collections.abc import Iterator

from msgspec import Struct

from hullward.compose import secrets
from hullward.compose.nodes import Mark, Node, Scalar
from hullward.compose.walk import child, descend, items, pairs, services, texts

# Where a service has names with values, where it has commands, and where hooks are.
_NAMED = (
    ("environment",), ("labels",), ("deploy", "labels"), ("build", "args"), ("build", "labels"),
    ("logging", "options"), ("annotations",),
)  # fmt: skip
_COMMANDS = (("command",), ("entrypoint",), ("healthcheck", "test"))
_HOOKS = ("post_start", "pre_stop")
_SETTING = re.compile(r"\s*(?:export\s+)?[\"']?([\w.-]{1,80})[\"']?\s*[=:]\s*[\"']?([^\"'#\s]+)")


class Literal(Struct, frozen=True):
    """A secret that a file holds; `subject` is its service, or "" for the project's own.

    `where` is the part of the file ("environment"), `name` the variable, option or label.
    """

    subject: str
    where: str
    name: str
    kind: str
    mark: Mark


def literals(root: Node) -> tuple[Literal, ...]:
    """Find them, each once, even where aliases show it to many services."""
    found: dict[int, Literal] = {}
    for literal in (*_of_services(root), *_of_configs(root)):
        found.setdefault(literal.mark.index, literal)
    return tuple(found.values())


def _of_services(root: Node) -> Iterator[Literal]:
    for key, service in services(root):
        for path in _NAMED:
            for literal in _named(descend(service, path)):
                yield _at(literal, key.value, ".".join(path))
        for path in _COMMANDS:
            for literal in _command(descend(service, path)):
                yield _at(literal, key.value, ".".join(path))
        for hook in _HOOKS:
            for item in items(child(service, hook)):
                found = (*_named(child(item, "environment")), *_command(child(item, "command")))
                for literal in found:
                    yield _at(literal, key.value, hook)


def _of_configs(root: Node) -> Iterator[Literal]:
    for key, config in pairs(child(root, "configs")):
        content = child(config, "content")
        if isinstance(content, Scalar):
            kinds = (secrets.kind("", content.value), *map(_setting, content.value.splitlines()))
            kind = next(filter(None, kinds), "")
            if kind:
                yield Literal("", "configs", key.value, kind, content.start)


def _setting(line: str) -> str:
    match = _SETTING.match(line[:1000])
    return secrets.kind(match[1], match[2]) if match else ""


def _at(literal: Literal, subject: str, where: str) -> Literal:
    return Literal(subject, where, literal.name, literal.kind, literal.mark)


def _named(node: Node | None) -> Iterator[Literal]:
    """Read `NAME: value`, or a list of `NAME=value`."""
    for key, value in pairs(node):
        if isinstance(value, Scalar) and (kind := secrets.kind(key.value, value.value)):
            yield Literal("", "", key.value, kind, key.start)
    for item in texts(node):
        name, _, said = item.value.partition("=")
        if kind := secrets.kind(name, said):
            yield Literal("", "", name, kind, item.start)


def _command(node: Node | None) -> Iterator[Literal]:
    if isinstance(node, Scalar):
        for _, name, kind in secrets.in_command(_words(node.value)):
            yield Literal("", "", name, kind, node.start)
            return
    scalars = list(texts(node))
    words = [item.value for item in scalars]
    for index, name, kind in secrets.in_command(words):
        yield Literal("", "", name, kind, scalars[index].start)
    if len(scalars) <= 3:  # noqa: PLR2004 - CMD-SHELL, or sh -c, with one text
        for item in scalars:
            for _, name, kind in secrets.in_command(_words(item.value)):
                yield Literal("", "", name, kind, item.start)
                break


def _words(text: str) -> list[str]:
    if len(text) > 16_384:  # noqa: PLR2004 - no command of a person
        return text[:16_384].split()
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()
