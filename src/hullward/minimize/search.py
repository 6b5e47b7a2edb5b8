"""The search for a smallest set of capabilities: elimination, most dangerous first.

The result is 1-minimal: it works, and without any one of its members it does not. Each of these
trials is made a second time at the end, so that the proof does not rest on the assumption that less
is never better. Trials: at most |start| + |minimum| + 5, three baselines not counted.
"""

from collections.abc import Callable, Iterable, Mapping
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


Trial = Callable[[frozenset[str], str], Outcome]


def dangerous_first(names: Iterable[str]) -> list[str]:
    """Order capabilities by what they would give an attacker; KILL is tried last."""

    def rank(name: str) -> tuple[bool, int, int]:
        known = BY_NAME.get(name)
        if known is None:  # one that is newer than hullward
            return (False, -_LAST, _LAST)
        return (name in _TRIED_LAST, -known.severity.rank, known.number)

    return sorted(names, key=rank)


def search(
    observed: frozenset[str], granted: frozenset[str], trial: Trial, *, aggressive: bool = False
) -> Found:
    """Find a 1-minimal set, at best below `observed`; `granted` is known to work.

    `trial` gives the outcome with a set of capabilities; its second argument says what is tried.
    With `aggressive`, what only differs counts as working.
    """
    return _Search(granted, trial, aggressive=aggressive).run(observed & granted)


class _Search:
    def __init__(self, granted: frozenset[str], trial: Trial, *, aggressive: bool) -> None:
        self._granted = granted
        self._trial = trial
        self._aggressive = aggressive
        self._count = 0
        self._dropped: dict[str, tuple[str, ...]] = {}

    def run(self, observed: frozenset[str]) -> Found:
        start = self._begin(observed)
        kept: frozenset[str] = start
        lacks: dict[str, Outcome] = {}
        for name in dangerous_first(start):
            without = kept - {name}
            outcome = self._try(without, f"without {name}")
            if self._works(outcome):
                kept = without
                self._dropped[name] = outcome.evidence
            else:
                lacks[name] = outcome
        return self._proof(start, kept, lacks)

    def _begin(self, observed: frozenset[str]) -> frozenset[str]:
        """Choose where to start: what was observed, with what its trial asked for, or all."""
        outcome = self._try(observed, "what was observed")
        if self._works(outcome):
            return observed
        asked = observed | (outcome.refused & self._granted)
        if asked not in {observed, self._granted}:
            outcome = self._try(asked, "what was observed and asked for")
            if self._works(outcome):
                return asked
        return self._granted

    def _proof(
        self, start: frozenset[str], kept: frozenset[str], lacks: Mapping[str, Outcome]
    ) -> Found:
        """Try the set once more, and each of its members once more without it."""
        proven = self._works(self._try(kept, "the result once more"))
        needs = []
        for name in dangerous_first(kept):
            first = lacks[name]
            again = self._try(kept - {name}, f"without {name} once more")
            repeated = not self._works(again)
            if not repeated and self._works(self._try(kept - {name}, f"without {name}, decisive")):
                kept -= {name}
                self._dropped[name] = again.evidence
                proven = self._works(self._try(kept, "the smaller result"))
                continue
            worst = first if first.verdict is Verdict.FAILS or not repeated else again
            needs.append(Need(name, worst.verdict, worst.evidence, repeated))
        return Found(start, tuple(needs), self._count, proven, self._dropped)

    def _try(self, names: frozenset[str], what: str) -> Outcome:
        self._count += 1
        return self._trial(names, what)

    def _works(self, outcome: Outcome) -> bool:
        if outcome.verdict is Verdict.DIFFERS:
            return self._aggressive
        return outcome.verdict is Verdict.SAME
