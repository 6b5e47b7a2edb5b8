"""Edits of every file of the corpus, as it is and damaged at random: proven, or refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullward.compose import locate, nodes
from hullward.compose.changes import Change, inverse, spliced
from hullward.compose.edit import edit
from hullward.compose.nodes import Scalar
from hullward.model.errors import HullwardError

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(path for path in CORPUS.rglob("*.y*ml") if path.name != "multi-document.yaml")
WISHES: tuple[tuple[tuple[str, ...], bool | int | str | tuple[str, ...]], ...] = (
    (("security_opt",), ("no-new-privileges:true",)),
    (("cap_drop",), ("ALL",)),
    (("read_only",), True),
    (("tmpfs",), ("/run:exec,mode=1777",)),
    (("pids_limit",), 200),
    (("deploy", "resources", "limits", "memory"), "512m"),
)
DAMAGES = (
    *("", " ", "  ", "\n", "\r", "\x85", "\u2028", "\t", ":", ",", "- ", "? ", "{", "}", "[", "|"),
    *("'", '"', "#", "&a ", "*a", "!x ", "---\n"),
)


def wishes(text: str) -> list[Change]:
    services = locate.services(nodes.parse(text, "a"))
    names = [key.value for key, _ in services.pairs if isinstance(key, Scalar)] if services else []
    return [Change(name, path, value, comment="why") for name in names for path, value in WISHES]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CORPUS)))
def test_a_file_of_the_corpus_keeps_every_character(path: Path) -> None:
    text = path.read_bytes().decode()
    changes = wishes(text)

    edited = edit(text, changes, path.name)

    assert all(piece.start == piece.end for piece in edited.pieces)
    assert spliced(edited.text, inverse(text, edited.pieces)) == text
    assert {"it cannot be written there"}.isdisjoint(r.reason for r in edited.refused)
    assert edit(edited.text, changes, path.name).text == edited.text


@given(
    st.sampled_from([path.read_bytes().decode() for path in FILES]),
    st.lists(
        st.tuples(
            st.integers(0, 4000),
            st.integers(0, 3),
            st.sampled_from(DAMAGES),
        ),
        max_size=4,
    ),
)
def test_a_damaged_file_is_refused_or_edited_as_any_other(
    text: str, damages: list[tuple[int, int, str]]
) -> None:
    for at, length, new in damages:
        start = at % (len(text) + 1)
        text = text[:start] + new + text[start + length :]
    try:
        changes = wishes(text)
    except HullwardError:
        return

    edited = edit(text, changes, "a")

    assert all(piece.start == piece.end for piece in edited.pieces)
    assert len(edited.made) + len(edited.refused) == len(changes)
    assert spliced(edited.text, inverse(text, edited.pieces)) == text
    assert edit(edited.text, edited.made, "a").text == edited.text
