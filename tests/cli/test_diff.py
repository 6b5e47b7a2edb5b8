from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hullward.cli import diff
from hullward.collect import saved
from hullward.model.errors import HullwardError
from hullward.model.facts import Container
from hullward.report import json_report
from report_samples import audited, web


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(diff.command, [str(a) for a in arguments], standalone_mode=False)


def _snapshot(folder: Path, name: str, *containers: Container) -> Path:
    snapshot = audited(*containers).hosts[0].snapshot
    assert snapshot
    path = folder / name
    path.write_bytes(saved.dump([snapshot]))
    return path


def _report(folder: Path, name: str, *containers: Container) -> Path:
    path = folder / name
    path.write_text(json_report.render(audited(*containers)))
    return path


def test_a_new_container_with_findings_is_exit_status_1(tmp_path: Path) -> None:
    old, new = _snapshot(tmp_path, "old", web()), _snapshot(tmp_path, "new", web(), web("db"))

    result = _run(old, new)
    assert result.return_value == 1
    assert "critical container-engine-socket  default/db" in result.stdout


def test_what_only_got_better_is_exit_status_0(tmp_path: Path) -> None:
    old, new = _snapshot(tmp_path, "old", web(), web("db")), _snapshot(tmp_path, "new", web())

    assert _run(old, new).return_value == 0


def test_the_same_host_as_snapshot_and_as_report_does_not_differ(tmp_path: Path) -> None:
    old, new = _report(tmp_path, "old", web()), _snapshot(tmp_path, "new", web())

    result = _run(old, new)
    assert result.return_value == 0
    assert result.stdout == "Nothing changed.\n"


def test_findings_below_fail_on_do_not_count(tmp_path: Path) -> None:
    quiet = Container("quiet", "id", "nginx", networks=("bridge",))
    old, new = _snapshot(tmp_path, "old", web()), _snapshot(tmp_path, "new", web(), quiet)

    assert _run(old, new).return_value == 1
    assert _run(old, new, "--fail-on", "critical").return_value == 0
    assert _run(old, new, "--fail-on", "never").return_value == 0


@pytest.mark.parametrize("form", ["table", "json", "markdown"])
def test_every_format_is_written(tmp_path: Path, form: str) -> None:
    old, new = _snapshot(tmp_path, "old"), _snapshot(tmp_path, "new", web())

    assert "container-engine-socket" in _run(old, new, "--format", form).stdout.replace("\\", "")


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\xff", b'{"schema_version": "1"}', b"[]"])
def test_a_file_that_is_neither_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)

    with pytest.raises(HullwardError):
        diff.load(str(path))


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HullwardError, match="cannot be read"):
        diff.load(str(tmp_path / "none"))
