"""Retires host keys of another time, and sees to it that nobody meets an unknown host by that."""

import hmac
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping

from hullward.fixes.sshd_lines import Line
from hullward.model.errors import HullwardError
from hullward.model.sshd import HostKey, Keep, Sshd
from hullward.rules.ssh_server import weak
from hullward.rules.ssh_words import DROP_IN

_NOTHING = "Nothing was changed."
_OLD_ALGORITHMS = ("ssh-rsa", "ssh-dss")
_ALGORITHMS = "-ssh-rsa*,ssh-dss*,ecdsa-*"


def retired(sshd: Sshd) -> tuple[HostKey, ...]:
    """Give the keys that go: DSA and ECDSA. A short RSA key is told, not retired."""
    return tuple(
        key for key in sshd.host_keys or () if key.type and key.type != "rsa" and weak_key(key)
    )


def kept(sshd: Sshd) -> tuple[HostKey, ...]:
    """Give the keys that stay."""
    gone = {key.path for key in retired(sshd)}
    return tuple(key for key in sshd.host_keys or () if key.type and key.path not in gone)


def weak_key(key: HostKey) -> str:
    """Say what is wrong with a key, "" for nothing."""
    return weak(key.type, key.bits)


def lines(sshd: Sshd, keep: Keep) -> tuple[Line, ...]:
    """Name the keys that stay, where sshd takes its defaults; and the algorithms, where needed."""
    if sshd.host_keys is None or "host_keys" in sshd.gaps:
        why = sshd.gaps.get("host_keys", "they were not read")
        raise HullwardError(f"The host keys are not known: {why}.", _NOTHING)
    gone, stay = retired(sshd), kept(sshd)
    if gone and not any(not weak_key(key) for key in stay):
        raise HullwardError(
            "The server has no Ed25519 key, and no RSA key of 3072 bits, that could stay.",
            f"`sudo ssh-keygen -A` makes an Ed25519 key; reload sshd, then again. {_NOTHING}",
        )
    if gone and "-h" in keep.arguments:
        raise HullwardError("sshd is started with -h, which loads a host key.", _NOTHING)
    for key in gone:
        if key.file not in {"", DROP_IN, sshd.config}:
            raise HullwardError(
                f"{key.path} is loaded by {key.file}:{key.line}.", f"Remove that line. {_NOTHING}"
            )
    found = []
    if any(key.file in {"", DROP_IN} for key in gone):
        found += [Line("HostKey", key.path) for key in stay]
    setting = (sshd.settings or {}).get("hostkeyalgorithms")
    if setting and any(x.startswith(_OLD_ALGORITHMS) for x in setting.value.split(",")):
        found.append(Line("HostKeyAlgorithms", _ALGORITHMS))
    return tuple(found)


def without(main: str, sshd: Sshd) -> str:
    """Make remarks of the lines of the main file that load what goes."""
    numbers = {key.line: key.path for key in retired(sshd) if key.file == sshd.config}
    text = []
    for number, line in enumerate(main.splitlines(keepends=True), 1):
        path = numbers.get(number)
        pattern = rf"(?i)\s*HostKey[\s=\"]+{re.escape(path or '')}[\s\"]*$"
        loads = path and re.match(pattern, line)
        text.append(f"#{line}" if loads else line)
    return "".join(text)


def notes(sshd: Sshd) -> Iterator[str]:
    """Say what whoever knows the host by a retired key alone must do."""
    gone = retired(sshd)
    if gone:
        names = ", ".join(f"{key.type.upper()} ({key.path})" for key in gone)
        prints = ", ".join(f"{k.type.upper()} {k.fingerprint}" for k in kept(sshd))
        yield (
            f"no host key any more: {names}; who knew the host by these alone is asked to accept "
            f"it anew, and can compare: {prints}"
        )


def pins(text: str, name: str, sshd: Sshd, keep: Keep) -> str:
    """Write the line that a known_hosts lacks: a key that stays, where it has one that goes.

    `text` is the file, `name` the host's as ssh looks it up. No other name is looked at: a server
    can claim the key of any other one to be its own.
    """
    gone = {keep.public[key.path] for key in retired(sshd) if key.path in keep.public}
    stay = [keep.public[key.path] for key in kept(sshd) if key.path in keep.public]
    known = [(names, key) for names, key in _entries(text) if _means(names, name)]
    if any(key in stay for _, key in known):
        return ""
    tokens = [names if names.startswith("|") else name for names, key in known if key in gone]
    best = sorted(stay, key=lambda key: not key.startswith("ssh-ed25519"))[:1]
    return "".join(f"{token} {key}\n" for token in tokens[:1] for key in best)


def _entries(text: str) -> Iterator[tuple[str, str]]:
    """Read names and keys; marked lines are of authorities, or of keys that are revoked."""
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 3 and not line.startswith(("#", "@")):  # noqa: PLR2004 - sshd(8)
            yield words[0], " ".join(words[1:3])


def _means(names: str, name: str) -> bool:
    """Whether an entry is about a host; a hashed name is |1|SALT|HMAC-SHA1 (sshd(8))."""
    if not names.startswith("|1|"):
        return name in names.lower().split(",")
    try:
        salt, hashed = (b64decode(part, validate=True) for part in names[3:].split("|"))
    except ValueError:
        return False
    return hmac.compare_digest(hmac.digest(salt, name.encode(), "sha1"), hashed)


def lacking(texts: Mapping[str, str], name: str, sshd: Sshd, keep: Keep) -> Iterable[str]:
    """Name the files that know the host by a retired key alone."""
    return [path for path, text in texts.items() if pins(text, name, sshd, keep)]
