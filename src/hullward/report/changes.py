"""A difference in words: for a terminal, as JSON, or as markdown."""

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

from hullward import __version__
from hullward.model.report import Outcome, Verdict
from hullward.report.difference import Change, Difference, Kind, Presence, Side
from hullward.report.markdown import escape
from hullward.report.text import fold, visible

_TITLES = {Side.WORSE: "Worse", Side.BETTER: "Better", Side.OTHER: "Otherwise different"}
_WORDS = {
    Kind.FOUND: "new",
    Kind.APPEARED: "new, with what it is about",
    Kind.GRAVER: "graver",
    Kind.LOST: "no longer known",
    Kind.FIXED: "fixed",
    Kind.LEFT: "gone with its container",
    Kind.MILDER: "milder",
    Kind.CLEARED: "now known to be right",
    Kind.HIDDEN: "not fixed, but no longer to be seen",
    Kind.ACCEPTED: "accepted by a waiver",
    Kind.UNASKED: "no longer asked",
    Kind.EVIDENCE: "the same, on other evidence",
}
_FEW = 5
_NOTHING = "Nothing changed."


def table(difference: Difference, *, notes: Iterable[str] = (), columns: int = 80) -> str:
    """Write the changes for a person, folded to so many columns."""
    lines: list[str] = []
    for side, changes in _sides(difference):
        lines += [_TITLES[side].upper(), *_listed(changes, columns), ""]
    if difference.presences:
        lines += ["CAME AND WENT"]
        lines += [f"  {visible(_presence(p))}" for p in difference.presences]
        lines += [""]
    lines += [f"Note: {visible(note)}" for note in notes]
    return "\n".join([*lines, _sum(difference)]) + "\n"


def markdown(difference: Difference, *, notes: Iterable[str] = ()) -> str:
    """Write the changes for a pull request or an issue."""
    lines = [f"**{_sum(difference)}**", ""]
    for side, changes in _sides(difference):
        lines += [f"### {_TITLES[side]}", ""]
        for change in changes:
            grade = f"**{change.severity.value}** " if _about_finding(change) else ""
            where = f"{escape(change.rule)} on {escape(_where(change))}"
            lines.append(f"- {grade}{where}: {_WORDS[change.kind]}; {escape(_said(change))}")
        lines.append("")
    if difference.presences:
        lines += ["### Came and went", ""]
        lines += [f"- {escape(_presence(presence))}" for presence in difference.presences]
        lines.append("")
    lines += [f"> {escape(note)}" for note in notes]
    return "\n".join(lines).rstrip() + "\n"


def as_json(difference: Difference, *, notes: Iterable[str] = ()) -> str:
    """Write the changes by the contract of docs/formats.md, in ASCII only."""
    value = {
        "schema_version": "1",
        "hullward": __version__,
        "changes": [_change(change) for change in difference.changes],
        "containers": [
            {"target": p.target, "name": p.name, "came": p.came}
            for p in difference.presences
            if p.name
        ],
        "targets": [
            {"target": p.target, "came": p.came, "error": p.why or None}
            for p in difference.presences
            if not p.name
        ],
        "notes": list(notes),
        "summary": {
            "new": len(difference.new()),
            **{side.value: len(difference.side(side)) for side in Side},
        },
    }
    return json.dumps(value, indent=2) + "\n"


def _change(change: Change) -> dict[str, object]:
    return {
        "kind": change.kind.value,
        "side": change.kind.side.value,
        "new": change.new,
        "target": change.target,
        "rule": change.rule,
        "subject": change.subject,
        "severity": change.severity.value,
        "before": _state(change.before),
        "after": _state(change.after),
    }


def _state(verdict: Verdict | None) -> dict[str, object] | None:
    if verdict is None:
        return None
    return {
        "verdict": verdict.outcome.value,
        "severity": verdict.severity.value,
        "evidence": verdict.evidence,
        "reason": verdict.reason,
        "remedy": verdict.remedy,
    }


def _sides(difference: Difference) -> Iterator[tuple[Side, tuple[Change, ...]]]:
    for side in Side:
        changes = difference.side(side)
        if changes:
            yield side, changes


def _listed(changes: Iterable[Change], columns: int) -> Iterator[str]:
    """Tell each finding; what has one cause for many rules, or one rule for many, shares lines."""
    for change in changes:
        if _about_finding(change) and change.kind is not Kind.EVIDENCE:
            yield from _line(change, columns)
    unclear = sorted((c for c in changes if not _about_finding(c)), key=_cause)
    for (_, _, kind, said), group in groupby(unclear, key=_cause):
        same = list(group)
        rules = [change.rule for change in same]
        named = f"{len(rules)} rules" if len(rules) > _FEW else ", ".join(rules)
        yield from _folded(f"{_where(same[0])}: {_WORDS[Kind(kind)]}: {named}", 2, columns)
        yield from _folded(said, 13, columns)
    again = [change for change in changes if change.kind is Kind.EVIDENCE]
    for (rule, target), group in groupby(again, key=lambda change: (change.rule, change.target)):
        same = list(group)
        if len(same) == 1:
            yield from _line(same[0], columns)
        else:
            names = ", ".join(change.subject for change in same)
            head = f"{same[0].severity.value:8} {rule}  {target}: {_WORDS[Kind.EVIDENCE]}"
            yield from _folded(f"{head}: {names}", 2, columns)


def _line(change: Change, columns: int) -> Iterator[str]:
    head = f"{change.severity.value:8} {change.rule}  {_where(change)}: {_WORDS[change.kind]}"
    yield from _folded(head, 2, columns)
    yield from _folded(_said(change), 13, columns)


def _about_finding(change: Change) -> bool:
    """Whether one of the two verdicts is a fail."""
    return any(v is not None and v.outcome is Outcome.FAIL for v in (change.before, change.after))


def _cause(change: Change) -> tuple[str, str, str, str]:
    return change.target, change.subject, change.kind.value, _said(change)


def _where(change: Change) -> str:
    return f"{change.target}/{change.subject}"


def _said(change: Change) -> str:
    """Tell what is to be seen now, or what was."""
    if change.kind is Kind.EVIDENCE and change.before and change.after:
        return f"{change.before.evidence} → {change.after.evidence}"
    if change.kind in {Kind.GRAVER, Kind.MILDER} and change.before and change.after:
        return f"was {change.before.severity.value}; {change.after.evidence}"
    fails = [v for v in (change.after, change.before) if v and v.outcome is Outcome.FAIL]
    told = [fails[0].evidence] if fails else []
    told += [v.reason for v in (change.after, change.before) if v and v.reason and v not in fails]
    return "; ".join(filter(None, told)) or "nothing more is said"


def _folded(text: str, indent: int, columns: int) -> Iterator[str]:
    yield from (" " * indent + line for line in fold(visible(text), max(columns, 60) - indent))


def _presence(presence: Presence) -> str:
    if presence.name:
        word = "is new" if presence.came else "is gone"
        return f"the container {presence.target}/{presence.name} {word}"
    if presence.why:
        state = "is audited now; before" if presence.came else "is not audited"
        return f"the target {presence.target} {state}: {presence.why}"
    return f"the target {presence.target} is {'new' if presence.came else 'no longer there'}"


def _sum(difference: Difference) -> str:
    if difference == Difference():
        return _NOTHING
    counted = {side: len(difference.side(side)) for side in Side}
    new = len(difference.new())
    return (
        f"{new} new finding{'' if new == 1 else 's'}; {counted[Side.WORSE]} worse, "
        f"{counted[Side.BETTER]} better, {counted[Side.OTHER]} otherwise different"
    )


RENDERERS: dict[str, Callable[..., str]] = {
    "table": table,
    "json": as_json,
    "markdown": markdown,
}
