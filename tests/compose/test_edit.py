"""Edits of compose files: what comes, what stays, and what is refused."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hullward.compose.changes import Change, Edited, Value, inverse, spliced
from hullward.compose.edit import edit
from hullward.model.errors import HullwardError

NO_NEW = Change("web", ("security_opt",), ("no-new-privileges:true",))
DROP = Change("web", ("cap_drop",), ("ALL",))


def changed(text: str, *changes: Change) -> str:
    edited = edit(text, changes, "compose.yaml")
    assert not edited.refused
    return edited.text


def refusals(text: str, *changes: Change) -> list[tuple[str, int]]:
    edited = edit(text, changes, "compose.yaml")
    assert edited.text == text
    return [(refusal.reason, refusal.line) for refusal in edited.refused]


def test_new_keys_stand_behind_the_last_one_and_before_its_trailing_comments() -> None:
    text = """\
services:
  web:  # the front
    image: nginx  # pinned later

    # ports:
    #   - 80:80
  db:
    image: postgres
"""

    assert (
        changed(text, NO_NEW, DROP)
        == """\
services:
  web:  # the front
    image: nginx  # pinned later
    security_opt:
      - no-new-privileges:true
    cap_drop:
      - ALL

    # ports:
    #   - 80:80
  db:
    image: postgres
"""
    )


def test_a_new_item_has_the_dash_the_gap_and_the_quotes_of_its_list() -> None:
    text = """\
services:
    web:
        security_opt:
        -   'label=type:web'   # for SELinux
        image: nginx
"""

    assert (
        changed(text, NO_NEW, DROP)
        == """\
services:
    web:
        security_opt:
        -   'label=type:web'   # for SELinux
        -   'no-new-privileges:true'
        cap_drop:
        -   ALL
        image: nginx
"""
    )


def test_keys_of_one_path_come_as_one_block() -> None:
    text = "services:\n  web:\n    image: a\n    deploy:\n      replicas: 2\n"
    limits = ("deploy", "resources", "limits")

    assert changed(
        text, Change("web", (*limits, "pids"), 100), Change("web", (*limits, "memory"), "64m")
    ) == (
        "services:\n  web:\n    image: a\n    deploy:\n      replicas: 2\n"
        "      resources:\n        limits:\n          pids: 100\n          memory: 64m\n"
    )


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        ("{image: a}", "{image: a, cap_drop: [ALL]}"),
        ("{image: a,}", "{image: a, cap_drop: [ALL],}"),
        ("{}", "{cap_drop: [ALL]}"),
        ("{image: a, cap_drop: []}", "{image: a, cap_drop: [ALL]}"),
        ("{cap_drop: [CHOWN]} # x", "{cap_drop: [CHOWN, ALL]} # x"),
        ('{"image": "a"}', '{"image": "a", "cap_drop": ["ALL"]}'),
        ("{\n  image: a\n  }", "{\n  cap_drop: [ALL],\n  image: a\n  }"),
        ("{cap_drop: [\n  CHOWN,\n  ]}", "{cap_drop: [\n  CHOWN,\n  ALL,\n  ]}"),
    ],
)
def test_flow_style_stays_flow_style(service: str, expected: str) -> None:
    assert changed(f"services:\n web: {service}\n", DROP) == f"services:\n web: {expected}\n"


def test_line_ends_the_byte_order_mark_and_a_missing_last_line_end_stay() -> None:
    text = "\ufeffservices:\r\n  web:\r\n    image: a"

    assert changed(text, DROP) == (
        "\ufeffservices:\r\n  web:\r\n    image: a\r\n    cap_drop:\r\n      - ALL"
    )


@pytest.mark.parametrize("header", ["|", ">", "|-", ">-", "|+", ">+", "|2", "|+2"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n\n\n"])
def test_a_block_scalar_at_the_end_keeps_its_text(header: str, end: str) -> None:
    text = f"services:\n  web:\n    image: a\n    command: {header}\n      one\n\n      two{end}"

    new = changed(text, DROP)

    old = yaml.safe_load(text)["services"]["web"]
    assert yaml.safe_load(new)["services"]["web"] == old | {"cap_drop": ["ALL"]}


def test_a_comment_says_that_a_line_is_a_guess() -> None:
    text = "services:\n  web:\n    image: a\n  db: {image: b}  # mine\n"

    assert changed(
        text,
        Change("web", ("read_only",), value=True, comment="a guess"),
        Change("db", ("read_only",), value=True, comment="a guess"),
        Change("db", ("user",), "1000", comment="a guess"),
    ) == (
        "services:\n  web:\n    image: a\n    read_only: true  # a guess\n"
        '  db: {image: b, read_only: true, user: "1000"}  # mine  # a guess\n'
    )


@pytest.mark.parametrize("quote", ["", "'", '"'])
def test_a_port_gets_its_address_in_front(quote: str) -> None:
    text = f"services:\n  web:\n    ports:\n      - {quote}80:80{quote}   # http\n"
    port = Change("web", ("ports", 0), "127.0.0.1:80:80", before="80:80")

    assert changed(text, port) == text.replace("80:80", "127.0.0.1:80:80")


def test_a_text_that_is_not_the_expected_one_is_not_replaced() -> None:
    text = "services:\n  web:\n    ports: ['81:80']\n"
    port = Change("web", ("ports", 0), "127.0.0.1:80:80", before="80:80")

    assert refusals(text, port) == [("ports[0] is set already", 3)]


def test_what_is_there_already_is_not_written_again() -> None:
    text = "services:\n  web:\n    cap_drop: [NET_RAW, ALL]\n    read_only: true\n"

    edited = edit(text, [DROP, Change("web", ("read_only",), value=True)], "compose.yaml")

    assert edited == Edited(text, (), edited.made, (3, 4), ())


def test_other_values_are_left_to_people() -> None:
    text = "services:\n  web:\n    read_only: false\n    tmpfs: /run\n    cap_drop: !reset []\n"

    assert refusals(
        text,
        Change("web", ("read_only",), value=True),
        Change("web", ("tmpfs",), ("/tmp",)),  # noqa: S108 - a path in a container
        DROP,
        Change("db", ("read_only",), value=True),
    ) == [
        ("read_only is set already", 3),
        ("tmpfs is set already", 4),
        ("!reset stands at cap_drop", 5),
        ("the service is not written in this file", 0),
    ]


SHARED = """\
services:
  web: &web
    image: a
  api:
    <<: *web
    command: b
"""


def test_a_mapping_that_another_service_merges_is_not_changed_for_one_of_them() -> None:
    assert refusals(SHARED, DROP) == [("an anchor shares this place with api", 2)]


def test_a_mapping_that_services_share_is_changed_once_if_all_are_to_get_it() -> None:
    edited = edit(SHARED, [DROP, Change("api", DROP.path, DROP.value)], "compose.yaml")

    assert edited.refused == ()
    assert edited.text == SHARED.replace("image: a\n", "image: a\n    cap_drop:\n      - ALL\n")


def test_a_service_that_merges_others_gets_keys_of_its_own() -> None:
    assert changed(SHARED, Change("api", DROP.path, DROP.value)) == (
        SHARED + "    cap_drop:\n      - ALL\n"
    )


def test_a_list_that_an_anchor_shares_is_changed_only_for_all() -> None:
    text = """\
x-opts: &opts
  - label=disable
services:
  web: {security_opt: *opts}
  api: {security_opt: *opts}
"""
    both = [NO_NEW, Change("api", NO_NEW.path, NO_NEW.value)]

    assert refusals(text, NO_NEW) == [("an anchor shares this place with api", 1)]
    assert changed(text, *both) == text.replace(
        "  - label=disable\n", "  - label=disable\n  - no-new-privileges:true\n"
    )


def test_a_list_that_stands_at_two_keys_of_a_service_is_not_changed() -> None:
    text = "services:\n  web:\n    cap_drop: &c [CHOWN]\n    cap_add: *c\n"

    assert refusals(text, DROP) == [("an anchor shares this place with another part of web", 3)]


@pytest.mark.parametrize("head", ["# DO NOT EDIT", "# Generated by make", "# autogenerated"])
def test_generated_files_are_left_to_their_program(head: str) -> None:
    reason = "the file is generated: it belongs into what makes it"

    assert refusals(f"{head}\nservices:\n  web:\n    image: a\n", DROP) == [(reason, 1)]


@pytest.mark.parametrize("text", ["", "# nothing\n", "a: 1\n", "services:\n", "- a\n"])
def test_a_file_without_services_is_no_place_for_changes(text: str) -> None:
    assert refusals(text, DROP) == [("the file has no services", 0)]


@pytest.mark.parametrize("service", ["", "text", "[a]", "!reset null"])
def test_a_service_without_keys_is_refused(service: str) -> None:
    assert len(refusals(f"services:\n  web: {service}\n", DROP)) == 1


def test_what_cannot_be_proven_is_refused_and_the_rest_is_made() -> None:
    text = "services:\n  web:\n    ? image\n    : a\n  db:\n    image: b\n"

    edited = edit(text, [DROP, Change("db", DROP.path, DROP.value)], "compose.yaml")

    assert [(r.change.service, r.reason) for r in edited.refused] == [
        ("web", "it cannot be written there")
    ]
    assert edited.text == text + "    cap_drop:\n      - ALL\n"


def test_of_two_changes_at_one_place_the_first_is_made() -> None:
    text = "services:\n  web:\n    image: a\n"
    one, two = Change("web", ("user",), "1000"), Change("web", ("user",), "2000")

    edited = edit(text, [one, two], "compose.yaml")

    assert edited.made == (one,)
    assert [(r.change, r.reason) for r in edited.refused] == [(two, "another change is made there")]


def test_text_that_would_break_out_of_its_line_is_an_error() -> None:
    text = "services:\n  web:\n    image: a\n"

    with pytest.raises(HullwardError, match="cannot be written"):
        edit(text, [Change("web", ("user",), "a\nprivileged: true")], "compose.yaml")
    with pytest.raises(HullwardError, match="cannot be a comment"):
        edit(text, [Change("web", ("user",), "a", comment="a\n    b: c")], "compose.yaml")


@pytest.mark.parametrize(
    "value", ["1000:1000", "on", "null", "a: b", "a #b", "- a", "é", "'", '"', "\\", "", "~", "!x"]
)
@pytest.mark.parametrize("around", ["\n    image: a", " {image: a}", ' {"image": "a"}'])
def test_a_text_is_read_back_as_it_was_meant(value: str, around: str) -> None:
    new = changed(f"services:\n  web:{around}\n", Change("web", ("user",), value))

    assert yaml.safe_load(new)["services"]["web"]["user"] == value


# Pieces of which services are made; each stands for a way of writing met in the wild.
ENTRIES = (
    "image: nginx:1.27",
    'image: "nginx"   # why',
    "environment:\n  - A=b\n  - C=d # e",
    "environment:\n- A=b\n\n\n- C=d",
    "environment: {A: b,\n  C: 'd'}",
    "command: |\n  one\n    two\n\n",
    "command: >+\n  one\n\n\n",
    "command: [\n  a, # first\n  b\n]",
    "command: a\n  plain text\n  of lines",
    'command: "of\n  lines"',
    "security_opt:\n  - label=disable",
    "security_opt: [ 'apparmor=x' ]",
    "cap_drop:\n-   NET_RAW",
    "deploy:\n  resources:\n    limits:\n      memory: 1g\n",
    "labels:\n  a.b: c\n  # d: e\n",
    "build: .\n# last words",
    "entrypoint:",
    "tmpfs: /run",
    "<<: *base",
)
CHANGES: tuple[tuple[tuple[str, ...], Value], ...] = (
    (("security_opt",), ("no-new-privileges:true",)),
    (("cap_drop",), ("ALL",)),
    (("read_only",), True),
    (("tmpfs",), ("/tmp", "/run:exec,mode=1777")),  # noqa: S108 - a path in a container
    (("pids_limit",), 200),
    (("user",), "1000:1000"),
    (("deploy", "resources", "limits", "pids"), 64),
    (("deploy", "resources", "limits", "cpus"), "0.5"),
)


@st.composite
def files(draw: st.DrawFn) -> str:
    step, end = draw(st.sampled_from([1, 2, 4])), draw(st.sampled_from(["\n", "\r\n"]))
    lines = draw(st.sampled_from([["# head", "", "x-base: &base {init: true}"], ["x: &base {}"]]))
    lines = [*lines, "services:"]
    for name in ("web", "api"):
        lines.append(" " * step + name + ":" + draw(st.sampled_from(["", " # note", " &" + name])))
        entries = draw(
            st.lists(st.sampled_from(ENTRIES), min_size=1, max_size=5, unique_by=lambda e: e[:4])
        )
        for entry in entries:
            lines += [(" " * 2 * step + line).rstrip() for line in entry.split("\n")]
            lines += draw(st.sampled_from([[], [], [""], ["  # note"], [" " * 2 * step + "# off"]]))
    lines += draw(st.sampled_from([[], ["", "volumes:", "  v:"], ["networks: {n: }"]]))
    return draw(st.sampled_from(["", "\ufeff", "---" + end])) + end.join(
        [*lines, *draw(st.sampled_from([[], [""], ["", ""]]))]
    )


@st.composite
def wishes(draw: st.DrawFn) -> list[Change]:
    chosen = draw(
        st.lists(st.tuples(st.sampled_from(["web", "api"]), st.sampled_from(CHANGES)), unique=True)
    )
    comment = draw(st.sampled_from(["", "a guess"]))
    return [Change(service, *change, comment=comment) for service, change in chosen]


def expected(services: Any, made: tuple[Change, ...]) -> Any:  # noqa: ANN401 - YAML has any shape
    """Do with the values what `made` says, as anybody would."""
    for change in made:
        here = services[change.service]
        for step in change.path[:-1]:
            here = here.setdefault(step, {})
        key = change.path[-1]
        if isinstance(change.value, tuple):
            there = here.get(key) or []
            here[key] = [*there, *(item for item in change.value if item not in there)]
        else:
            here[key] = change.value
    return services


@given(files(), wishes())
def test_new_text_is_old_text_and_exactly_the_changes(text: str, changes: list[Change]) -> None:
    edited = edit(text, changes, "compose.yaml")

    services = yaml.safe_load(text)["services"]
    assert yaml.safe_load(edited.text)["services"] == expected(services, edited.made)
    assert len(edited.made) + len(edited.refused) == len(changes)
    assert all(edited.lines)
    assert all(piece.start == piece.end for piece in edited.pieces)


@given(files(), wishes())
def test_an_edit_can_be_undone_to_the_last_character(text: str, changes: list[Change]) -> None:
    edited = edit(text, changes, "compose.yaml")

    assert spliced(text, edited.pieces) == edited.text
    assert spliced(edited.text, inverse(text, edited.pieces)) == text


@given(files(), wishes())
def test_an_edit_made_again_changes_nothing(text: str, changes: list[Change]) -> None:
    edited = edit(text, changes, "compose.yaml")

    again = edit(edited.text, changes, "compose.yaml")
    assert again.text == edited.text
    assert [r.change for r in again.refused] == [r.change for r in edited.refused]
