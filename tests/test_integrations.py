"""What other programs take from this repository: the pre-commit hook and the GitHub Action."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from terminal import run

ROOT = Path(__file__).parents[1]
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
PRIVILEGED = "services:\n  web:\n    image: x:1\n    privileged: true\n"
Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("compose.yaml", True),
        ("a/docker-compose.yml", True),
        ("compose.override.yaml", True),
        ("a/docker-compose.prod.yml", True),
        ("docker-compose-dev.yaml", True),
        ("traefik.compose.yaml", True),
        ("a/values.yaml", False),
        ("composer.yaml", False),
        ("decompose.yml", False),
        ("compose.yaml.bak", False),
    ],
)
def test_the_hook_takes_compose_files_and_no_others(path: str, taken: bool) -> None:  # noqa: FBT001 - a table
    (hook,) = HOOKS

    assert bool(re.search(hook["files"], path)) is taken


def test_the_hooks_command_judges_the_files_that_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("compose.yaml").write_text(PRIVILEGED)
    program, *words = shlex.split(HOOKS[0]["entry"])
    said = run(capsys, *words, "compose.yaml")

    assert program == "hullward"
    assert said.status == 1
    assert "compose.yaml:4:5: error: web: HostConfig.Privileged" in said.out


def _act(folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the action's script with this hullward in the place of the one that it installs."""
    programs = folder / "hullward" / "bin"
    programs.mkdir(parents=True)
    stand_in = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m hullward "$@"\n'
    for name, text in (("pip", "#!/bin/sh\n"), ("hullward", stand_in)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    step = ACTION["runs"]["steps"][-1]
    script = step["run"].replace('python -m venv "$RUNNER_TEMP/hullward"', ":")
    defaults = {key: value["default"] for key, value in ACTION["inputs"].items()} | {
        key.replace("_", "-"): value for key, value in inputs.items()
    }
    names = {
        name: re.fullmatch(r"\$\{\{ inputs\.([\w-]+) \}\}", value)
        for name, value in step["env"].items()
    }
    environment = {name: defaults[match[1]] for name, match in names.items() if match}
    return subprocess.run(  # noqa: S603 - the action's own script
        ["/bin/bash", "-e", "-o", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, **environment, "RUNNER_TEMP": str(folder), "SOURCE": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_action_writes_sarif_and_fails_for_grave_findings(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(PRIVILEGED)
    done = _act(tmp_path, fail_on="critical")

    assert done.returncode == 1, done.stderr
    assert "[container-privileged]" in done.stdout
    assert '"container-privileged"' in (tmp_path / "hullward.sarif").read_text()


def test_no_input_of_the_action_becomes_a_command(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(PRIVILEGED)
    _act(tmp_path, paths="$(touch evil)\n; touch evil", arguments="--rule\n`touch evil`")

    assert not (tmp_path / "evil").exists()


def test_every_input_of_the_action_is_handed_over_by_the_environment() -> None:
    step = ACTION["runs"]["steps"][-1]

    assert "${{" not in step["run"]
    used = "".join(str(each) for each in ACTION["runs"]["steps"])
    for name in ACTION["inputs"]:
        assert f"inputs.{name} " in used
