"""What plain texts of YAML stand for."""

import pytest

from hullward.compose.scalars import Data, data, written


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("22:22", "22:22"),
        ("190:20:30", "190:20:30"),
        ("yes", "yes"),
        ("on", "on"),
        ("n", "n"),
        ("true", True),
        ("False", False),
        ("tRUE", "tRUE"),
        ("", None),
        ("~", None),
        ("Null", None),
        ("12", 12),
        ("-12", -12),
        ("+1", 1),
        ("0x1f", 31),
        ("0o17", 15),
        ("017", 15),
        ("0b101", 5),
        ("08", 8.0),
        ("1_000", 1000),
        ("1.50", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1.2.3", "1.2.3"),
        ("2024-01-01", "2024-01-01"),
        ("-", "-"),
        ("0x", "0x"),
        ("9" * 100, "9" * 100),
    ],
)
def test_a_plain_text_is_read_as_yaml_1_2(text: str, value: Data) -> None:
    found = data(text, "", "")

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(("style", "tag"), [("'", ""), ('"', ""), ("", "!"), ("|", "")])
def test_what_is_quoted_or_tagged_is_a_text(style: str, tag: str) -> None:
    assert data("12", style, tag) == "12"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (True, "true"), (1.0, "1"), (1.5, "1.5"), (15, "15"), ("x", "x")],
)
def test_a_value_is_written_as_compose_writes_it(value: Data, text: str) -> None:
    assert written(value) == text
