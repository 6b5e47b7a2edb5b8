"""Takes a change back, or finishes one that was cut off."""

from collections.abc import Sequence

from msgspec.structs import replace

from hullward import flow
from hullward.apply.journal import Entry
from hullward.fixes.merge import merged
from hullward.jobs.catalogue import work
from hullward.jobs.machine import Machine
from hullward.model.change import Change, FileNow
from hullward.model.errors import HullwardError
from hullward.model.plan import Edit, Plan

REFUSE, MERGE, FORCE = "refuse", "merge", "force"


def undo(machine: Machine, number: int | None, drift: str, person: flow.Person) -> Change | None:
    """Take a change back; without a number the one that is unfinished, or the last.

    `drift` says what to do with a file that somebody has written since. Gives the change as it was
    before, None where the person does not agree.
    """
    entry = chosen(machine.journal.changes(), number)
    plan = machine.journal.plan(entry.number)
    if not entry.over:
        return entry if _reverted(machine, entry, plan, person) else None
    back = planned(plan, entry, machine.journal.look([edit.path for edit in plan.edits]), drift)
    return entry if flow.change(machine.journal, back, work(machine, back), person) else None


def finish(machine: Machine, number: int, person: flow.Person) -> Entry | None:
    """Do what is left of a change that was cut off, with all its proofs."""
    entry = _found(machine.journal.changes(), number)
    if entry.over or entry.state in {"reverting", "restored"}:
        raise HullwardError(
            f"Change {number} is {entry.state}: there is nothing to finish.",
            "`hullward changes` lists them.",
        )
    resumed = machine.journal.resumed(number)
    if not person.agrees(resumed.plan):
        return None
    return flow.carry_out(machine.journal, resumed, work(machine, resumed.plan), person)


def chosen(entries: Sequence[Change], number: int | None) -> Change:
    """Find the change that is meant; raises HullwardError for one that cannot be taken back."""
    undone = {entry.about.undoes for entry in entries if entry.state == "confirmed"}
    if number is None:
        for entry in reversed(entries):
            if not entry.over:
                return entry
        for entry in reversed(entries):
            mine = entry.state == "confirmed" and not entry.about.undoes
            if mine and entry.number not in undone:
                return entry
        raise HullwardError("There is no change to take back.", "`hullward changes` lists them.")
    entry = _found(entries, number)
    if entry.state == "reverted" or number in undone:
        raise HullwardError(
            f"Change {number} is taken back already.", "`hullward changes` lists them."
        )
    return entry


def _found(entries: Sequence[Change], number: int) -> Change:
    for entry in entries:
        if entry.number == number:
            return entry
    raise HullwardError(f"There is no change {number}.", "`hullward changes` lists them.")


def planned(plan: Plan, entry: Change, files: Sequence[FileNow], drift: str) -> Plan:
    """Plan the inverse for the files as they are now; raises HullwardError on drift."""
    now = {edit.path: file for edit, file in zip(plan.edits, files, strict=True)}
    inverse = plan.inverse()
    edits = tuple(_onto(edit, now[edit.path], drift) for edit in inverse.edits)
    title = f"Undo change {entry.number}: {plan.title}"
    if plan.undoes:
        title = f"Redo change {plan.undoes}, which change {entry.number} took back"
    return replace(inverse, title=title, edits=edits, undoes=entry.number)


def _onto(edit: Edit, now: FileNow, drift: str) -> Edit:
    if now.text == edit.before:
        return edit
    if drift == FORCE:
        return replace(edit, before=now.text)
    if drift == MERGE and None not in {edit.before, edit.after, now.text}:
        both = merged(edit.before or "", edit.after or "", now.text or "")
        if both is not None:
            return replace(edit, before=now.text, after=both)
        raise HullwardError(
            f"{edit.path} was edited since in the very lines that the change wrote.",
            "Mend it by hand, or --force the text from before the change.",
        )
    gone = "removed" if now.text is None else "edited"
    raise HullwardError(
        f"{edit.path} was {gone} since the change.",
        "--merge keeps what others wrote and takes back only the change; "
        "--force puts the whole text from before in place.",
    )


def _reverted(machine: Machine, entry: Change, plan: Plan, person: flow.Person) -> bool:
    inverse = plan.inverse()
    title = f"Put back change {entry.number}, which was cut off: {plan.title}"
    if not person.agrees(replace(inverse, title=title)):
        return False
    machine.journal.reverted(entry.number)
    return True
