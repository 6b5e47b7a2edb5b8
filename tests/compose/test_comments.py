"""Waivers in the comments of a file."""

from hypothesis import given
from hypothesis import strategies as st

from hullward.compose import comments, nodes
from hullward.compose.comments import Ignore, Misread
from hullward.model.errors import HullwardError

FILE = "compose.yaml"
TEXT = """\
services:
  web:  # hullward: ignore[container-root] it is a build container
    image: x
    # hullward: ignore[container-engine-socket, container-sensitive-bind] reads labels

    # another word
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock
      - /etc:/etc
    privileged: true  # hullward: ignore[container-privileged]
  db:
    image: y
    command: >
      echo # hullward: ignore[container-root] not a comment
    labels:
      note: "# hullward: ignore[container-root] nor this"
  # hullward: be quiet
"""


def read(text: str) -> tuple[Ignore | Misread, ...]:
    return comments.ignores(text, nodes.documents(text, FILE), FILE)


def test_a_waiver_covers_its_line_and_what_is_nested_in_it() -> None:
    web, volumes, privileged, misread = read(TEXT)

    assert isinstance(web, Ignore)
    assert (web.rules, web.reason) == (("container-root",), "it is a build container")
    assert (web.first, web.last) == (2, 10)
    assert isinstance(volumes, Ignore)
    assert volumes.rules == ("container-engine-socket", "container-sensitive-bind")
    assert (volumes.first, volumes.last) == (7, 9)
    assert isinstance(privileged, Ignore)
    assert (privileged.first, privileged.last, privileged.reason) == (10, 10, "")
    assert isinstance(misread, Misread)
    assert (misread.text, str(misread.place)) == ("be quiet", "compose.yaml:17:3")


def test_a_waiver_covers_only_the_rules_and_lines_that_it_names() -> None:
    web = read(TEXT)[0]

    assert isinstance(web, Ignore)
    assert web.covers("container-root", 10)
    assert not web.covers("container-root", 11)
    assert not web.covers("container-privileged", 10)


def test_a_comment_on_an_entry_of_a_list_covers_the_entry_alone() -> None:
    text = (
        "services:\n  a:\n    volumes:\n"
        "      - type: bind  # hullward: ignore[container-sensitive-bind] read only\n"
        "        source: /etc\n      - /root:/root\n"
    )
    (found,) = read(text)

    assert isinstance(found, Ignore)
    assert (found.first, found.last) == (4, 5)


def test_a_comment_at_the_end_covers_nothing_but_itself() -> None:
    (found,) = read("services: {}\n# hullward: ignore[x] why")

    assert isinstance(found, Ignore)
    assert (found.first, found.last) == (2, 2)


def test_lines_that_end_with_carriage_returns_are_read_alike() -> None:
    places = [(i.place.line, type(i)) for i in read(TEXT.replace("\n", "\r\n"))]

    assert places == [(i.place.line, type(i)) for i in read(TEXT)]


@given(st.text(alphabet="ab :#-[]\n\"'|hullward ignore", max_size=80))
def test_any_text_that_is_yaml_is_read(text: str) -> None:
    text += "\n# hullward: ignore[rule] reason\n"
    try:
        roots = nodes.documents(text, FILE)
    except HullwardError:
        return
    found = comments.ignores(text, roots, FILE)

    assert all(1 <= i.place.line <= text.count("\n") + 1 for i in found)
    assert all(i.first <= i.last for i in found if isinstance(i, Ignore))
