"""The exact words that mend a finding: lines for the compose file, or a docker command."""

import json
import shlex
from textwrap import indent

from hullward.model.facts import Container


def add(container: Container, lines: str, flags: str) -> str:
    """Say where these compose lines go, or with which flags to run it anew."""
    if container.service:
        return f"{_file(container)}:\n{indent(lines, '  ')}\n{_recreate(container)}"
    return f"Run {_name(container)} anew with: docker run {flags} … {word(container.image)}"


def remove(container: Container, lines: str, flags: str) -> str:
    """Say which compose lines or flags to take away."""
    if container.service:
        return f"{_file(container)}, remove:\n{indent(lines, '  ')}\n{_recreate(container)}"
    return f"Run {_name(container)} anew without: {flags}"


def update(container: Container, lines: str, flags: str) -> str:
    """Say how to change a limit; without compose the running container can be changed."""
    if container.service:
        return add(container, lines, flags)
    return f"docker update {flags} {_name(container)}   (and give the same flags at `docker run`)"


def unprivileged(container: Container) -> str:
    """Say how to take `privileged` away."""
    return remove(container, "privileged: true", "--privileged")


def word(text: str) -> str:
    """Quote text from outside as one word of a shell, which never holds a line break."""
    return shlex.quote(text) if text.isprintable() else _dollar(text)


def scalar(text: str) -> str:
    """Write text from outside in YAML; what would break the line or hide is escaped."""
    return text if text.isprintable() else f'"{_escaped(text)}"'


def _dollar(text: str) -> str:
    inner = _escaped(text).replace("'", r"\'")
    return f"$'{inner}'"


def _escaped(text: str) -> str:
    return json.dumps(text)[1:-1].replace("\x7f", r"\u007f")


def _name(container: Container) -> str:
    return word(container.name)


def _file(container: Container) -> str:
    files = container.compose_files
    where = f"In {scalar(files)}" if files else "In the compose file"
    return f"{where}, service {scalar(container.service)}"


def _recreate(container: Container) -> str:
    return f"then: docker compose up -d {word(container.service)}"
