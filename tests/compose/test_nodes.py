"""YAML text to nodes with their places."""

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hullward.compose import nodes, parser
from hullward.compose.nodes import Alias, Mapping, Mark, Node, Scalar, Sequence
from hullward.model.errors import HullwardError

BOMB = "\n".join(
    ["a0: &a0 x"] + [f"a{n}: &a{n} [" + ", ".join([f"*a{n - 1}"] * 9) + "]" for n in range(1, 12)]
)


def scalars(node: Node) -> list[Scalar]:
    """Give every single value that is written below a node."""
    if isinstance(node, Scalar):
        return [node]
    if isinstance(node, Sequence):
        return [found for item in node.items for found in scalars(item)]
    if isinstance(node, Mapping):
        return [found for pair in node.pairs for part in pair for found in scalars(part)]
    return []


def plain(node: Node) -> object:
    """Give the values alone."""
    found = nodes.resolved(node)
    if isinstance(found, Scalar):
        return found.value
    if isinstance(found, Sequence):
        return [plain(item) for item in found.items]
    return [(plain(key), plain(value)) for key, value in found.pairs]


def test_a_scalar_has_its_place_style_tag_and_anchor() -> None:
    (tree,) = nodes.documents("a: 1\nb: &x !t 'two'\n", "f")

    assert isinstance(tree, Mapping)
    assert tree.get("b") == Scalar("two", "'", "!t", "x", Mark(8, 2, 4), Mark(19, 2, 15))
    assert tree.get("none") is None


def test_an_alias_keeps_its_own_place() -> None:
    tree = nodes.parse("a: &x [1]\nb: *x\n", "f")

    assert isinstance(tree, Mapping)
    alias = tree.get("b")
    assert isinstance(alias, Alias)
    assert (alias.name, alias.start) == ("x", Mark(13, 2, 4))
    assert nodes.resolved(alias) is tree.get("a")


@pytest.mark.parametrize(
    "text",
    [
        "a: é\r\nb: x",
        "\ufeffa: 1\nb: x\n",
        "\ufeffa: ü\r\nb: &z 2\r\nc: [x,\r\n x]\r\n",
        "a: 1\rb: x",
    ],
)
def test_the_index_of_a_place_counts_characters_whatever_the_line_ends(text: str) -> None:
    (tree,) = nodes.documents(text, "f")

    for scalar in scalars(tree):
        written = text[scalar.start.index : scalar.end.index]
        assert written.endswith(scalar.value)


def test_an_empty_file_has_no_document() -> None:
    assert nodes.documents("", "f") == nodes.documents("# only\n---\n", "f") == ()
    assert nodes.parse("", "f") is None


def test_each_document_of_a_file_is_read() -> None:
    assert len(nodes.documents("a: 1\n---\nb: 2\n...\n", "f")) == 2
    with pytest.raises(HullwardError, match=r"f:3:1: a second document"):
        nodes.parse("a: 1\n---\nb: 2\n", "f")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a:\n\tb: c", "f:2:1: a tab is no indentation"),
        ("a: 1\na: 2", "f:2:1: the key 'a' is there twice"),
        ("a: [1", "f:2:1: did not find expected"),
        ("a: *x", "f:1:4: no anchor &x yet"),
        ("a: &x [*x]", "f:1:8: *x is inside of what it names"),
        ("a: b\n c: d", "f:2:3: mapping values are not allowed"),
        ("a: 'x\0'", "f:1:6: U+0000 is not allowed in YAML"),
        ("ab: \ud800", "f:1:5: U+D800 is not allowed in YAML"),
        ("a: \x1b[31m", "f:1:4: U+001B is not allowed in YAML"),
        ("[" * 101 + "]" * 101, "f:1:101: more than 100 levels of nesting"),
        (BOMB, "aliases stand for more than 200000 values"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, what: str) -> None:
    with pytest.raises(HullwardError, match=re.escape(what)):
        nodes.documents(text, "f")


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(HullwardError, match="no compose file"):
        nodes.documents("#" * (parser.MAX_CHARACTERS + 1), "f")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=9,
    ),
    st.booleans(),
)
def test_the_parser_without_libyaml_reads_the_same(value: object, flow: bool) -> None:  # noqa: FBT001 - drawn
    text = yaml.safe_dump(value, default_flow_style=flow, allow_unicode=True)
    fast, slow = parser.read(text, "f", pure=False), parser.read(text, "f", pure=True)

    assert [plain(node) for node in fast] == [plain(node) for node in slow]
    assert [s.start for n in fast for s in scalars(n)] == [
        s.start for n in slow for s in scalars(n)
    ]


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#\n\t ,?%", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    said = "f:"
    try:
        nodes.documents(text, "f")
    except HullwardError as error:
        said = error.what

    assert said.startswith("f:")
