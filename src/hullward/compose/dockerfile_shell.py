"""What the commands of a Dockerfile do that a reader should know; searched for, never run.

Every repetition is bounded or takes each character once: the commands are hostile text.
"""

import re
from collections.abc import Iterator

from hullward.model.recipe import Gain

_WORDS = r"(?:PASSW|PASSPHRASE|SECRET|TOKEN(?!S|IZ)|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|CREDENTIAL)"
_SET = re.compile(
    rf"(?:^|[\s;&|(])([A-Z_0-9]{{0,60}}{_WORDS}[A-Z_0-9]{{0,60}})=(?=[^\s$\"'])"
    rf"|(?:^|[\s;&|(])([A-Z_0-9]{{0,60}}{_WORDS}[A-Z_0-9]{{0,60}})=[\"'](?=[^\"'$])",
    re.IGNORECASE,
)
_URL = re.compile(r"\b[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s/:@]{1,200}:(?!\$)[^\s/@$]{1,200}@")
_PIPED = re.compile(
    r"\b(?:curl|wget)\b[^|;&\n]{1,500}\|\s{0,20}(?:sudo\s{1,9}(?:-[A-Za-z]{1,9}\s{1,9})?)?"
    r"(?:/(?:usr/)?bin/)?(?:env\s{1,9})?(?:ba|da|z|k|a)?sh\b"
    r"|\b(?:ba|z)?sh\s{1,9}(?:-c\s{1,9})?[\"']?(?:<|\$)\(\s{0,9}(?:curl|wget)\b"
    r"|\b(?:curl|wget)\b[^|;&\n]{1,500}\|\s{0,20}(?:sudo\s{1,9})?(?:python3?|perl|node|ruby)\b"
)
_UPDATE = re.compile(
    r"\b(?:apt|apt-get|apk|yum|dnf|microdnf|zypper)\b[^;&|\n]{0,200}\b(?:update|refresh)\b"
)
_INSTALL = re.compile(r"\b(?:install|add|upgrade|dist-upgrade|full-upgrade)\b")
_COMMAND = re.compile(r"[;&|\n(){}]+")
_SYMBOLIC = re.compile(r"^([ugoa]*)[+=][rwxXt]*s[rwxXst]*$")
_OCTAL = re.compile(r"^0?([0-7])[0-7]{3}$")
_SUDO = re.compile(r"NOPASSWD\s{0,9}:")
_ADDERS = frozenset({"useradd", "adduser"})


def secrets(command: str) -> Iterator[str]:
    """Give the names of variables that the command sets to a literal secret."""
    for match in _SET.finditer(command):
        name = match[1] or match[2]
        if not name.upper().endswith(("_FILE", "_PATH", "_URL", "_DIR")):
            yield name[:80]
    if _URL.search(command):
        yield "a password in a URL"


def pipes_a_download(command: str) -> bool:
    """Whether the command runs what it fetches, unseen."""
    return bool(_PIPED.search(command))


def only_updates(command: str) -> bool:
    """Whether the command refreshes the list of packages and installs nothing."""
    return bool(_UPDATE.search(command)) and not _INSTALL.search(command)


def gains(command: str, line: int) -> Iterator[Gain]:
    """Give the setuid and setgid bits, file capabilities and sudo rights that it hands out."""
    for words in _commands(command):
        program = words[0].rpartition("/")[2]
        if program == "chmod":
            yield from _chmod(words[1:], line)
        elif program == "install":
            yield from _install(words[1:], line)
        elif program == "setcap" and "-r" not in words:
            yield Gain("capability", _last(words), line)
    if _SUDO.search(command):
        yield Gain("sudo", "sudoers", line)


def mode_kind(mode: str) -> str:
    """Say what a mode as chmod takes it sets: "setuid", "setgid" or ""."""
    if octal := _OCTAL.match(mode):
        special = int(octal[1])
        return "setuid" if special & 4 else "setgid" if special & 2 else ""
    for clause in mode.split(","):
        if symbolic := _SYMBOLIC.match(clause):
            who = symbolic[1]
            return "setuid" if not who or "u" in who or "a" in who else "setgid"
    return ""


def uid_of(user: str, command: str) -> int | None:
    """Find the uid that useradd or adduser gives to this user, None where it gives none."""
    for words in _commands(command):
        if words[0].rpartition("/")[2] not in _ADDERS or user not in words:
            continue
        for position, word in enumerate(words):
            value = ""
            if word in {"-u", "--uid"}:
                value = words[position + 1] if position + 1 < len(words) else ""
            elif word.startswith("--uid="):
                value = word[6:]
            elif word.startswith("-u") and not word.startswith("--"):
                value = word[2:]
            if value.isascii() and value.isdecimal() and len(value) <= 10:  # noqa: PLR2004 - 2^32
                return int(value)
    return None


def _commands(command: str) -> Iterator[list[str]]:
    """Split at the shell's separators; words that only stand before a program are left out."""
    for part in _COMMAND.split(command):
        words = [word.strip("\"'") for word in part.split()]
        while words and (words[0] in {"sudo", "exec", "then", "do", "else", "!", "\\"}):
            del words[0]
        if words:
            yield words


def _chmod(arguments: list[str], line: int) -> Iterator[Gain]:
    modes = [word for word in arguments if not word.startswith("-")]
    kind = mode_kind(modes[0]) if len(modes) > 1 else ""
    if kind:
        yield Gain(kind, _last(arguments), line)


def _install(arguments: list[str], line: int) -> Iterator[Gain]:
    for position, word in enumerate(arguments):
        mode = ""
        if word in {"-m", "--mode"}:
            mode = arguments[position + 1] if position + 1 < len(arguments) else ""
        elif word.startswith("--mode="):
            mode = word[7:]
        elif word.startswith("-m") and not word.startswith("--"):
            mode = word[2:]
        if kind := mode_kind(mode):
            yield Gain(kind, _last(arguments), line)


def _last(words: list[str]) -> str:
    return words[-1][:200]
