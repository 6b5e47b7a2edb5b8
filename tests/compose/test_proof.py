"""The proof of an edit: it sees whatever else has become different."""

import pytest

from hullward.compose.changes import Leaf
from hullward.compose.nodes import Mapping, Node, Sequence, parse
from hullward.compose.proof import Additions, difference

OLD = """\
services:
  web: &w
    image: a
    cap_drop: [CHOWN]
    other: !x 'text'
  api: *w
"""


def tree(text: str) -> Node:
    root = parse(text, "a")
    assert root is not None
    return root


def wanted(root: Node) -> Additions:
    """Ask for `read_only: true` and the item ALL at the service web."""
    assert isinstance(root, Mapping)
    services = root.get("services")
    assert isinstance(services, Mapping)
    web = services.get("web")
    assert isinstance(web, Mapping)
    dropped = web.get("cap_drop")
    assert isinstance(dropped, Sequence)
    return Additions({id(web): {"read_only": Leaf(value=True)}}, {id(dropped): ("ALL",)})


NEW = OLD.replace("[CHOWN]", "[CHOWN, ALL]\n    read_only: true")


def test_the_old_tree_with_what_was_asked_for_is_proven() -> None:
    old = tree(OLD)

    assert difference(old, tree(NEW), wanted(old)) is None
    assert difference(old, tree(OLD), Additions()) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("image: a", "image: b"),
        ("image: a", "image: 'a'"),
        ("image: a", "imagine: a"),
        ("image: a\n", "image: a\n    more: b\n"),
        ("    image: a\n", ""),
        ("    image: a\n    cap_drop", "    cap_drop"),
        ("&w", "&w2"),
        ("*w", "{image: a}"),
        ("!x", "!y"),
        ("!x", ""),
        ("'text'", "[text]"),
        ("CHOWN, ALL", "ALL, CHOWN"),
        ("CHOWN, ALL", "CHOWN"),
        ("CHOWN, ALL", "CHOWN, ALL, KILL"),
        ("CHOWN, ALL", "CHOWN, &b ALL"),
        ("[CHOWN, ALL]", "\n    - CHOWN\n    - ALL"),
        ("read_only: true", "read_only: 'true'"),
        ("read_only: true", "read_only: yes"),
        ("read_only: true", "read_only: [true]"),
        ("    read_only: true\n", ""),
        ("services:", "x: y\nservices:"),
    ],
)
def test_anything_else_is_a_difference(before: str, after: str) -> None:
    old = tree(OLD)
    new = NEW.replace(before, after, 1)
    if "*w2" in new or "&w2" in new:
        new = new.replace("*w", "*w2")

    assert new != NEW
    assert difference(old, tree(new), wanted(old)) is not None


@pytest.mark.parametrize(
    ("written", "value", "same"),
    [
        ("5", Leaf(5), True),
        ("'5'", Leaf(5), False),
        ("'5'", Leaf("5"), True),
        ("5", Leaf("5"), False),
        ("on", Leaf("on"), False),
        ("[a]", Leaf(("a",)), True),
        ("[a, b]", Leaf(("a",)), False),
        ("{a: {b: 1}}", {"a": {"b": Leaf(1)}}, True),
        ("{a: {b: 1, c: 1}}", {"a": {"b": Leaf(1)}}, False),
        ("a", {"a": Leaf(1)}, False),
    ],
)
def test_a_value_counts_only_where_every_yaml_reads_it_so(
    written: str, value: Leaf | dict[str, Leaf], *, same: bool
) -> None:
    old, new = tree("a: b\n"), tree(f"a: b\nnew: {written}\n")

    found = difference(old, new, Additions({id(old): {"new": value}}))

    assert (found is None) == same
