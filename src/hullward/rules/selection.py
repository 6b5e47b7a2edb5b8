"""Which rules are asked: all of them, or those that the user names."""

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from hullward.model.errors import HullwardError
from hullward.model.rule import Rule


def select(
    catalogue: Sequence[Rule],
    *,
    areas: Collection[str] = (),
    ids: Collection[str] = (),
    excluded: Collection[str] = (),
) -> tuple[Rule, ...]:
    """Keep the rules of these areas and ids, less the excluded; ids may be globs.

    Raises HullwardError for a word that fits nothing, so that a slip never means "no finding".
    """
    known_areas = sorted({rule.area for rule in catalogue})
    for area in areas:
        _known(area, known_areas, [area], "area")
    names = [rule.id for rule in catalogue]
    for pattern in (*ids, *excluded):
        _known(pattern, names, [n for n in names if fnmatchcase(n, pattern)], "rule")
    return tuple(
        rule
        for rule in catalogue
        if (not areas or rule.area in areas)
        and (not ids or _matches(rule.id, ids))
        and not _matches(rule.id, excluded)
    )


def _known(word: str, names: Sequence[str], found: Sequence[str], what: str) -> None:
    if any(name in names for name in found):
        return
    near = get_close_matches(word, names, 3, 0.5)
    advice = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(names)}."
    raise HullwardError(f"There is no {what} {word!r}.", advice)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
