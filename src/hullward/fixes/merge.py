"""Takes a change back in a text that somebody has edited since: a merge of three texts."""

from difflib import SequenceMatcher

from hullward.model.plan import lines


def merged(base: str, mine: str, theirs: str) -> str | None:
    """Carry what differs from `base` to `mine` over to `theirs`; None where both touch one line."""
    old, new, now = lines(base), lines(mine), lines(theirs)
    place = _places(old, now)
    result, at = [], 0
    for tag, start, end, new_start, new_end in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if tag == "equal":
            continue
        first = place.get(start, -1) if end > start else place.get(start - 1, -2) + 1
        last = first + end - start
        there = [place.get(number) for number in range(start, end)] == [*range(first, last)]
        # A line that is inserted must find the two that it stood between, still side by side.
        if first < at or not there or (end == start and place.get(end) != last):
            return None
        result += now[at:first] + new[new_start:new_end]
        at = last
    return "".join(result + now[at:])


def _places(old: list[str], now: list[str]) -> dict[int, int]:
    """Say where each line of the old text stands now; the ends of both belong together."""
    found = {-1: -1, len(old): len(now)}
    for block in SequenceMatcher(None, old, now, autojunk=False).get_matching_blocks():
        found.update({block.a + i: block.b + i for i in range(block.size)})
    return found
