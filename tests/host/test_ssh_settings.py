import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from hullward.host.endpoints import SshEndpoint
from hullward.host.reader import Access
from hullward.host.ssh_settings import append, ask, jumping, known_hosts, looked_up
from hullward.model.errors import HullwardError

pytestmark = pytest.mark.skipif(not shutil.which("ssh"), reason="needs ssh")


def access(folder: Path, text: str) -> Access:
    (folder / "config").write_text(text)
    return Access(config=str(folder / "config"))


def test_known_hosts_are_those_that_ssh_itself_would_read(tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text("web1 ssh-ed25519 AAAA")
    text = f"Host web1\n UserKnownHostsFile {known} {tmp_path}/none\n"
    settings = ask(SshEndpoint("web1"), access(tmp_path, text))

    assert known_hosts(settings, "user") == {str(known): "web1 ssh-ed25519 AAAA"}


def test_lines_are_added_below_a_last_line_without_an_end(tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.write_text("a")
    append(str(known), "b\n")
    append(str(known), "c\n")

    assert known.read_text() == "a\nb\nc\n"


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(HullwardError, match="cannot be written: Is a directory"):
        append(str(tmp_path), "b\n")


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ("Host inner\n ProxyJump gate\n", ["inner"]),
        ("Host inner\n ProxyJump me@192.0.2.7:2222\n", ["inner"]),
        ("Host inner\n ProxyJump first,ssh://me@192.0.2.7:2222\n", ["inner"]),
        ("Host inner\n ProxyJump 192.0.2.7\n", []),
        ("Host inner\n ProxyJump [2001:db8::1]:22\n", []),
        ("Host inner\n ProxyJump other\nHost other\n HostName 192.0.2.7\n Port 2222\n", ["inner"]),
        ("Host inner\n ProxyCommand ssh -W %h:%p me@gate\n", ["inner"]),
        ("Host inner\n ProxyCommand nc %h %p\n", []),
        ("", []),
    ],
)
def test_a_jump_through_a_host_is_found_under_any_of_its_names(
    tmp_path: Path, lines: str, found: Sequence[str]
) -> None:
    options = access(tmp_path, f"{lines}Host gate\n HostName 192.0.2.7\n Port 2222\n")
    others = {"inner": SshEndpoint("inner"), "far": SshEndpoint("far")}

    assert list(jumping(others, SshEndpoint("gate"), options)) == list(found)


def test_a_configuration_that_ssh_does_not_read_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(HullwardError, match="ssh does not tell its settings: "):
        ask(SshEndpoint("web1"), access(tmp_path, "Nonsense\n"))


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ("HostName Web1.example\n", "web1.example"),
        ("HostName 192.0.2.7\nPort 2222\n", "[192.0.2.7]:2222"),
        ("HostName 192.0.2.7\nPort 2222\nHostKeyAlias web1\n", "web1"),
    ],
)
def test_a_host_is_looked_up_by_the_name_that_ssh_uses(
    tmp_path: Path, lines: str, name: str
) -> None:
    assert looked_up(ask(SshEndpoint("web1"), access(tmp_path, lines))) == name
