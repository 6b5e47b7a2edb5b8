import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullward.report.text import fold, pad, shorten, visible, width

FORBIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
any_text = st.text(st.characters())
shown = any_text.map(visible)
columns = st.integers(2, 60)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("web", "web"),
        ("weiß 中文 🚢", "weiß 中文 🚢"),
        ("a\nb", r"a\x0ab"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x7f\x9b", r"\x7f\x9b"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\u200b\u2028\ufeff", r"\u200b\u2028\ufeff"),
        ("\udc80", r"\udc80"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_a_terminal_obeys_or_hides_is_written_as_an_escape(text: str, expected: str) -> None:
    assert visible(text) == expected


@given(any_text)
def test_no_control_or_direction_character_stays(text: str) -> None:
    assert not {unicodedata.category(char) for char in visible(text)} & FORBIDDEN
    assert len(visible(text).splitlines()) <= 1


@given(any_text)
def test_visible_text_is_left_alone(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("web", 3), ("", 0), ("中文", 4), ("\uff46", 2), ("é", 1), ("e\u0301", 1), ("ก\u0e31", 1)],
)
def test_width_counts_columns_and_not_characters(text: str, expected: int) -> None:
    assert width(text) == expected


@given(shown, columns)
def test_fold_never_exceeds_the_width(text: str, room: int) -> None:
    assert max(map(width, fold(text, room))) <= room


@given(shown, columns)
def test_fold_loses_no_character_but_spaces(text: str, room: int) -> None:
    assert "".join(fold(text, room)).replace(" ", "") == text.replace(" ", "")


@given(st.lists(st.text("abc", min_size=1, max_size=5), min_size=1), st.integers(5, 40))
def test_fold_breaks_at_spaces_where_words_fit(words: list[str], room: int) -> None:
    lines = fold(" ".join(words), room)

    assert [word for line in lines for word in line.split(" ")] == words


@pytest.mark.parametrize(
    ("text", "room", "lines"),
    [
        ("", 5, [""]),
        ("one two three", 7, ["one two", "three"]),
        ("/var/run/docker.sock", 12, ["/var/run/", "docker.sock"]),
        ("unbreakable", 4, ["unbr", "eaka", "ble"]),
        ("a unbreakable", 6, ["a", "unbrea", "kable"]),
        ("中文字", 4, ["中文", "字"]),
    ],
)
def test_fold_cuts_behind_punctuation_or_where_it_must(
    text: str, room: int, lines: list[str]
) -> None:
    assert fold(text, room) == lines


@pytest.mark.parametrize(
    ("path", "room", "short"),
    [
        ("/srv/app", 20, "/srv/app"),
        ("/srv/shop/releases/42/public", 20, "/srv/…/42/public"),
        ("/srv/shop/releases/42/public", 14, "/srv/…/public"),
        ("/a-single-very-long-part", 10, "/a-single-very-long-part"),
        ("/srv/shop/releases", 5, "/srv/shop/releases"),
    ],
)
def test_shorten_takes_the_middle_of_a_path(path: str, room: int, short: str) -> None:
    assert shorten(path, room) == short


@given(st.lists(st.text("ab中", min_size=1, max_size=9), min_size=1, max_size=8), columns)
def test_shorten_keeps_both_ends_and_never_adds(parts: list[str], room: int) -> None:
    path = "/" + "/".join(parts)
    short = shorten(path, room)

    assert width(short) <= width(path)
    assert short.startswith(f"/{parts[0]}")
    assert short.endswith(parts[-1])
    assert short == path or width(short) <= room


@given(shown, columns)
def test_pad_fills_up_to_the_width_and_no_further(text: str, room: int) -> None:
    padded = pad(text, room)

    assert width(padded) == max(width(text), room)
    assert re.fullmatch(re.escape(text) + " *", padded)
