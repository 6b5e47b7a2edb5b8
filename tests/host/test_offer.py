"""What sshd offers: read from ssh's last words, and from nothing else."""

import os
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullward import flow
from hullward.host import offer
from hullward.host.contexts import Target
from hullward.host.deadline import Deadline
from hullward.host.endpoints import SshEndpoint, UnixEndpoint
from hullward.host.offer import Offer
from hullward.host.reader import Access
from hullward.host.reader import offer as of_target
from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.sshd import Sshd

WEB1 = SshEndpoint("web1", "ann", 2222)


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program named ssh before all others; what it does is written by the test."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path / "ssh"


def does(program: Path, script: str) -> None:
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def refuses(words: str) -> str:
    return f"printf '%s\\n' {shlex.quote(words)} >&2; exit 255"


def ask(seconds: float = 20, endpoint: SshEndpoint = WEB1) -> Offer | str:
    return offer.ask(endpoint, Deadline(seconds), Access(config="my.conf", interactive=True))


def test_a_refusal_names_the_user_and_the_methods(ssh: Path) -> None:
    does(ssh, refuses("ann@192.0.2.1: Permission denied (publickey,password)."))

    assert ask() == Offer("ann", ("publickey", "password"))


def test_nothing_is_shown_and_no_open_connection_is_used(ssh: Path) -> None:
    does(ssh, f'printf "%s\\n" "$@" >{ssh}.words; ' + refuses("x"))
    ask()
    words = Path(f"{ssh}.words").read_text().splitlines()

    assert {"ControlPath=none", "PreferredAuthentications=none", "BatchMode=yes"} < set(words)
    assert words.index("PreferredAuthentications=none") < words.index("-F")
    assert words[-3:-1] == ["--", "web1"]


def test_a_jump_host_that_refuses_is_not_taken_for_the_target(ssh: Path) -> None:
    jump = "ann@jump: Permission denied (password).\nConnection closed by UNKNOWN port 65535"
    does(ssh, refuses(jump))

    assert ask() == "ssh told no methods: Connection closed by UNKNOWN port 65535"


def test_a_login_without_proof_is_told(ssh: Path) -> None:
    does(ssh, 'for last; do :; done; exec sh -c "$last"')
    found = ask()

    assert isinstance(found, Offer)
    assert found.methods == ("none",)


def test_a_server_that_hangs_is_a_gap(ssh: Path) -> None:
    does(ssh, "exec sleep 60")

    assert ask(0.5) == "web1 did not answer in time"


def test_time_that_is_over_before_it_begins_is_a_gap() -> None:
    assert ask(1e-9) == "web1 did not answer in time"


def test_ssh_that_is_not_there_is_a_gap(ssh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(ssh.parent / "none"))

    assert ask() == "the ssh program cannot be run: No such file or directory"


def test_words_without_end_are_bounded(ssh: Path) -> None:
    does(ssh, "head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 255")
    found = ask()

    assert isinstance(found, str)
    assert len(found) < 300


@given(st.text(), st.text())
def test_whatever_a_server_says_is_an_offer_or_a_reason(said: str, last: str) -> None:
    found = offer.heard(said, last)

    assert isinstance(found, Offer) or found.startswith("ssh told no methods: ")


def test_a_local_target_has_no_sshd_to_ask() -> None:
    found = of_target(Target("x", UnixEndpoint("s")), Access(), Deadline(1))

    assert found == "what sshd offers can be asked over ssh:// only"


def test_an_offer_and_a_reason_for_none_are_kept_with_the_host() -> None:
    snapshot = Snapshot("x", host=Host(sshd=Sshd()))
    kept = flow.with_offer(snapshot, Offer("ann", ("publickey",))).host
    lost = flow.with_offer(snapshot, "no way").host

    assert kept
    assert lost
    assert kept.sshd == Sshd(offered={"ann": ("publickey",)})
    assert lost.sshd == Sshd(gaps={"offered": "no way"})
    assert flow.with_offer(Snapshot("x"), "no way") == Snapshot("x")
