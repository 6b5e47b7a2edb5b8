"""Our reading of compose files beside docker compose's own, over a corpus and any file."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import compose_files
import compose_oracle
from live_engine import NAMES, SCRIPTS, said

pytestmark = pytest.mark.live
_EXAMPLES = 150


@pytest.fixture(scope="module")
def programs() -> list[str]:
    """Give the docker compose programs, the newest last."""
    if not NAMES:
        pytest.skip("HULLWARD_LIVE_ENGINES names no engine; `make live` does")
    return said(str(SCRIPTS / "compose")).split()


def differences(program: str, folder: Path, files: tuple[str, ...]) -> list[object] | None:
    """Name the facts on which the two readings differ; None where the program refuses."""
    answer = compose_oracle.config(program, folder, files)
    if answer is None:
        return None
    whole = compose_oracle.read(folder, files)
    theirs, ours = compose_oracle.theirs(answer), compose_oracle.ours(whole)
    found: list[object] = [*compose_oracle.unread(whole)]
    found += [name for name in theirs if name not in ours] + [n for n in ours if n not in theirs]
    for name in theirs.keys() & ours.keys():
        found += [
            (name, field, value, ours[name][field])
            for field, value in theirs[name].items()
            if ours[name][field] != value
        ]
    return found


def test_every_file_of_the_corpus_is_read_as_docker_compose_reads_it(programs: list[str]) -> None:
    wrong = {}
    for name, folder, files in compose_oracle.corpus():
        for program in programs:
            if found := differences(program, folder, files):
                wrong[name] = found

    assert wrong == {}


def test_the_recorded_answers_are_those_of_the_newest_docker_compose(programs: list[str]) -> None:
    now = {
        name: compose_oracle.portable(compose_oracle.config(programs[-1], folder, files))
        for name, folder, files in compose_oracle.corpus()
    }

    assert json.loads(compose_oracle.RECORDED.read_text()) == now


@given(st.data())
@settings(max_examples=_EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_files_are_read_as_docker_compose_reads_them(programs: list[str], data: Any) -> None:  # noqa: ANN401 - hypothesis has no public name for it
    drawn = data.draw(compose_files.projects())
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sub").mkdir()
        for path, document in drawn.items():
            text = compose_files.texts(document, flow=data.draw(st.booleans()))
            (folder / path).write_text(text)
        found = differences(programs[-1], folder, tuple(path for path in drawn if "/" not in path))
    assume(found is not None)

    assert found == []
