"""An edit as a unified diff, made of its pieces: no line stands in it that was not touched."""

from collections.abc import Iterator, Sequence

from hullward.compose.changes import Edited, spliced
from hullward.compose.concealed import Concealed

_CONTEXT = 3
_NOTHING = Concealed()
_NO_END = "\\ No newline at end of file\n"
Step = tuple[str, str]


def render(text: str, edited: Edited, path: str, hidden: Concealed = _NOTHING) -> str:
    """Write the diff from `text` to the edited text, as patch(1) reads it; "" for none.

    What is hidden does not stand around a change; where it stands on a changed line itself, it is
    masked, and the diff is for reading only.
    """
    steps = list(_steps(text, edited))
    secret = set(_secret(steps, hidden.lines))
    steps = list(_masked(steps, secret, hidden))
    hunks = "".join(_hunk(steps, *span) for span in _spans(steps, secret))
    name = path.lstrip("/")
    return f"--- a/{name}\n+++ b/{name}\n{hunks}" if hunks else ""


def readable_only(text: str, edited: Edited, hidden: Concealed) -> bool:
    """Whether a changed line holds what is hidden, so that the diff cannot be applied."""
    steps = list(_steps(text, edited))
    return any(steps[index][0] == "-" for index in _secret(steps, hidden.lines))


def _secret(steps: Sequence[Step], lines: frozenset[int]) -> Iterator[int]:
    """Give the steps of old lines that must not be shown."""
    number = 0
    for index, (sign, _) in enumerate(steps):
        number += sign != "+"
        if sign != "+" and number in lines:
            yield index


def _steps(text: str, edited: Edited) -> Iterator[Step]:
    """Give each line with " ", "-" or "+" in front."""
    waiting = list(edited.pieces)
    start = 0
    for line in _lines(text):
        end = start + len(line)
        while waiting and waiting[0].start == waiting[0].end == start and _whole(waiting[0].text):
            yield from (("+", added) for added in _lines(waiting.pop(0).text))
        inside = []
        last = end == len(text) and not _whole(line)
        while waiting and (waiting[0].start < end or last):
            inside.append(waiting.pop(0))
        if not inside:
            yield " ", line
        else:
            own = tuple(type(p)(p.start - start, p.end - start, p.text) for p in inside)
            yield "-", line
            yield from (("+", new) for new in _lines(spliced(line, own)))
        start = end
    yield from (("+", added) for piece in waiting for added in _lines(piece.text))


def _lines(text: str) -> list[str]:
    lines = [line + "\n" for line in text.split("\n")]
    lines[-1] = lines[-1].removesuffix("\n")
    return lines if lines[-1] else lines[:-1]


def _whole(text: str) -> bool:
    return text.endswith("\n")


def _masked(steps: Sequence[Step], secret: set[int], hidden: Concealed) -> Iterator[Step]:
    """Mask a changed line that must not be shown, and what comes in its place."""
    masking = False
    for index, (sign, line) in enumerate(steps):
        masking = sign != " " and (index in secret or (masking and sign == "+"))
        yield sign, hidden.masked(line) if masking else line


def _spans(steps: Sequence[Step], secret: set[int]) -> Iterator[tuple[int, int]]:
    """Give the first and last-but-one step of each hunk, with the lines around it."""
    span: tuple[int, int] | None = None
    for index, (sign, _) in enumerate(steps):
        if sign == " ":
            continue
        first = _reach(steps, secret, index, -1)
        last = _reach(steps, secret, index, 1) + 1
        if span and first > span[1]:
            yield span
            span = None
        span = (span[0] if span else first, last)
    if span:
        yield span


def _reach(steps: Sequence[Step], secret: set[int], index: int, way: int) -> int:
    """Go so far from a changed line that enough lines are around it, but over no secret one."""
    for _ in range(_CONTEXT):
        there = index + way
        if not 0 <= there < len(steps) or (there in secret and steps[there][0] == " "):
            break
        index = there
    return index


def _hunk(steps: Sequence[Step], first: int, last: int) -> str:
    old, new = (sum(sign in kept for sign, _ in steps[:first]) for kept in (" -", " +"))
    part = steps[first:last]
    olds, news = (sum(sign in kept for sign, _ in part) for kept in (" -", " +"))
    head = f"@@ -{old + bool(olds)},{olds} +{new + bool(news)},{news} @@\n"
    return head + "".join(
        sign + (line if _whole(line) else f"{line}\n{_NO_END}") for sign, line in part
    )
