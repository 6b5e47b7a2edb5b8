"""Root on a machine, by way of programs that misbehave; a real sudo is in tests/live."""

import os
from pathlib import Path

import pytest

from fakes import attempt
from hullward.host.contexts import Target
from hullward.host.endpoints import Endpoint, SshEndpoint, TcpEndpoint, UnixEndpoint
from hullward.host.hands import Answer, Hands
from hullward.host.reader import Access
from hullward.model.errors import HullwardError

HERE, WEB1 = UnixEndpoint("/x"), SshEndpoint("web1", "admin", 2222)


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a folder before all others of the PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def run(script: str, endpoint: Endpoint = HERE, seconds: float = 5) -> Answer | HullwardError:
    hands = Hands(Target("x", endpoint), Access(5))
    return attempt(lambda: hands.run(script, seconds))


def root(folder: Path) -> None:
    """Be root in the eyes of the script, whoever runs the test."""
    program(folder, "id", "echo 0")


def test_what_a_script_says_comes_back_with_its_status(bin_folder: Path) -> None:
    root(bin_folder)

    assert run("echo one; echo two >&2; exit 3\n") == Answer("one\n", 3)


def test_a_large_script_and_a_large_answer_do_not_wait_for_each_other(bin_folder: Path) -> None:
    root(bin_folder)
    line = "x" * 1000
    found = run("".join(f"echo {line}\n" for _ in range(2000)), seconds=30)

    assert isinstance(found, Answer)
    assert len(found.out) == 2000 * 1001


def test_without_root_and_sudo_it_is_one_clear_line(bin_folder: Path) -> None:
    program(bin_folder, "id", "echo 1000")
    program(bin_folder, "sudo", "echo 'sudo: a password is required' >&2; exit 1")
    found = run("echo never\n")

    assert isinstance(found, HullwardError)
    assert found.what == "sudo on This machine asks for a password."
    assert "--ask-become-pass" in found.advice


def test_each_script_goes_through_a_connection_of_its_own(bin_folder: Path) -> None:
    root(bin_folder)
    program(
        bin_folder, "ssh", f'echo "$*" >>{bin_folder}/calls; for c; do :; done; exec sh -c "$c"'
    )
    for _ in range(2):
        assert run("echo x\n", WEB1) == Answer("x\n", 0)
    calls = (bin_folder / "calls").read_text().splitlines()

    assert len(calls) == 2
    assert all("-o ControlMaster=no -o ControlPath=none" in call for call in calls)
    assert all("-l admin -p 2222 -- web1" in call for call in calls)


def test_what_ssh_says_is_explained(bin_folder: Path) -> None:
    program(bin_folder, "ssh", "echo 'admin@web1: Permission denied (publickey).' >&2; exit 255")
    found = run("echo x\n", WEB1)

    assert isinstance(found, HullwardError)
    assert found.what == "web1 did not accept the login."


def test_a_host_that_hangs_is_given_up(bin_folder: Path) -> None:
    program(bin_folder, "ssh", "exec sleep 60")
    hands = Hands(Target("x", WEB1), Access(0.3))
    found = attempt(lambda: hands.run("echo x\n", 0.2))

    assert isinstance(found, HullwardError)
    assert found.what == "web1 did not answer within 0.5 seconds."


def test_a_shell_that_dies_says_so(bin_folder: Path) -> None:
    root(bin_folder)
    found = run("kill -9 $$\n")

    assert isinstance(found, HullwardError)
    assert "broke off with status -9" in found.what


def test_a_tcp_address_has_no_hands() -> None:
    found = run("x", TcpEndpoint("web1", 2375))

    assert isinstance(found, HullwardError)
    assert found.what == "The host behind a TCP address cannot be changed."
