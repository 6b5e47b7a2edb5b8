from pathlib import Path

import pytest

from terminal import run

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, with no docker configuration of this machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (
            ["ssh", "harden", "-y", "ssh://a", "ssh://b"],
            "A change is made on one target at a time.",
        ),
        (["ssh", "harden", "ssh://a"], "There is no terminal to ask at."),
        (["ssh", "harden", "-y", "tcp://a"], "The host behind a TCP address cannot be changed."),
        (["ssh", "harden", "-y", "nowhere"], "There is no docker context 'nowhere'."),
        (["ssh", "check", "tcp://a"], "tcp://a: The host behind a TCP address cannot be asked."),
        (
            ["ssh", "check", "--probe-ssh", "unix:///x"],
            "--probe-ssh is for ssh:// targets.",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line_and_what_to_do(
    capsys: Capture, words: list[str], what: str
) -> None:
    said = run(capsys, *words)

    assert said.status == 2
    assert said.complaint[0] == what
    assert said.complaint[1]


def test_a_host_that_cannot_be_reached_is_no_pass(capsys: Capture, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host gone\n  ProxyCommand false\n")
    said = run(capsys, "ssh", "check", "--ssh-config", str(config), "ssh://gone")

    assert said.status == 2
    assert said.out == ""
    assert said.complaint[0].startswith("ssh://gone: ssh could not connect to gone")
