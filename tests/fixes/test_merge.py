from hypothesis import given
from hypothesis import strategies as st

from hullward.fixes.merge import merged

TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n"]), max_size=8).map("".join)


def test_a_change_is_taken_back_below_what_somebody_has_added() -> None:
    base = '{\n  "debug": true,\n  "userns-remap": "default"\n}\n'
    mine = '{\n  "debug": true\n}\n'
    theirs = '{\n  "icc": false,\n  "debug": true,\n  "userns-remap": "default"\n}\n'

    assert merged(base, mine, theirs) == '{\n  "icc": false,\n  "debug": true\n}\n'


def test_a_line_that_both_have_written_is_a_conflict() -> None:
    assert merged("one\n", "two\n", "three\n") is None


def test_a_line_that_is_to_come_back_between_two_that_are_no_neighbours_is_a_conflict() -> None:
    assert merged("a\nb\n", "a\nx\nb\n", "a\ny\nb\n") is None


@given(TEXTS, TEXTS)
def test_what_nobody_else_has_edited_becomes_what_it_was(base: str, mine: str) -> None:
    assert merged(base, mine, base) == mine


@given(TEXTS, TEXTS)
def test_nothing_to_take_back_leaves_what_others_wrote(base: str, theirs: str) -> None:
    assert merged(base, base, theirs) == theirs


@given(TEXTS, TEXTS)
def test_lines_added_at_the_end_stay(base: str, mine: str) -> None:
    theirs = f"{base}new\n"
    found = merged(base, mine, theirs)

    assert found is None or found.endswith("new\n")
