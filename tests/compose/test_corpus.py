"""Our reading of the corpus beside the answers of docker compose, recorded in corpus.json.

`tests/live/test_compose.py` holds the record against the program.
"""

import json
from pathlib import Path

import pytest

import compose_oracle

CASES = list(compose_oracle.corpus())
# What the newest compose-go reads, and the recorded program does not yet.
NEWER = {"newer-extends-included", "newer-include-override"}


@pytest.fixture(scope="module")
def recorded() -> compose_oracle.Facts:
    """Give the recorded answers by name."""
    answers: compose_oracle.Facts = compose_oracle.placed(
        json.loads(compose_oracle.RECORDED.read_text())
    )
    return answers


def test_the_corpus_is_large_and_recorded(recorded: compose_oracle.Facts) -> None:
    assert len(CASES) >= 130
    assert {name for name, _, _ in CASES} == set(recorded)
    assert {name for name, answer in recorded.items() if answer is None} == NEWER


@pytest.mark.parametrize(("name", "folder", "files"), CASES, ids=[name for name, _, _ in CASES])
def test_a_file_is_read_as_docker_compose_reads_it(
    recorded: compose_oracle.Facts, name: str, folder: Path, files: tuple[str, ...]
) -> None:
    whole = compose_oracle.read(folder, files)
    found = compose_oracle.ours(whole)

    assert compose_oracle.unread(whole) == []
    if name in NEWER:
        assert found
    else:
        assert found == compose_oracle.theirs(recorded[name])


@pytest.mark.parametrize(("name", "folder", "files"), CASES, ids=[name for name, _, _ in CASES])
def test_every_fact_has_a_place_in_a_file_that_was_read(
    name: str, folder: Path, files: tuple[str, ...]
) -> None:
    del name
    whole = compose_oracle.read(folder, files)

    for service in whole.services:
        for place in (service.place, *service.places.values(), *service.keys.values()):
            lines = Path(place.file).read_text().splitlines()
            assert place.file in whole.files
            assert 1 <= place.column <= len(lines[place.line - 1]) + 1
