"""A plan: what a change would do to a host, as a value.

It says all that a person must know before they agree, and all that is needed to carry it out, to
prove it and to take it back; so preview, drift check and undo need no second description.
"""

import difflib
import re
from collections.abc import Iterator

from msgspec import Struct, field
from msgspec.structs import replace

Command = tuple[str, ...]

# A part of a word of a command: a staged file, of which only the journal knows the place.
_STAGED = re.compile(r"\{(new|candidate):([^{}]+)\}")
_LINES = re.compile(r"[^\n]*\n|[^\n]+")


class Owner(Struct, frozen=True):
    """Whose a file is, by numbers; `mode` holds the permission bits."""

    uid: int = 0
    gid: int = 0
    mode: int = 0o644


class Edit(Struct, frozen=True):
    """One file: its text before and after, None where there is no file.

    `was` and `becomes` are its owner and mode; None keeps those that the file has, and gives a
    new file to root with mode 0644. The path is that of the file itself, with no link in it.
    """

    path: str
    before: str | None
    after: str | None
    was: Owner | None = None
    becomes: Owner | None = None

    def inverse(self) -> "Edit":
        """Give the edit that takes this one back."""
        return Edit(self.path, self.after, self.before, self.becomes, self.was)


class Act(Struct, frozen=True):
    """A command that is run on the host as root; `shown` says it to a person, if words do not."""

    words: Command
    shown: str = ""


class Way(Struct, frozen=True):
    """What goes with the edits in one direction.

    `check` must succeed before anything is changed. A word of it may hold `{new:PATH}`, the staged
    text of an edit, or `{candidate:NAME}`, a text of `candidates`: these are staged for checks and
    rehearsals, and never installed. A check that names the new text of a file that is removed is
    left out. `activate` makes programs read the files. `rehearsal` and `proof` are words that the
    plan's job understands: what it tries before the change, with the candidates, and what it looks
    at afterwards to be sure that the change works; "" is nothing. `notes` are what else a person
    must know.
    """

    check: tuple[Act, ...] = ()
    candidates: tuple[tuple[str, str], ...] = ()
    activate: tuple[Act, ...] = ()
    rehearsal: str = ""
    proof: str = ""
    notes: tuple[str, ...] = ()


class Plan(Struct, frozen=True):
    """A change of one host, and the way back.

    `job` names who made it, and can prove it. `restarts` are the programs that restart. `within`
    are the seconds that the programs and the proof may take before the host takes everything back
    by itself. `undoes` is the number of the change that it takes back.
    """

    title: str
    job: str
    edits: tuple[Edit, ...]
    forth: Way = field(default_factory=Way)
    back: Way = field(default_factory=Way)
    restarts: tuple[str, ...] = ()
    within: int = 120
    undoes: int = 0

    def inverse(self) -> "Plan":
        """Give the plan that takes this one back."""
        edits = tuple(edit.inverse() for edit in reversed(self.edits))
        return replace(self, edits=edits, forth=self.back, back=self.forth)

    def diff(self) -> str:
        """Give a unified diff of all files; one that is created or removed is /dev/null."""
        return "".join(line for edit in self.edits for line in _diff(edit))

    def edit(self, path: str) -> Edit | None:
        """Find the edit of a file."""
        return next((edit for edit in self.edits if edit.path == path), None)


def parts(word: str) -> Iterator[tuple[str, str]]:
    """Take a word of a command apart: ("", text), ("new", path) or ("candidate", name)."""
    at = 0
    for match in _STAGED.finditer(word):
        if match.start() > at:
            yield "", word[at : match.start()]
        yield match[1], match[2]
        at = match.end()
    if at < len(word) or not word:
        yield "", word[at:]


def lines(text: str | None) -> list[str]:
    """Split a text behind each line feed and nowhere else, as diff(1) does."""
    return _LINES.findall(text or "")


def _diff(edit: Edit) -> Iterator[str]:
    if edit.before == edit.after and edit.was == edit.becomes:
        return
    yield f"--- {edit.path if edit.before is not None else '/dev/null'}\n"
    yield f"+++ {edit.path if edit.after is not None else '/dev/null'}{_owners(edit)}\n"
    for line in list(difflib.unified_diff(lines(edit.before), lines(edit.after)))[2:]:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _owners(edit: Edit) -> str:
    if edit.becomes is None or edit.becomes == edit.was:
        return ""
    return f"  (uid {edit.becomes.uid}, gid {edit.becomes.gid}, mode {edit.becomes.mode:04o})"
