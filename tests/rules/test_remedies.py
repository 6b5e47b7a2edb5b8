import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import COMPOSE
from hullward.model.facts import Container
from hullward.rules import remedies

SERVICE = Container("shop-web-1", image="nginx", labels=COMPOSE)
PLAIN = Container("web", image="nginx")


def test_add_names_file_and_service_of_a_compose_project() -> None:
    assert remedies.add(SERVICE, "cap_drop:\n  - ALL", "--cap-drop ALL") == (
        "In /srv/shop/compose.yaml, service web:\n"
        "  cap_drop:\n"
        "    - ALL\n"
        "then: docker compose up -d web"
    )


def test_add_gives_the_command_of_a_plain_container() -> None:
    assert remedies.add(PLAIN, "cap_drop:\n  - ALL", "--cap-drop ALL") == (
        "Run web anew with: docker run --cap-drop ALL … nginx"
    )


def test_remove_names_file_and_service_of_a_compose_project() -> None:
    assert remedies.remove(SERVICE, "privileged: true", "--privileged") == (
        "In /srv/shop/compose.yaml, service web, remove:\n"
        "  privileged: true\n"
        "then: docker compose up -d web"
    )


def test_remove_names_the_flag_of_a_plain_container() -> None:
    assert remedies.remove(PLAIN, "privileged: true", "--privileged") == (
        "Run web anew without: --privileged"
    )


def test_update_changes_a_plain_container_while_it_runs() -> None:
    assert remedies.update(PLAIN, "pids_limit: 200", "--pids-limit 200") == (
        "docker update --pids-limit 200 web   (and give the same flags at `docker run`)"
    )


def test_a_service_whose_file_is_not_known_is_named_without_it() -> None:
    container = Container("web", labels={"com.docker.compose.service": "web"})

    assert remedies.unprivileged(container) == (
        "In the compose file, service web, remove:\n"
        "  privileged: true\n"
        "then: docker compose up -d web"
    )


@pytest.mark.parametrize(
    ("text", "word", "scalar"),
    [
        ("web", "web", "web"),
        ("my web", "'my web'", "my web"),
        ("a\nb", r"$'a\nb'", r'"a\nb"'),
        ("a'b\x1b", r"$'a\'b\u001b'", r'''"a'b\u001b"'''),
        ("\x7f", r"$'\u007f'", r'"\u007f"'),
        ("\u202eX", r"$'\u202eX'", r'"\u202eX"'),
    ],
)
def test_text_from_outside_is_quoted_for_its_place(text: str, word: str, scalar: str) -> None:
    assert remedies.word(text) == word
    assert remedies.scalar(text) == scalar


@given(st.text())
def test_no_text_from_outside_breaks_a_line(text: str) -> None:
    assert remedies.word(text).isprintable()
    assert remedies.scalar(text).isprintable()


@given(st.text(alphabet=st.characters(exclude_categories=("C", "Z")), min_size=1))
def test_a_printable_word_is_one_word_of_a_shell(text: str) -> None:
    assert shlex.split(remedies.word(text)) == [text]
