"""A script on the target's machine: what it says comes back, and nothing that it does hangs."""

import os
import shlex
from pathlib import Path

import pytest

from fakes import attempt
from hullward import flow
from hullward.collect import host
from hullward.host import shell
from hullward.host.contexts import Target
from hullward.host.deadline import Deadline
from hullward.host.endpoints import SshEndpoint, TcpEndpoint, UnixEndpoint
from hullward.host.reader import Access
from hullward.model.errors import HullwardError
from hullward.model.facts import Engine, Snapshot

WEB1 = SshEndpoint("web1")


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a folder before all others of the PATH."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def here(script: str, seconds: float = 20) -> bytes | HullwardError:
    return attempt(lambda: shell.run_here(script, Deadline(seconds)))


def there(script: str = "echo here", seconds: float = 20) -> bytes | HullwardError:
    return attempt(lambda: shell.run_there(WEB1, script, Deadline(seconds), Access()))


def test_what_a_script_says_comes_back_byte_for_byte() -> None:
    assert here("printf '\\377\\0 x'") == b"\xff\x00 x"


def test_complaints_are_no_part_of_the_answer() -> None:
    assert here("echo answer; echo complaint >&2") == b"answer\n"


def test_a_script_that_fails_says_why() -> None:
    found = here("echo first >&2; echo 'no base64' >&2; exit 9")

    assert isinstance(found, HullwardError)
    assert found.what == "The collector failed with status 9: no base64."


def test_a_script_that_hangs_is_an_error_at_its_deadline() -> None:
    found = here("sleep 600", 0.5)

    assert isinstance(found, HullwardError)
    assert found.what == "The host did not answer within 0.5 seconds."


def test_a_script_that_talks_without_end_is_an_error() -> None:
    found = here("cat /dev/zero")

    assert isinstance(found, HullwardError)
    assert found.what == "The host's answer is longer than 64 MB."


def test_complaints_without_end_are_cut_and_do_not_block() -> None:
    assert here("head -c 10000000 /dev/zero >&2; echo done") == b"done\n"


def test_a_long_script_is_read_whole() -> None:
    script = "".join(f": {number:0200}\n" for number in range(2000))

    assert here(f"{script}echo end") == b"end\n"


def test_ssh_runs_the_script_in_a_shell_of_its_machine(bin_folder: Path) -> None:
    program(bin_folder, "ssh", 'for last; do :; done; exec sh -c "$last"')

    assert there("echo $((6 * 7))") == b"42\n"


def test_a_login_that_is_refused_is_told_as_such(bin_folder: Path) -> None:
    words = "ann@web1: Permission denied (publickey)."
    program(bin_folder, "ssh", f"echo {shlex.quote(words)} >&2; exit 255")

    found = there()

    assert isinstance(found, HullwardError)
    assert found.what == "web1 did not accept the login."


def test_ssh_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    found = there()

    assert isinstance(found, HullwardError)
    assert found.what == "The program ssh was not found."


def ask(target: Target, *, whole: bool) -> object:
    return flow._ask_host(target, Access(), whole=whole)  # noqa: SLF001 - the half that asks


@pytest.mark.parametrize("whole", [True, False])
def test_the_host_behind_tcp_cannot_be_asked(*, whole: bool) -> None:
    assert ask(Target("x", TcpEndpoint("web1", 2375)), whole=whole) == (
        "the host was not looked at: The host behind a TCP address cannot be asked."
    )


def test_for_containers_alone_no_script_runs_on_this_machine(bin_folder: Path) -> None:
    program(bin_folder, "sh", f"touch {shlex.quote(str(bin_folder))}/ran; echo hullward-bundle 1")
    target = Target("x", UnixEndpoint("engine.sock"))

    assert isinstance(ask(target, whole=False), str)
    assert not (bin_folder / "ran").exists()
    assert ask(target, whole=True) == {}
    assert (bin_folder / "ran").exists()


def test_for_containers_alone_ssh_is_asked_for_their_processes_only(bin_folder: Path) -> None:
    program(bin_folder, "ssh", f"cat > {bin_folder}/given; echo hullward-bundle 1")
    target = Target("x", WEB1)

    assert ask(target, whole=False) == {}
    assert (bin_folder / "given").read_text() == host.script(whole=False, copies=True)
    assert ask(target, whole=True) == {}
    assert (bin_folder / "given").read_text() == host.script(whole=True, copies=True)
    assert len(host.script(whole=False)) < len(host.script(whole=True)) / 5
    assert "dockerd" not in host.script(whole=False)


def test_a_host_that_nobody_asked_for_is_a_gap() -> None:
    found = flow.without_host(Snapshot("web1", engine=Engine("29.6.0")))

    assert found.host is None
    assert found.gaps["host"] == "no rule that was asked looks at the host"
