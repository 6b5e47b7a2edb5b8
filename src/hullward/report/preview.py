"""A plan before it is carried out: the diff, the commands, and what will restart."""

import shlex
from collections.abc import Iterator

from hullward.model.plan import Act, Plan, parts
from hullward.report.terminal import BOLD, DIM, GREEN, RED, YELLOW, Style, hanging, paint
from hullward.report.text import visible


def render(plan: Plan, target: str, style: Style) -> str:
    """Say all that a person must know before they agree."""
    lines = [paint(f"{visible(plan.title)} ({visible(target)})", BOLD, style), ""]
    lines += [_coloured(line, style) for line in plan.diff().split("\n")[:-1]]
    lines.append("")
    lines += [f"  check    {_command(act)}" for act in plan.forth.check]
    lines += [f"  run      {_command(act)}" for act in plan.forth.activate]
    lines += _listed("restarts", plan.restarts, YELLOW, style)
    lines += _listed("note", plan.forth.notes, "", style)
    lines += hanging(
        "  undo     ",
        f"by itself after {plan.within} seconds unless the change is proven and confirmed; "
        "later with `hullward undo`",
        style,
    )
    return "\n".join(lines) + "\n"


def _listed(label: str, texts: tuple[str, ...], colour: str, style: Style) -> Iterator[str]:
    for text in texts:
        first, *rest = hanging(f"  {label:<9}", visible(text), style)
        yield paint(first, colour, style)
        yield from rest


def _coloured(line: str, style: Style) -> str:
    colours = {"---": BOLD, "+++": BOLD, "@@ ": DIM}
    marks = {"+": GREEN, "-": RED}
    return paint(visible(line), colours.get(line[:3], marks.get(line[:1], "")), style)


def _command(act: Act) -> str:
    return visible(act.shown or shlex.join(map(_word, act.words)))


def _word(word: str) -> str:
    """Write the file's own name for the place that it is staged in."""
    return "".join(f"NEW:{part}" if kind else part for kind, part in parts(word))
