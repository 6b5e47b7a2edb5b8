"""The search: the smallest set is found, proven, and cheap; whatever the trials say."""

from collections.abc import Callable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from hullward.minimize.search import (
    Found,
    Outcome,
    Set,
    Verdict,
    dangerous_first,
    search,
)
from hullward.model.capabilities import BY_NAME, DEFAULT

NAMES = sorted(DEFAULT)
SAME, DIFFERS, FAILS = Outcome(Verdict.SAME), Outcome(Verdict.DIFFERS), Outcome(Verdict.FAILS)
sets = st.frozensets(st.sampled_from(NAMES))


class Laboratory:
    """Answers by a function, and notes what it was asked."""

    def __init__(self, answer: Callable[[Set], Outcome]) -> None:
        self.answer = answer
        self.asked: list[Set] = []

    def __call__(self, wanted: Sequence[tuple[Set, str]]) -> list[Outcome]:
        self.asked += [names for names, _ in wanted]
        return [self.answer(names) for names, _ in wanted]

    def search(self, observed: Set, *, aggressive: bool = False) -> Found:
        return search(observed, DEFAULT, self, aggressive=aggressive)


def needing(*needed: str) -> Callable[[Set], Outcome]:
    return lambda names: SAME if names.issuperset(needed) else FAILS


@given(sets, sets)
def test_exactly_what_is_needed_is_found_whatever_was_observed(needed: Set, observed: Set) -> None:
    found = Laboratory(needing(*needed)).search(observed)

    assert found.minimum == needed
    assert found.proven
    assert all(need.repeated for need in found.needs)


@given(sets, sets)
def test_an_observation_that_holds_costs_few_trials(needed: Set, more: Set) -> None:
    observed = needed | more
    laboratory = Laboratory(needing(*needed))

    found = laboratory.search(observed)

    assert found.trials == len(laboratory.asked) <= len(observed) + len(needed) + 3


@given(sets, sets)
def test_a_need_is_proven_by_two_trials_without_it(needed: Set, observed: Set) -> None:
    laboratory = Laboratory(needing(*needed))

    minimum = laboratory.search(observed).minimum

    for name in minimum:
        assert sum(name not in names for names in laboratory.asked) > 1
        assert minimum - {name} in laboratory.asked


@given(st.randoms(use_true_random=False), sets)
def test_trials_that_contradict_each_other_never_break_the_search(
    random: object, observed: Set
) -> None:
    answers = [SAME, DIFFERS, FAILS]
    laboratory = Laboratory(lambda _: random.choice(answers))  # type: ignore[attr-defined]

    found = laboratory.search(observed)

    assert found.minimum <= found.start <= DEFAULT


@given(st.dictionaries(sets, st.sampled_from([SAME, DIFFERS, FAILS])), sets)
def test_a_proven_set_works_and_without_any_member_it_does_not(
    odd: dict[Set, Outcome], observed: Set
) -> None:
    def answer(names: Set) -> Outcome:
        return SAME if names == DEFAULT else odd.get(names, FAILS)

    found = Laboratory(answer).search(observed)

    if found.proven:
        assert answer(found.minimum) == SAME
    assert all(answer(found.minimum - {name}) != SAME for name in found.minimum)


def test_one_of_two_that_replace_each_other_is_kept_and_the_other_goes() -> None:
    laboratory = Laboratory(lambda names: SAME if names & {"CHOWN", "KILL"} else FAILS)

    found = laboratory.search(frozenset({"CHOWN", "KILL", "MKNOD"}))

    assert found.minimum == {"KILL"}
    assert found.proven


def test_what_only_differs_is_kept_and_says_so() -> None:
    def answer(names: Set) -> Outcome:
        return SAME if "CHOWN" in names else Outcome(Verdict.DIFFERS, ("file /data: root's",))

    (need,) = Laboratory(answer).search(frozenset({"CHOWN", "KILL"})).needs

    assert (need.capability, need.verdict) == ("CHOWN", Verdict.DIFFERS)
    assert need.evidence == ("file /data: root's",)


def test_what_only_differs_goes_when_asked_to_be_aggressive() -> None:
    def answer(names: Set) -> Outcome:
        return SAME if "CHOWN" in names else Outcome(Verdict.DIFFERS, ("file /data: root's",))

    found = Laboratory(answer).search(frozenset({"CHOWN", "KILL"}), aggressive=True)

    assert found.minimum == frozenset()
    assert found.dropped["CHOWN"] == ("file /data: root's",)


def test_a_failed_trial_names_what_it_asked_for_in_vain() -> None:
    def answer(names: Set) -> Outcome:
        missing = frozenset({"FOWNER", "CHOWN"}) - names
        return Outcome(Verdict.FAILS, refused=missing) if missing else SAME

    laboratory = Laboratory(answer)
    found = laboratory.search(frozenset({"CHOWN"}))

    assert found.start == found.minimum == {"CHOWN", "FOWNER"}
    assert DEFAULT not in laboratory.asked


def test_failure_by_chance_is_not_believed() -> None:
    first = {frozenset({"CHOWN"}): FAILS}

    def answer(names: Set) -> Outcome:
        return first.pop(names, SAME if "CHOWN" in names else FAILS)

    found = Laboratory(answer).search(frozenset({"CHOWN", "KILL"}))

    assert found.minimum == {"CHOWN"}
    assert found.proven


def test_the_most_dangerous_goes_first_and_kill_last() -> None:
    assert dangerous_first({"KILL", "CHOWN", "SYS_ADMIN", "DAC_OVERRIDE"}) == [
        "SYS_ADMIN",
        "DAC_OVERRIDE",
        "CHOWN",
        "KILL",
    ]


@given(st.frozensets(st.sampled_from(sorted(BY_NAME))))
def test_the_order_keeps_every_capability(names: Set) -> None:
    assert frozenset(dangerous_first(names)) == names
