"""`hullward isolate` and `hullward firewall`: what they refuse before they touch anything."""

from pathlib import Path

import pytest

from terminal import run

Capture = pytest.CaptureFixture[str]
NOWHERE = "unix:///nowhere/docker.sock"
COMMANDS = ("isolate", "firewall")
VERBS = ("plan", "apply", "verify", "status", "refresh", "off")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, with no docker configuration of this machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_and_wants_an_engine(
    capsys: Capture, command: str, verb: str
) -> None:
    told = run(capsys, command, verb, "--help")
    yes = ("--yes",) if verb in {"apply", "refresh", "off"} else ()
    refused = run(capsys, command, verb, NOWHERE, *yes)

    assert (told.status, told.err) == (0, "")
    assert refused.status == 2
    assert refused.complaint[0] == "No engine listens on /nowhere/docker.sock."


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("verb", ["apply", "refresh", "off"])
def test_a_change_without_anybody_to_ask_is_refused(
    capsys: Capture, command: str, verb: str
) -> None:
    said = run(capsys, command, verb, NOWHERE)

    assert said.status == 2
    assert said.complaint == (
        "There is no terminal to ask at.",
        "--dry-run shows the change, --yes makes it.",
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_one_target_at_a_time(capsys: Capture, command: str) -> None:
    said = run(capsys, command, "plan", "ssh://a", "ssh://b")

    assert (said.status, said.complaint[0]) == (
        2,
        "A change is made on one target at a time.",
    )


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("port", ["ssh", "0", "65536/tcp", "22/sctp", "22 from nowhere"])
def test_a_port_that_means_nothing_is_refused_at_once(
    capsys: Capture, command: str, port: str
) -> None:
    said = run(capsys, command, "plan", NOWHERE, "--open", port)

    assert said.status == 2
    assert len(said.complaint) == 2
    assert "names no port" in said.complaint[0]


def test_a_port_for_containers_has_no_conditions(capsys: Capture) -> None:
    said = run(capsys, "isolate", "plan", NOWHERE, "--open", "53/udp from 10.0.0.0/8")

    assert said.status == 2
    assert "has conditions" in said.complaint[0]


def test_the_settings_may_hold_the_policy_with_conditions(capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "hullward.toml").write_text('[firewall]\nopen = ["nonsense"]\n')

    said = run(capsys, "firewall", "plan", NOWHERE)

    assert said.complaint[0] == "'nonsense' names no port."


def test_an_unknown_form_of_export_is_refused(capsys: Capture) -> None:
    said = run(capsys, "firewall", "plan", NOWHERE, "--export", "azure")

    assert said.status == 2
