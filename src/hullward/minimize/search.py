"""The search for a smallest set of capabilities: elimination, most dangerous first.

The result is 1-minimal: it works, and without any one of its members it does not. Each of these
trials is made a second time at the end, so that the proof does not rest on the assumption that less
is never better. Where the observation holds and no trial contradicts another, it takes
|observed| + |minimum| + 3 trials.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct

from hullward.model.capabilities import BY_NAME

_LAST = len(BY_NAME)
# Needed at the end of a life, where a wrong answer costs most to see.
_TRIED_LAST = frozenset({"KILL"})


class Verdict(StrEnum):
    """What a trial showed: like the baselines, working but different, or not working."""

    SAME = "same"
    DIFFERS = "differs"
    FAILS = "fails"


class Outcome(Struct, frozen=True):
    """The verdict on a trial, the evidence, and which capabilities were asked for and refused."""

    verdict: Verdict
    evidence: tuple[str, ...] = ()
    refused: frozenset[str] = frozenset()


class Need(Struct, frozen=True):
    """A capability that is kept: what happens without it."""

    capability: str
    verdict: Verdict
    evidence: tuple[str, ...]
    repeated: bool


class Found(Struct, frozen=True):
    """The set that was found, why each member is in it, what goes, and the price."""

    start: frozenset[str]
    needs: tuple[Need, ...]
    trials: int
    proven: bool
    dropped: Mapping[str, tuple[str, ...]]

    @property
    def minimum(self) -> frozenset[str]:
        """The capabilities that stay."""
        return frozenset(need.capability for need in self.needs)


Set = frozenset[str]
# Runs several trials, perhaps at the same time; each is a set and what is said to be tried.
Trials = Callable[[Sequence[tuple[Set, str]]], Sequence[Outcome]]


def dangerous_first(names: Iterable[str]) -> list[str]:
    """Order capabilities by what they would give an attacker; KILL is tried last."""

    def rank(name: str) -> tuple[bool, int, int]:
        known = BY_NAME.get(name)
        if known is None:  # one that is newer than hullward
            return (False, -_LAST, _LAST)
        return (name in _TRIED_LAST, -known.severity.rank, known.number)

    return sorted(names, key=rank)


def search(observed: Set, granted: Set, trials: Trials, *, aggressive: bool = False) -> Found:
    """Find a 1-minimal set, at best below `observed`; `granted` is known to work.

    `trials` gives the outcome of each set. With `aggressive`, what only differs counts as working.
    """
    return _Search(granted, trials, aggressive=aggressive).run(observed & granted)


class _Search:
    def __init__(self, granted: Set, trials: Trials, *, aggressive: bool) -> None:
        self._granted = granted
        self._trials = trials
        self._aggressive = aggressive
        self._count = 0
        self._lacks: dict[str, Outcome] = {}
        self._dropped: dict[str, tuple[str, ...]] = {}

    def run(self, observed: Set) -> Found:
        start = self._begin(observed)
        idle = [name for name in dangerous_first(start) if name not in self._lacks]
        kept = start - frozenset(idle)
        if len(idle) > 1 and not self._surely(kept, "without all of these"):
            kept = self._one_by_one(start, idle)
        return self._proof(start, kept)

    def _begin(self, observed: Set) -> Set:
        """Choose where to start: what was observed, with what its trial asked for, or all.

        The set and the same without each one are tried together: it mostly works.
        """
        whole = self._each(observed, "what was observed")
        if self._works(whole):
            return observed
        asked = observed | (whole.refused & self._granted)
        if asked not in {observed, self._granted}:
            whole = self._each(asked, "what was observed and asked for")
            if self._works(whole):
                return asked
        if observed != self._granted:
            self._each(self._granted, "all that is granted")
        return self._granted

    def _each(self, names: Set, what: str) -> Outcome:
        """Try a set, and the set without each one; remember what lacks something."""
        order = dangerous_first(names)
        wanted = [(names, what), *((names - {name}, f"without {name}") for name in order)]
        whole, *singles = self._try(*wanted)
        found = list(zip(order, singles, strict=True))
        self._lacks = {name: outcome for name, outcome in found if not self._works(outcome)}
        self._dropped = {name: outcome.evidence for name, outcome in found if self._works(outcome)}
        if not self._works(whole):  # by chance, perhaps
            (whole,) = self._try((names, f"{what}, once more"))
        return whole

    def _surely(self, names: Set, what: str) -> bool:
        """Try a set that should work; a failure is believed the second time."""
        return any(self._works(self._try((names, word))[0]) for word in (what, f"{what}, again"))

    def _one_by_one(self, start: Set, idle: Sequence[str]) -> Set:
        """Drop in turn what can be dropped alone, as not all of it can be dropped together."""
        kept = start
        for name in idle:
            (outcome,) = self._try((kept - {name}, f"without {name} as well"))
            if self._works(outcome):
                kept -= {name}
            else:
                self._lacks[name] = outcome
        return kept

    def _proof(self, start: Set, kept: Set) -> Found:
        """Try the set once more, and each of its members once more without it."""
        order = dangerous_first(kept)
        again = [(kept - {name}, f"without {name} once more") for name in order]
        whole, *singles = self._try((kept, "the result once more"), *again)
        proven = self._works(whole) or self._surely(kept, "the result, decisive")
        needs = []
        for name, second in zip(order, singles, strict=True):
            if self._works(second) and self._works(
                self._try((kept - {name}, f"without {name}, decisive"))[0]
            ):
                kept -= {name}
                self._dropped[name] = second.evidence
                continue
            first = self._lacks[name]
            worse = second if second.verdict is Verdict.FAILS else first
            needs.append(Need(name, worse.verdict, worse.evidence, not self._works(second)))
        dropped = {name: self._dropped.get(name, ()) for name in start - kept}
        return Found(start, tuple(needs), self._count, proven, dropped)

    def _try(self, *wanted: tuple[Set, str]) -> Sequence[Outcome]:
        self._count += len(wanted)
        return self._trials(wanted)

    def _works(self, outcome: Outcome) -> bool:
        if outcome.verdict is Verdict.DIFFERS:
            return self._aggressive
        return outcome.verdict is Verdict.SAME
