"""Proposals written into a file: all lines of one or none, and proven by reading it again."""

from collections.abc import Sequence

import pytest

from hullward.compose import nodes
from hullward.compose import project as reading
from hullward.compose.changes import Change, Value
from hullward.compose.model import Project
from hullward.fixes.compose.hardening import Hardened, harden
from hullward.fixes.compose.proposal import Grade, Line, Proposal
from hullward.fixes.compose.proposing import propose
from hullward.fixes.compose.rereading import difference

FILE = "/p/compose.yaml"


def read(text: str, **others: str) -> Project:
    files = {FILE: text, **{f"/p/{name}.yaml": other for name, other in others.items()}}
    return reading.read(tuple(files), {}, lambda path: files[path].encode(), env_files=())


def proposal(service: str, *changes: tuple[str, Value], grade: Grade = Grade.SAFE) -> Proposal:
    lines = tuple(Line(Change(service, (key,), value), "why") for key, value in changes)
    return Proposal(service, "rule", grade, lines, "may fail")


def hardened(text: str, found: Sequence[Proposal], *, guess: bool = False) -> Hardened:
    return harden(text, FILE, read(text), found, guess=guess)


DROP = ("cap_drop", ("ALL",))


def test_guesses_are_written_only_for_those_who_ask_and_marked_in_the_file() -> None:
    text = "services:\n  web:\n    image: a\n"
    safe, guess = proposal("web", DROP), proposal("web", ("read_only", True), grade=Grade.GUESS)

    careful, bold = hardened(text, [safe, guess]), hardened(text, [safe, guess], guess=True)

    assert (careful.written, careful.held_back) == ((safe,), (guess,))
    assert careful.edited.text == text + "    cap_drop:\n      - ALL\n"
    assert bold.edited.text == (
        text + "    cap_drop:\n      - ALL\n    read_only: true  # hullward guess: may fail\n"
    )


def test_lines_that_belong_together_are_written_together_or_not_at_all() -> None:
    text = "services:\n  web:\n    image: a\n    tmpfs: /run\n"
    both = proposal("web", ("read_only", True), ("tmpfs", ("/var",)))

    result = hardened(text, [both])

    assert result.edited.text == text
    assert [(r.proposal, r.reason, r.line) for r in result.refused] == [
        (both, "tmpfs is set already", 4)
    ]


EXTENDS = """\
services:
  base:
    image: a
  web:
    extends: {service: base}
"""


def test_what_a_service_gets_by_extends_is_written_once() -> None:
    base, web = proposal("base", DROP), proposal("web", DROP)

    result = hardened(EXTENDS, [base, web])

    assert (result.written, result.inherited) == ((base,), (web,))
    assert result.edited.text == EXTENDS.replace(
        "image: a\n", "image: a\n    cap_drop:\n      - ALL\n"
    )
    again = difference(read(EXTENDS), read(result.edited.text), (base, web))
    assert again == type(again)()


def test_a_service_that_another_one_extends_is_not_changed_for_itself_alone() -> None:
    base = proposal("base", DROP)

    result = hardened(EXTENDS, [base])

    assert result.edited.text == EXTENDS
    assert [r.reason for r in result.refused] == ["web would get it too, by `extends`"]


def test_a_line_that_another_file_undoes_does_not_hold() -> None:
    text = "services:\n  web:\n    image: a\n"
    over = "services:\n  web:\n    cap_drop: !override [CHOWN]\n"
    drop, root = proposal("web", DROP), proposal("web", ("read_only", True))
    result = harden(text, FILE, read(text, over=over), [drop, root], guess=False)

    shown = difference(read(text, over=over), read(result.edited.text, over=over), result.written)

    assert (shown.idle, shown.others) == ((drop,), ())


@pytest.mark.parametrize(
    "change",
    [
        ("image: a", "image: b"),
        ("privileged: false", "privileged: true"),
        ("tmpfs: [/a]", "tmpfs: [/a, /b]"),
        ("  db:", "  other:"),
        ("user: '1'", "user: '2'"),
    ],
)
def test_any_other_change_of_a_service_is_seen(change: tuple[str, str]) -> None:
    text = """\
services:
  web: {image: a, privileged: false, tmpfs: [/a], user: '1'}
  db: {image: a}
"""

    shown = difference(read(text), read(text.replace(*change)), ())

    assert shown.others


@pytest.mark.parametrize(
    "service",
    [
        "{image: a}",
        "{image: a, deploy: {replicas: 1}, user: '1000'}",
        "{image: a, tmpfs: [/run], cap_drop: [NET_RAW], cap_add: [CHOWN]}",
        "{image: a, labels: [traefik.enable=true], ports: ['8080:80', {target: 1, published: 1}]}",
        "{image: a, security_opt: ['label=disable'], volumes: ['data:/tmp']}",
    ],
)
def test_every_proposal_holds_and_is_not_made_again(service: str) -> None:
    text = f"services:\n  web: {service}\nvolumes: {{data: }}\n"
    found = list(propose(read(text), nodes.parse(text, FILE), {}, ["web"]))

    result = harden(text, FILE, read(text), found, guess=True)

    new = result.edited.text
    shown = difference(read(text), read(new), result.written)
    assert (len(result.written), result.refused, shown) == (len(found), (), type(shown)())
    assert list(propose(read(new), nodes.parse(new, FILE), {}, ["web"])) == []
