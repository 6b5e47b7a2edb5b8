"""The steps of a change on a host, one function each. Every one raises HullwardError.

A change is opened, then checked, then carried out, then confirmed or reverted. Between `opened`
and `confirmed` the caller may rehearse with the staged candidates, and prove what it wants to see;
the host's own timer reverts if `confirmed` does not come in time.
"""

import os
from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from hullward.apply import answers, script
from hullward.host.hands import Answer
from hullward.model.change import Change, FileNow
from hullward.model.errors import HullwardError
from hullward.model.plan import Command, Plan

_CHECK_SECONDS = 30
_RESTORE_SECONDS = 180


class Hands(Protocol):
    """A machine on which scripts are run as root, each over a connection of its own."""

    @property
    def where(self) -> str:
        """Name the machine."""

    def run(self, script: str, seconds: float) -> Answer:
        """Run a POSIX sh script; raises HullwardError where that is not possible."""


class Entry(Struct, frozen=True):
    """An open entry of a host's journal; `token` is known to its timer and to us."""

    number: int
    plan: Plan
    token: str
    journal: str = script.JOURNAL

    def candidate(self, name: str) -> str:
        """Give the path of a staged candidate on the host."""
        return f"{script.folder(self.number, self.journal)}/candidate/{name}"

    def new(self, path: str) -> str:
        """Give the path of the staged text of an edit on the host."""
        number = next(n for n, edit in enumerate(self.plan.edits) if edit.path == path)
        return f"{script.folder(self.number, self.journal)}/edit/{number:03}/new"


class Journal(Struct, frozen=True):
    """The journal of one host."""

    hands: Hands
    folder: str = script.JOURNAL

    def look(self, paths: Sequence[str]) -> Sequence[FileNow]:
        """Read files as they are now, links followed."""
        return tuple(answers.looks(self._said(("look", *paths)), paths))

    def changes(self) -> Sequence[Change]:
        """List all entries, the oldest first."""
        found = answers.changes(self._said(("list",)))
        return sorted(found, key=lambda change: change.number)

    def idle(self) -> None:
        """Make sure that no change is unfinished, before anybody waits for anything else."""
        for change in self.changes():
            if not change.over:
                raise answers.pending(change, self.hands.where)

    def plan(self, number: int) -> Plan:
        """Read the plan of an entry."""
        return answers.plan(self._said(("plan", str(number))))

    def opened(self, plan: Plan, who: str) -> Entry:
        """Write the journal's entry: originals and new texts, on the disk, before any edit."""
        said = self._said(*script.opening(plan, who, self.folder))
        number = next(int(words[1]) for words in said if words[0] == "opened")
        return Entry(number, plan, os.urandom(8).hex(), self.folder)

    def resumed(self, number: int) -> Entry:
        """Take an unfinished entry over from a hullward that is gone."""
        return Entry(number, self.plan(number), os.urandom(8).hex(), self.folder)

    def checked(self, entry: Entry) -> None:
        """Let the programs that will read the files check them; a refusal drops the entry."""
        self._said(("check", str(entry.number), str(_CHECK_SECONDS)), seconds=_CHECK_SECONDS)

    def carried_out(self, entry: Entry) -> None:
        """Arm the timer, edit, and activate; what fails is put back by the host itself."""
        number, within = str(entry.number), entry.plan.within
        # The programs get less than the timer: a restart that hangs is told, not cut.
        patience = max(5, within * 2 // 3)
        self._said(
            ("arm", number, str(within), entry.token),
            ("apply", number),
            ("activate", number, str(patience)),
            seconds=patience + _RESTORE_SECONDS,
        )

    def confirmed(self, entry: Entry) -> None:
        """Disarm the timer, over a connection that is newer than the change."""
        self._said(("confirm", str(entry.number), entry.token))

    def reverted(self, number: int) -> None:
        """Put everything back, whatever an unfinished change has come to."""
        self._said(("revert", str(number)), seconds=_RESTORE_SECONDS)

    def _said(self, *calls: Command, seconds: float = 60) -> Sequence[Sequence[str]]:
        answer = self.hands.run(script.script(calls, self.folder), seconds)
        said = answers.lines(answer.out, self.hands.where)
        if answer.status:
            raise HullwardError(
                f"The work on {self.hands.where} ended with status {answer.status}.",
                "`hullward changes` says how far a change has come.",
            )
        return said
