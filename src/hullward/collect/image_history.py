"""How an image was built, by its history; the commands may hold secrets and are not kept."""

import re
from collections.abc import Iterable

from hullward.model.facts import History

_WORDS = r"(?:PASSW|SECRET|TOKEN(?!S|IZ)|API_?KEY|PRIVATE_?KEY|CREDENTIAL)"
# Every repetition is bounded: an image may bring a command of any length.
_NAME = rf"[A-Z_a-z0-9]{{0,60}}{_WORDS}[A-Z_a-z0-9]{{0,60}}"
# A value that is set: of ENV and ARG, of a build argument (|1 NAME=value), or inside of a command.
_SET = re.compile(rf"(?:^|[\s;&|(])({_NAME})=(?=[^\s$])", re.IGNORECASE)
_URL = re.compile(r"\b\w{1,20}://[^\s/:@]{1,200}:[^\s/@$]{1,200}@")
_UPDATE = re.compile(
    r"\b(?:apt|apt-get|apk|yum|dnf|microdnf|zypper)\b[^;&|]{0,200}\b(?:update|refresh)\b"
)
_INSTALL = re.compile(r"\b(?:install|add|upgrade|dist-upgrade)\b")
_ADD = re.compile(r"^(?:/bin/sh -c #\(nop\) +)?ADD (.*)$", re.DOTALL)


def parse(commands: Iterable[str]) -> History:
    """Read the commands of an image, the newest first as the engine gives them."""
    names: set[str] = set()
    adds, updates = set(), 0
    ordered = list(commands)
    for position, command in enumerate(ordered):
        names.update(_secrets(command))
        updates += bool(_UPDATE.search(command) and not _INSTALL.search(command))
        added = _ADD.match(command)
        # The first layer is the base: distributions begin with ADD of their root directory.
        if added and position != len(ordered) - 1:
            adds.add("a URL" if re.search(r"https?://|git@", added[1]) else "files")
    return History(tuple(sorted(adds)), updates, tuple(sorted(names)))


def _secrets(command: str) -> Iterable[str]:
    for name in _SET.findall(command):
        if not name.upper().endswith(("_FILE", "_PATH", "_URL")):
            yield name[:80]
    if _URL.search(command):
        yield "a password in a URL"
