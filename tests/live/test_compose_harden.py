"""Hardened files before docker compose itself: it reads the old project and exactly the lines."""

import shutil
from pathlib import Path
from typing import Any

import pytest

import compose_oracle
from hullward import harden
from hullward.compose.changes import Change
from hullward.compose.model import Project
from hullward.fixes.compose.proposal import Grade, Known
from hullward.host.contexts import Contexts, TlsOptions
from hullward.host.reader import Access
from hullward.model.errors import HullwardError
from live_cases import IMAGE
from live_engine import NAMES, SCRIPTS, LiveEngine, said

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def programs() -> list[str]:
    """Give the docker compose programs, the newest last."""
    if not NAMES:
        pytest.skip("HULLWARD_LIVE_ENGINES names no engine; `make live` does")
    return said(str(SCRIPTS / "compose")).split()


def untouched(service: dict[str, Any], changes: list[Change]) -> dict[str, Any]:
    keys = {change.path[0] for change in changes}
    return {key: value for key, value in service.items() if key not in keys}


def missing(service: dict[str, Any], changes: list[Change]) -> list[Change]:
    """Name the changes of which docker compose's answer does not speak."""
    found = []
    for change in changes:
        value: Any = service
        for step in change.path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                value = None
        if isinstance(change.value, tuple):
            there = set(value or ()) >= set(change.value)
        elif change.before is not None:
            there = value["host_ip"] == "127.0.0.1"
        else:
            there = bool(value)
        if not there:
            found.append(change)
    return found


def wrong(program: str, folder: Path, files: tuple[str, ...]) -> list[object]:
    """Harden the first of these files in place, and compare what docker compose reads."""
    before = compose_oracle.config(program, folder, files)
    if before is None:
        return []
    first, *others = (str(folder / file) for file in files)
    around = harden.Around(compose_oracle.SHELL, (), tuple(others))
    try:
        plan = harden.plan(first, [], around, lambda _: {}, guess=True)
    except HullwardError as error:
        return [] if "second document" in error.what else [error.what]
    Path(first).write_bytes(plan.hardened.edited.text.encode())
    after = compose_oracle.config(program, folder, files)
    if after is None:
        return ["docker compose refuses the new text"]
    found: list[object] = []
    for name, old in before["services"].items():
        changes = [
            line.change
            for proposal in (*plan.hardened.written, *plan.hardened.inherited)
            if proposal.service == name
            for line in proposal.lines
        ]
        new = after["services"][name]
        found += missing(new, changes)
        if untouched(old, changes) != untouched(new, changes):
            found.append((name, old, new))
    # What stands below x-… is nothing by itself, and may be where services take lines from.
    rest = [
        {k: v for k, v in answer.items() if k != "services" and k[:2] != "x-"}
        for answer in (before, after)
    ]
    return found if rest[0] == rest[1] else [*found, rest]


def test_docker_compose_reads_every_hardened_file_of_the_corpus_as_it_was_meant(
    programs: list[str], tmp_path: Path
) -> None:
    found = {}
    for index, program in enumerate(programs):
        copy = tmp_path / str(index)
        shutil.copytree(compose_oracle.CORPUS, copy)
        for name, folder, files in compose_oracle.corpus():
            here = copy / folder.relative_to(compose_oracle.CORPUS)
            if differences := wrong(program, here, files):
                found[name, index] = differences

    assert found == {}


def test_a_service_with_the_lines_that_are_safe_runs_without_any_privilege(
    engine: LiveEngine, tmp_path: Path
) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(
        "name: hardened\n"
        "services:\n"
        f"  box: {{image: '{IMAGE}', user: '1000', network_mode: none}}\n"
    )

    target = Contexts({}, TlsOptions()).resolve(engine.url)

    def learn(project: Project) -> dict[str, Known]:
        return harden.deep(project, {}, target, Access())

    plan = harden.plan(str(file), [], harden.Around({}), learn, guess=False)
    harden.write(plan)
    try:
        engine.docker("compose", "-f", str(file), "up", "-d")
        status = engine.docker("exec", "hardened-box-1", "cat", "/proc/self/status")
    finally:
        engine.docker("compose", "-f", str(file), "down")

    assert [p.grade for p in plan.hardened.written] == [Grade.SAFE, Grade.SAFE]
    assert "CapBnd:\t0000000000000000\n" in status
    assert "NoNewPrivs:\t1\n" in status
