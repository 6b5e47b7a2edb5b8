"""A remedy in parts: sentences to read, and lines to copy."""

import re
from collections.abc import Iterator
from itertools import groupby
from textwrap import dedent

from msgspec import Struct

# Words that begin a command; a sentence begins with a capital.
_PROGRAMS = frozenset((
    "apt", "apt-get", "auditctl", "chgrp", "chmod", "chown", "dnf", "docker", "dpkg", "echo",
    "firewall-cmd", "gpasswd", "groupdel", "hullward", "install", "iptables", "journalctl", "mkdir",
    "modprobe", "mount", "mv", "nft", "passwd", "printf", "rm", "sed", "snap", "ssh-keygen",
    "sshd", "sudo", "sysctl", "systemctl", "tee", "ufw", "umount",
    "usermod", "visudo",
))  # fmt: skip
_THEN = re.compile(r"(?:then|and):? (.*)", re.IGNORECASE)
_FLAGS = re.compile(r"^([^`]*: )(-[^`]*)$")
_ASIDE = re.compile(r"(.*?) {2,}(\(.*\))")


class Block(Struct, frozen=True):
    """Sentences, or code; each may have several lines."""

    code: bool
    text: str


def parts(sentence: str) -> tuple[tuple[bool, str], ...]:
    """Cut a sentence at its backticks; each piece says whether it stood between two of them."""
    pieces = sentence.split("`")
    if len(pieces) % 2 == 0:
        return ((False, sentence),)
    return tuple((i % 2 == 1, piece) for i, piece in enumerate(pieces) if piece)


def blocks(text: str) -> tuple[Block, ...]:
    """Tell the lines to copy from the rest: they are indented, or begin with a program."""
    found = (block for line in text.splitlines() if line.strip() for block in _line(line))
    joined = (
        (code, "\n".join(block.text for block in same)) for code, same in groupby(found, key=_code)
    )
    return tuple(Block(code, dedent(body) if code else body) for code, body in joined)


def _line(line: str) -> Iterator[Block]:
    if line.startswith((" ", "\t")):
        yield Block(code=True, text=line.rstrip())
        return
    then = _THEN.fullmatch(line)
    if then and _command(then[1]):
        yield Block(code=False, text=line[: then.start(1)].strip())
        line = then[1]
    if not _command(line):
        yield Block(code=False, text=_FLAGS.sub(r"\1`\2`", line))
        return
    aside = _ASIDE.fullmatch(line)
    yield Block(code=True, text=aside[1] if aside else line)
    if aside:
        yield Block(code=False, text=aside[2])


def _command(line: str) -> bool:
    return line.split(" ", 1)[0] in _PROGRAMS


def _code(block: Block) -> bool:
    return block.code
