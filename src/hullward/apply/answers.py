"""What hand.sh answers, taken apart: values, or why it refused. Text in, values out."""

from base64 import b64decode
from collections.abc import Iterable, Sequence

import msgspec

from hullward.model.change import About, Change, FileNow
from hullward.model.errors import HullwardError
from hullward.model.plan import Plan

_LARGEST = 4_000_000
_LATER = "Nothing was changed."
_BACK = "Nothing was changed, or all of it was put back."


def lines(out: str, where: str) -> Sequence[Sequence[str]]:
    """Give the words of each line; raises HullwardError for a refusal."""
    said = [line.split(" ") for line in out.splitlines() if line]
    for words in said:
        if words[0] == "refused":
            raise refusal(words[1:], list(changes(said)), where)
    return said


def changes(said: Iterable[Sequence[str]]) -> Iterable[Change]:
    """Read the entries of the journal."""
    for words in said:
        if words[0] == "change":
            _, number, state, files, began, age, left, about, *rest = words
            yield Change(
                int(number),
                _about(about),
                state,
                files,
                int(began),
                int(age),
                None if left == "-" else int(left),
                _text(rest[0]) if rest else "",
            )


def plan(said: Iterable[Sequence[str]]) -> Plan:
    """Read the plan of an entry."""
    encoded = next(words[1] for words in said if words[0] == "plan")
    try:
        return msgspec.json.decode(b64decode(encoded), type=Plan)
    except msgspec.MsgspecError as error:
        raise HullwardError(
            f"The journal's plan cannot be read: {error}.",
            "It may be of another version of hullward; use that one.",
        ) from error


def looks(said: Iterable[Sequence[str]], paths: Sequence[str]) -> Iterable[FileNow]:
    """Read what files hold; raises HullwardError for one that cannot be edited as a text."""
    for words in said:
        if words[0] != "file":
            continue
        path, kind = paths[int(words[1])], words[2]
        if kind == "absent":
            yield FileNow(path)
        elif kind == "plain":
            yield _plain(path, words)
        elif kind == "dangling":
            raise HullwardError(
                f"{path} is a link to a file that is not there.", f"Remove the link. {_LATER}"
            )
        else:
            raise HullwardError(
                f"{path} is no file that this login can read.", f"See `ls -ld {path}`. {_LATER}"
            )


def _plain(path: str, words: Sequence[str]) -> FileNow:
    data = b64decode(words[7]) if len(words) > 7 else b""  # noqa: PLR2004 - its content
    if len(data) > _LARGEST:
        raise HullwardError(f"{path} is larger than 4 MB.", f"It cannot be right. {_LATER}")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise HullwardError(
            f"{path} is not UTF-8 (byte {error.start + 1}).", f"Save it as UTF-8. {_LATER}"
        ) from error
    return FileNow(_text(words[6]), text, int(words[3]), int(words[4]), int(words[5], 8))


def refusal(words: Sequence[str], entries: Sequence[Change], where: str) -> HullwardError:
    """Say why the host refused, and what to do about it."""
    why, *rest = words
    detail = " ".join(rest)
    if why in {"pending", "busy"} and entries:
        return pending(entries[-1], where)
    if why in {"check", "activate", "restored"}:
        return _command(why, rest)
    if why == "state":
        number, state = (*rest, "")[:2]
        return HullwardError(
            f"There is no unfinished change {number} on {where}."
            if state == "none"
            else f"Change {number} on {where} is {state} already.",
            "`hullward changes` lists them.",
        )
    what, advice = _REFUSALS.get(why, ("The host refused: {why} {detail}.", _BACK))
    return HullwardError(
        what.format(detail=detail, why=why, where=where), advice.format(detail=detail)
    )


_REFUSALS = {
    "root": ("The work on {where} was not done as root.", "Use a login that is root or has sudo."),
    "program": ("{where} has no {detail}.", f"Install it. {_LATER}"),
    "journal": (
        "The journal in {detail} cannot be written.",
        f"See that its disk has room and is not mounted read-only. {_LATER}",
    ),
    "busy": (
        "Another hullward works on {where} at this moment.",
        f"Wait for it; `hullward changes` lists what it does. {_LATER}",
    ),
    "drift": (
        "Somebody has written {detail} since it was looked at.",
        f"Look at it, and begin anew. {_BACK}",
    ),
    "untrusted": (
        "Others than root can replace files in {detail}.",
        f"`sudo chown root:root {{detail}} && sudo chmod go-w {{detail}}`, then again. {_LATER}",
    ),
    "owner": ("The owner or mode of {detail} cannot be set.", _LATER),
    "immutable": (
        "{detail} is immutable.",
        f"`sudo chattr -i -a {{detail}}` makes it a plain file again. {_LATER}",
    ),
    "readonly": ("{detail} is on a file system that is mounted read-only.", _BACK),
    "nospace": ("There is no room on the disk of {detail}.", f"Make some. {_BACK}"),
    "unwritable": ("A file cannot be written: {detail}.", _BACK),
    "timer": (
        "No revert timer can be started on {where}: {detail}",
        "Without it nothing is changed.",
    ),
    "late": (
        "The confirmation came too late; the host did not wait longer.",
        "Give it more time with --confirm-within.",
    ),
    "reverting": (
        "A file cannot be put back: {detail}.",
        "Mend the cause, then `hullward undo` tries again; the originals are in the journal.",
    ),
}


def pending(change: Change, where: str) -> HullwardError:
    """Say that a change is in the way, whose it is, and how old."""
    return HullwardError(
        f"Change {change.number} on {where} is not finished: {change.about.title}, "
        f"by {change.about.who}, begun {ago(change.age)} ago.",
        f"Wait for it, or `hullward changes --finish {change.number}`, "
        f"or `hullward undo {change.number}`.",
    )


def ago(seconds: int) -> str:
    """Write an age for a person."""
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{max(0, seconds)} second{'s' if seconds != 1 else ''}"


def _command(why: str, words: Sequence[str]) -> HullwardError:
    status, said = words[0], _text(words[1]) if len(words) > 1 else ""
    last = (said.strip().splitlines() or ["it said nothing"])[-1][:400]
    reason = "it did not end in time" if status in {"124", "137"} else last.rstrip(".")
    if why == "check":
        return HullwardError(f"The new files do not pass their check: {reason}.", "")
    if why == "activate":
        return HullwardError(f"The programs did not take the change: {reason}.", "")
    return HullwardError(
        f"The files are put back, but the programs did not take them: {reason}.",
        "Start them by hand, then `hullward undo` ends the change.",
    )


def _about(encoded: str) -> About:
    try:
        return msgspec.json.decode(b64decode(encoded), type=About)
    except msgspec.MsgspecError:
        return About("a change of another version of hullward", "somebody")


def _text(encoded: str) -> str:
    return b64decode(encoded).decode(errors="replace")
