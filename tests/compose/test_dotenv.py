"""Files of variables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullward.compose import dotenv
from hullward.model.errors import HullwardError


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("# no\n\n  A=1\n", {"A": "1"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("\ufeffA=1", {"A": "1"}),
        ("export A=1", {"A": "1"}),
        ("A: 1", {"A": "1"}),
        ("A = b c  # note", {"A": "b c"}),
        ("A=b#c", {"A": "b#c"}),
        ("A=\nB=2", {"A": "", "B": "2"}),
        ("A='$B #x'", {"A": "$B #x"}),
        ('A="x # y" # note', {"A": "x # y"}),
        ('A="a\\tb\\$c\\"d"', {"A": 'a\tb$c"d'}),
        ('A="one\ntwo"\nB=2', {"A": "one\ntwo", "B": "2"}),
        ("A=1\nB=${A}2\nC=$KNOWN", {"A": "1", "B": "12", "C": "known"}),
        ("A=${NONE:-d}", {"A": "d"}),
        ("KNOWN\nUNKNOWN\nA=1", {"KNOWN": "known", "A": "1"}),
    ],
)
def test_a_file_gives_its_variables(text: str, found: dict[str, str]) -> None:
    assert dotenv.parse(text, "f", {"KNOWN": "known"}) == found


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("A=1\nB C=2", "f:2: this is no NAME=value"),
        ("A=1\n\nB='x", "f:3: a quote is not closed"),
        ("!A=1", "f:1: this is no NAME=value"),
        ("A=${", "f:1: a name must follow"),
    ],
)
def test_a_line_that_is_none_is_refused_with_its_number(text: str, what: str) -> None:
    with pytest.raises(HullwardError, match=what):
        dotenv.parse(text, "f", {})


def test_a_raw_file_is_taken_as_it_is() -> None:
    found = dotenv.parse_raw("# x\nA=$B ${\nB='q'\nKNOWN\nNONE\n", "f", {"KNOWN": "k"})

    assert found == {"A": "$B ${", "B": "'q'", "KNOWN": "k"}


def test_a_raw_file_refuses_what_has_no_name() -> None:
    with pytest.raises(HullwardError, match="f:2: this is no NAME=value"):
        dotenv.parse_raw("A=1\n=x", "f", {})


@given(st.text(alphabet="AB=:$'\"\\{}# \n-", max_size=40))
def test_any_file_is_read_or_refused(text: str) -> None:
    said = [""]
    for parse in (dotenv.parse, dotenv.parse_raw):
        try:
            parse(text, "f", {})
        except HullwardError as error:
            said.append(error.what)

    assert all(what == "" or what.startswith("f:") for what in said)
