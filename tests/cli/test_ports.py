import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hullward import flow
from hullward.cli.ports import command
from hullward.model.errors import HullwardError
from hullward.model.facts import Container, Port, Snapshot

WEB = Container("web", ports=(Port(80, address="0.0.0.0", public=8080),))  # noqa: S104 - a fact


@pytest.fixture
def saved(tmp_path: Path) -> str:
    path = str(tmp_path / "snapshot")
    flow.save(path, [Snapshot("prod", containers=(WEB,), gaps={"host": "no ssh"})])
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, standalone_mode=False)


def test_a_snapshot_without_its_host_has_ports_of_which_nothing_is_known(saved: str) -> None:
    result = run("--from", saved, "--format", "json")
    (host,) = json.loads(result.stdout)["hosts"]

    assert result.return_value == 0
    assert host["gap"] == "no ssh"
    assert [(row["port"], row["reach"], row["reason"]) for row in host["ports"]] == [
        (8080, "unknown", "no ssh")
    ]


def test_a_probe_that_reaches_more_than_the_policy_is_a_finding(saved: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        snapshot = Snapshot(
            "prod", containers=(Container("x", ports=(Port(80, address="", public=port),)),)
        )
        flow.save(saved, [snapshot])
        result = run("--from", saved, "--probe", "--address", "127.0.0.1", "--wait", "1")

    assert result.return_value == 1
    assert f"Reachable beside the policy: 127.0.0.1:{port}\n" in result.stdout


def test_a_probe_of_a_snapshot_needs_an_address(saved: str) -> None:
    result = run("--from", saved, "--probe")

    assert isinstance(result.exception, HullwardError)
    assert "--address" in result.exception.advice


def test_an_address_alone_is_an_error(saved: str) -> None:
    result = run("--from", saved, "--address", "127.0.0.1")

    assert isinstance(result.exception, HullwardError)


def test_a_port_that_the_settings_leave_open_is_no_finding(saved: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (tmp_path / "mine.toml").write_text(f"[firewall]\nopen_tcp = [{port}]\n")
        arguments = ("--probe", "--address", "127.0.0.1", "--wait", "1")
        strict = run("--from", saved, *arguments)
        result = run("--from", saved, *arguments, "--config", str(tmp_path / "mine.toml"))

    assert result.return_value == 0
    assert "Reachable beside the policy: nothing\n" in result.stdout
    assert strict.return_value == 0
    assert f"127.0.0.1:{port}" not in strict.stdout


def test_settings_that_mean_nothing_are_told_before_anything_is_tried(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[firewall]\nopen_tcp = [0]\n")
    result = run("--from", "none", "--config", str(tmp_path / "mine.toml"))

    assert isinstance(result.exception, HullwardError)
    assert "open_tcp" in result.exception.what
