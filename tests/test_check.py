"""The flow for files: what cannot be read is a row, and hides no other."""

from pathlib import Path

import pytest

from hullward import check, judge_compose
from hullward.check import Choice, Group, Surroundings
from hullward.model.errors import HullwardError
from hullward.rules import ALL

CHOICE = Choice(tuple(rule for rule in ALL if judge_compose.answers(rule)))
AROUND = Surroundings({})


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_folder_that_was_not_listed_is_a_row_beside_the_others() -> None:
    Path("compose.yaml").write_text("services: {a: {image: 'x:1'}}\n")
    closed = Group(("closed",), found=True, error=HullwardError("closed: no.", "Open it."))
    report = check.check([*check.groups(["compose.yaml"]), closed], CHOICE, AROUND)

    assert [(host.target, host.error, host.incomplete) for host in report.hosts] == [
        ("compose.yaml", None, False),
        ("closed", "closed: no.", True),
    ]


def test_a_file_that_vanishes_is_a_row() -> None:
    Path("compose.yaml").write_text("services: {}\n")
    groups = check.groups(["."])
    Path("compose.yaml").unlink()
    (host,) = check.check(groups, CHOICE, AROUND).hosts

    assert host.error is not None
    assert "compose.yaml cannot be read: No such file" in host.error


def test_every_project_that_is_done_is_counted() -> None:
    for name in ("a", "b"):
        Path(name).mkdir()
        Path(name, "compose.yaml").write_text("services: {}\n")
    done: list[int] = []
    check.check(check.groups(["."]), CHOICE, AROUND, done.append)

    assert done == [1, 2]
