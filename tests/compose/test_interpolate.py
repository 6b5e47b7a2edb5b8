"""Variables in texts, as compose replaces them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullward.compose.interpolate import BadTemplateError, Filled, fill

SET = {"V": "value", "EMPTY": "", "REF": "$V"}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("plain", "plain"),
        ("$V", "value"),
        ("a${V}b", "avalueb"),
        ("$V-$V", "value-value"),
        ("$$V $${V}", "$V ${V}"),
        ("$", "$"),
        ("$5 $ cost", "$5 $ cost"),
        ("${REF}", "$V"),
        ("${EMPTY:-d}${EMPTY-d}", "d"),
        ("${NONE:-d}${NONE-e}", "de"),
        ("${V:-d}${V-d}", "valuevalue"),
        ("${V:+s}${EMPTY:+s}${EMPTY+t}${NONE:+s}${NONE+s}", "st"),
        ("${V:?m}${V?m}${EMPTY?m}", "valuevalue"),
        ("${NONE:-${EMPTY:-${V}}}", "value"),
        ("${NONE:-a}${NONE:-b}", "ab"),
        ("${NONE:-{x}}", "{x}"),
        ("${NONE:-:-}", ":-"),
        ("${NONE:-a b/c:d}", "a b/c:d"),
    ],
)
def test_a_template_is_replaced(template: str, text: str) -> None:
    assert fill(template, SET).text == text


def test_a_variable_that_is_not_set_is_named_once() -> None:
    assert fill("$NONE${NONE}${V}", SET) == Filled("value", ("NONE",), variables=True)


def test_a_demand_that_is_not_met_gives_its_message() -> None:
    assert fill("${NONE:?say $V}", SET).demanded == "say $V"
    assert fill("${EMPTY:?}", SET).demanded == "EMPTY is required"


def test_a_default_that_is_written_out_is_told_also_where_it_is_not_used() -> None:
    assert fill("${V:-secret}", SET).defaults
    assert not fill("${V:-}", SET).defaults
    assert not fill("${V}", SET).defaults


@pytest.mark.parametrize("template", ["${", "${}", "${V", "${1}", "${V:}", "${V!x}", "${V:-a\n}"])
def test_a_template_that_compose_refuses_is_refused(template: str) -> None:
    with pytest.raises(BadTemplateError):
        fill(template, SET)


def test_what_variables_make_has_a_limit() -> None:
    with pytest.raises(BadTemplateError, match="more than"):
        fill("$V" * 1000, {"V": "x" * 10_000})


def test_nesting_has_a_limit() -> None:
    with pytest.raises(BadTemplateError, match="levels deep"):
        fill("${NONE:-" * 100 + "x" + "}" * 100, SET)


@given(st.text(alphabet="$V{}:-?+ \nN", max_size=40))
def test_any_text_is_replaced_or_refused(template: str) -> None:
    try:
        filled = fill(template, SET)
    except BadTemplateError:
        return

    assert filled.variables or filled.text == template.replace("$$", "$")
