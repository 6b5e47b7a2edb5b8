"""The journal of a host: what was changed, when, by whom, and what has become of it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from hullward.model.change import Change
from hullward.report.terminal import DIM, YELLOW, Style, hanging, paint
from hullward.report.text import pad, visible, width

_FILES = {
    "old": "its files are the old ones",
    "new": "its files are the new ones",
    "mixed": "some of its files are new, some old",
    "other": "somebody else has written one of its files",
}
_STATES = {
    "prepared": "it was planned, and nothing was changed",
    "applying": "it was cut off while the files were written",
    "applied": "the files were written, and no program was told",
    "activating": "it was cut off while the programs restarted",
    "active": "it was carried out, and not confirmed",
    "reverting": "it was cut off while it was put back",
    "restored": "the files are put back, and the programs did not take them",
}


def render(changes: Sequence[Change], style: Style) -> str:
    """List the changes, the newest last, and say how to end what is unfinished."""
    if not changes:
        return "No change was made by hullward here.\n"
    rows = [("ID", "WHEN", "WHO", "STATE", "WHAT"), *(_row(change, changes) for change in changes)]
    widths = [max(width(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join([*(pad(cell, size) for cell, size in zip(row, widths, strict=False)), row[4]])
        for row in rows
    ]
    lines[0] = paint(lines[0], DIM, style)
    for change in changes:
        if not change.over:
            lines += ["", *_unfinished(change, style)]
    return "\n".join(lines) + "\n"


def render_json(changes: Sequence[Change]) -> str:
    """Write the list for programs."""
    listed = [
        {
            "id": change.number,
            "title": change.about.title,
            "who": change.about.who,
            "began": _when(change),
            "state": state(change, changes),
            "files": change.files,
            "paths": change.about.paths,
            "undoes": change.about.undoes or None,
            "seconds_left": change.left,
        }
        for change in changes
    ]
    value = {"schema_version": "1", "changes": listed}
    return msgspec.json.format(msgspec.json.encode(value)).decode() + "\n"


def state(change: Change, changes: Sequence[Change]) -> str:
    """Say in a word what has become of a change."""
    by = [c.number for c in changes if c.about.undoes == change.number and c.state == "confirmed"]
    if by:
        return f"undone by {by[-1]}"
    return {"confirmed": "done", "reverted": "put back"}.get(change.state, "UNFINISHED")


def _row(change: Change, changes: Sequence[Change]) -> tuple[str, ...]:
    when = _when(change)[:16].replace("T", " ")
    who, title = visible(change.about.who), visible(change.about.title)
    return str(change.number), when, who, state(change, changes), title


def _when(change: Change) -> str:
    return datetime.fromtimestamp(change.began, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _unfinished(change: Change, style: Style) -> Iterator[str]:
    number = change.number
    meaning = f"{_STATES.get(change.state, change.state)}; {_FILES.get(change.files, '')}."
    yield from hanging(paint(f"Change {number} is unfinished: ", YELLOW, style), meaning, style)
    if change.words.strip():
        yield from hanging("  ", visible(change.words.strip().splitlines()[-1]), style)
    if change.left is not None and change.left > 0:
        yield f"  The host takes it back by itself in {change.left} seconds."
    elif change.state not in {"prepared", "restored"}:
        yield "  No timer runs any more: it stays like this until you end it."
    yield f"  hullward undo {number}              puts everything back"
    if change.state not in {"reverting", "restored"}:
        yield f"  hullward changes --finish {number}  does the rest, and proves it"
