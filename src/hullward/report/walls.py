"""What people are told of the walls: how they stand, and what was proven."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from hullward.model.proof import Knock, Proof
from hullward.model.report import Outcome
from hullward.report.terminal import BOLD, GREEN, RED, YELLOW, Style, hanging, paint
from hullward.report.text import pad, visible, width

_COLOURS = {Outcome.PASS: GREEN, Outcome.FAIL: RED, Outcome.UNKNOWN: YELLOW}


def proof(found: Proof, style: Style) -> str:
    """Write the matrix that was measured, failures first."""
    return "\n".join(_proof(found, style)) + "\n"


def _proof(found: Proof, style: Style) -> Iterator[str]:
    order = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.PASS)
    rows = sorted(found.knocks, key=lambda knock: order.index(knock.outcome))
    table = [("", "WHO", "WHAT", "WHERE", "WANTED", "FOUND"), *map(_cells, rows)]
    widths = [max(width(row[column]) for row in table) for column in range(6)]
    for number, row in enumerate(table):
        cells = (pad(cell, size) for cell, size in zip(row, widths, strict=True))
        colour = BOLD if not number else _COLOURS[rows[number - 1].outcome]
        yield paint("  ".join(cells).rstrip(), colour, style)
    yield ""
    for note in found.notes:
        yield from hanging("  not looked into: ", visible(note), style)
    counts = ((outcome, found.count(outcome)) for outcome in (Outcome.PASS, *order[:2]))
    yield ", ".join(f"{count} {_COUNTED[outcome]}" for outcome, count in counts)


_COUNTED = {
    Outcome.PASS: "as they should be",
    Outcome.FAIL: "not",
    Outcome.UNKNOWN: "unknown",
}


def _cells(knock: Knock) -> tuple[str, ...]:
    found = f"{knock.found} ({knock.why})" if knock.why else knock.found
    cells = (knock.outcome.value, knock.who, knock.what, knock.place, knock.wanted, found)
    return tuple(map(visible, cells))


def proof_json(found: Proof, target: str) -> str:
    """Write the matrix for programs."""
    value = {
        "schema_version": "1",
        "target": target,
        "knocks": [msgspec.to_builtins(knock) for knock in found.knocks],
        "notes": found.notes,
        "summary": {
            outcome.value: found.count(outcome)
            for outcome in (Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN)
        },
    }
    return _json(value)


def status(
    title: str,
    drift: Iterable[str],
    facts: Mapping[str, str],
    style: Style,
    *,
    loaded: bool,
) -> str:
    """Write whether a wall stands, in what it is behind, and its limits."""
    behind = tuple(drift)
    word, colour = ("stands", GREEN) if loaded else ("does not stand", RED)
    if behind:
        word, colour = f"{word}, but not as it should", YELLOW
    lines = [paint(f"{visible(title)} {word}", colour, style), ""]
    for text in behind:
        lines += hanging("  drift     ", visible(text), style)
    for name, text in facts.items():
        for line in text.split("\n"):
            lines += hanging(f"  {name:<10}", visible(line), style)
    return "\n".join(lines) + "\n"


def status_json(
    command: str, target: str, drift: Iterable[str], more: Mapping[str, Any], *, loaded: bool
) -> str:
    """Write the same for programs."""
    return _json(
        {
            "schema_version": "1",
            "target": target,
            "wall": command,
            "loaded": loaded,
            "drift": list(drift),
            **more,
        }
    )


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode() + "\n"
