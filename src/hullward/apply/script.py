"""Writes the scripts for a host: apply/hand.sh, and what it is to do. Text in, text out."""

import hashlib
import re
import shlex
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import cache

import msgspec

from hullward.model.change import About
from hullward.model.errors import HullwardError
from hullward.model.plan import Command, Edit, Owner, Plan, parts

JOURNAL = "/var/lib/hullward"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")


def script(calls: Iterable[Command], journal: str = JOURNAL) -> str:
    """Write a script that makes these calls of hand.sh; one that is cut off does nothing at all."""
    body = "\n".join(shlex.join(call) for call in calls)
    return f"main() {{\nJ={shlex.quote(journal)}\n{_source()}{body}\n}}\nmain </dev/null\n"


def hand(journal: str = JOURNAL) -> str:
    """Write the copy that stays on the host: its arguments are the call."""
    return f'main() {{\nJ={shlex.quote(journal)}\n{_source()}"$@"\n}}\nmain "$@"\n'


def opening(plan: Plan, who: str, journal: str = JOURNAL) -> Iterator[Command]:
    """Give the calls that open an entry of the journal for a plan."""
    about = About(plan.title, who, plan.job, tuple(edit.path for edit in plan.edits), plan.undoes)
    yield "entry", _json(about), _json(plan), _base64(hand(journal))
    for number, edit in enumerate(plan.edits):
        yield _edit(number, edit)
    for name, text in plan.forth.candidates:
        if not _NAME.fullmatch(name):
            raise ValueError(name)
        yield "candidate", name, _base64(text)
    for kind, acts in (
        ("check", plan.forth.check),
        ("activate", plan.forth.activate),
        ("restore", plan.back.activate),
    ):
        lines = [line for line in (_line(act.words, plan) for act in acts) if line]
        yield "commands", kind, _base64("".join(f"{line}\n" for line in ("set -e", *lines)))
    yield ("commit",)


def digest(text: str | None) -> str:
    """Give the SHA-256 of a text as hand.sh writes it, "none" for no file."""
    return "none" if text is None else hashlib.sha256(_bytes(text)).hexdigest()


def folder(number: int, journal: str = JOURNAL) -> str:
    """Give the folder of an entry."""
    return f"{journal}/changes/{number}"


@cache
def _source() -> str:
    from importlib.resources import files  # noqa: PLC0415 - only a change needs it

    return (files("hullward.apply") / "hand.sh").read_text(encoding="utf-8")


def _edit(number: int, edit: Edit) -> Command:
    if not edit.path.startswith("/") or not edit.path.isprintable():
        raise HullwardError(
            f"{edit.path!r} is no path that hullward edits.", "Use a plain, absolute path."
        )
    owner = edit.becomes or (Owner() if edit.before is None else None)
    return (
        "edit",
        f"{number:03}",
        edit.path,
        digest(edit.before),
        f"{owner.uid}:{owner.gid}" if owner else "-",
        f"{owner.mode:04o}" if owner else "-",
        "-" if edit.after is None else _base64(edit.after),
    )


def _line(command: Command, plan: Plan) -> str:
    """Write a command for sh, "" for one that names the text of a file that is removed."""
    words = []
    for word in command:
        written = ""
        for kind, part in parts(word):
            if kind == "new":
                numbers = [n for n, e in enumerate(plan.edits) if e.path == part]
                if not numbers or plan.edits[numbers[0]].after is None:
                    return ""
                written += f'"$here"/edit/{numbers[0]:03}/new'
            else:
                written += f'"$here"/candidate/{part}' if kind else shlex.quote(part)
        words.append(written)
    return " ".join(words)


def _json(value: object) -> str:
    return b64encode(msgspec.json.encode(value)).decode()


def _base64(text: str) -> str:
    return b64encode(_bytes(text)).decode()


def _bytes(text: str) -> bytes:
    return text.encode()
