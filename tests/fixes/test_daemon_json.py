import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import attempt
from hullward.fixes.daemon_json import parsed, with_key, without_key
from hullward.model.errors import HullwardError

PATH = "/etc/docker/daemon.json"
KEY = "userns-remap"
KEYS = st.text(max_size=8).filter(lambda key: key != KEY)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
LAYOUTS = st.sampled_from(
    [(None, ", ", ": "), (None, ",", ":"), (2, ",", ": "), ("\t", ",", " : ")]
)


def refused(text: str) -> str:
    found = attempt(lambda: with_key(text, PATH, KEY, "default"))
    assert isinstance(found, HullwardError)
    assert found.advice.endswith("Nothing was changed.")
    return found.what


def test_a_key_comes_last_and_every_other_byte_stays() -> None:
    text = '{\n    "debug": false,\n    "dns": [ "10.0.0.1" ]\n}'

    assert with_key(text, PATH, KEY, "x") == (
        '{\n    "debug": false,\n    "dns": [ "10.0.0.1" ],\n    "userns-remap": "x"\n}'
    )


def test_one_line_stays_one_line() -> None:
    assert with_key('{"a":1}', PATH, KEY, "default") == '{"a":1, "userns-remap":"default"}'


def test_line_ends_of_windows_stay() -> None:
    text = '{\r\n  "a": 1\r\n}\r\n'

    assert with_key(text, PATH, KEY, "x") == '{\r\n  "a": 1,\r\n  "userns-remap": "x"\r\n}\r\n'


@pytest.mark.parametrize("text", [None, "", " \n", "{}", "{\n}\n"])
def test_a_file_that_holds_nothing_becomes_an_object(text: str | None) -> None:
    assert with_key(text, PATH, KEY, "default") == '{\n  "userns-remap": "default"\n}\n'


def test_a_key_that_is_there_is_set_in_its_place() -> None:
    assert with_key('{"userns-remap": "", "a": 1}', PATH, KEY, "default") == (
        '{"userns-remap": "default", "a": 1}'
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('\ufeff{"a": 1}', "begins with a byte order mark"),
        ('{\n  // no\n  "a": 1}', "line 2: a comment, which JSON does not have"),
        ('{"a": 1,}', "a comma before the closing bracket"),
        ('{"a": 1, "a": 2}', "has the key 'a' twice"),
        ('{"a": {"b": 1, "b": 1}}', "has the key 'b' twice"),
        ("[]", "is JSON, but no object"),
        ('{"a": NaN}', "NaN is no JSON"),
        ('{"a": 1} x', "is not JSON"),
        ("[" * 100000, "is not JSON"),
    ],
)
def test_what_dockerd_would_refuse_is_refused_by_name(text: str, words: str) -> None:
    assert words in refused(text)


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=5), LAYOUTS, st.text(max_size=8))
def test_setting_a_key_changes_nothing_else_and_removing_it_gives_the_text_back(
    settings: dict[str, object], layout: tuple[int | str | None, str, str], value: str
) -> None:
    indent, *separators = layout
    text = json.dumps(settings, indent=indent, separators=(separators[0], separators[1]))

    there = with_key(text, PATH, KEY, value)

    assert list(parsed(there, PATH).items()) == [*settings.items(), (KEY, value)]
    assert without_key(there, PATH, KEY) == text


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=5), LAYOUTS, st.data())
def test_any_key_can_be_removed(
    settings: dict[str, object], layout: tuple[int | str | None, str, str], data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(list(settings)))
    text = json.dumps(settings, indent=layout[0], separators=(layout[1], layout[2]))

    found = parsed(without_key(text, PATH, key), PATH)

    assert found == {name: value for name, value in settings.items() if name != key}
