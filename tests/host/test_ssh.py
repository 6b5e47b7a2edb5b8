import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import attempt
from hullward.host.deadline import Deadline
from hullward.host.endpoints import SshEndpoint
from hullward.host.engine import EngineClient
from hullward.host.links import SshLink, ssh_command
from hullward.host.reader import Access
from hullward.host.recorded import Fault, RecordedEngine
from hullward.host.recording import Recorded, Recording
from hullward.host.ssh_errors import explain
from hullward.model.errors import HullwardError

PROXY = """\
import os, select, socket, sys
engine = socket.socket(socket.AF_UNIX)
engine.connect({path!r})
open({log!r}, "a").write("called\\n")
while True:
    for source in select.select([0, engine], [], [])[0]:
        data = os.read(0, 65536) if source == 0 else engine.recv(65536)
        if not data:
            sys.exit(0)
        os.write(1, data) if source is engine else engine.sendall(data)
"""
RECORDING = Recording(
    {
        "/_ping": Recorded(200, "text/plain", {"Api-Version": "1.43"}, "OK"),
        "/info": Recorded(body="{}"),
        "/cut": Recorded(body="cut in the middle"),
    }
)
WEB1 = SshEndpoint("web1")


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a folder before all others of the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder


def fake_ssh(folder: Path, script: str) -> None:
    (folder / "ssh").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "ssh").chmod(0o755)


def says(words: str, status: int) -> str:
    return f"printf '%s\\n' {shlex.quote(words)} >&2; exit {status}"


def proxy(folder: Path, path: str) -> None:
    program = PROXY.format(path=path, log=str(folder / "log"))
    (folder / "proxy.py").write_text(program)
    fake_ssh(folder, f"exec {shlex.quote(sys.executable)} {shlex.quote(str(folder))}/proxy.py")


def ask(
    *paths: str, seconds: float = 20, endpoint: SshEndpoint = WEB1
) -> list[int] | HullwardError:
    with EngineClient(endpoint, Deadline(seconds), Access()) as client:
        return attempt(lambda: [answer.status for answer in client.get(*paths)])


def test_engine_behind_ssh_is_asked_on_one_connection(
    bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bin_folder)
    proxy(bin_folder, "engine.sock")
    with RecordedEngine(RECORDING, "engine.sock"):
        statuses = ask("/info", "/nothing", "/info")

    assert statuses == [200, 404, 200]
    assert (bin_folder / "log").read_text() == "called\n"


def test_ssh_that_ends_in_the_middle_is_an_error(
    bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bin_folder)
    proxy(bin_folder, "engine.sock")
    with RecordedEngine(RECORDING, "engine.sock", {"/cut": Fault.CLOSE}):
        error = ask("/info", "/cut")

    assert isinstance(error, HullwardError)
    assert error.what.startswith("The engine broke off the conversation (8 bytes read")


CHANGED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Host key verification failed."""
STREAM = "failed to open the raw stream connection: dial unix /run/docker.sock: connect: "


# What the real programs say: OpenSSH 9.2, docker 20.10 to 28.5.
@pytest.mark.parametrize(
    ("words", "status", "what"),
    [
        (
            "root@web1: Permission denied (publickey).",
            255,
            "web1 did not accept the login.",
        ),
        (
            "Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures",
            255,
            "web1 did not accept the login.",
        ),
        (CHANGED, 255, "The host key of web1 is not the one in known_hosts."),
        (
            "No ED25519 host key is known for web1.\nHost key verification failed.",
            255,
            "The host key of web1 is not known or not trusted.",
        ),
        (
            "ssh: connect to host web1 port 22: Connection refused",
            255,
            "web1 refuses connections on the ssh port.",
        ),
        (
            "ssh: connect to host web1 port 22: Connection timed out",
            255,
            "web1 did not answer in time.",
        ),
        (
            "ssh: connect to host web1 port 22: No route to host",
            255,
            "There is no route to web1.",
        ),
        (
            "ssh: Could not resolve hostname web1: Name or service not known",
            255,
            "The name web1 is not known.",
        ),
        (
            "Can't open user config file /none: No such file or directory",
            255,
            "The file given with --ssh-config cannot be opened.",
        ),
        (
            "kex_exchange_identification: Connection closed by remote host",
            255,
            ("ssh could not connect to web1: "
            "kex_exchange_identification: Connection closed by remote host."),
        ),
        ("", 255, "ssh could not connect to web1: it gave no reason."),
        (
            "bash: line 1: docker: command not found",
            127,
            "The docker command was not found on web1.",
        ),
        ("sh: 1: docker: not found", 127, "The docker command was not found on web1."),
        (
            f"{STREAM}permission denied",
            1,
            "The login on web1 may not use the engine's socket.",
        ),
        (
            ("permission denied while trying to connect to the docker API at "
            "unix:///var/run/docker.sock"),
            1,
            "The login on web1 may not use the engine's socket.",
        ),
        (
            "Got permission denied while trying to connect to the Docker daemon socket",
            1,
            "The login on web1 may not use the engine's socket.",
        ),
        (
            f"{STREAM}no such file or directory",
            1,
            "Docker is installed on web1, but no engine answers there.",
        ),
        (
            f"{STREAM}connection refused",
            1,
            "Docker is installed on web1, but no engine answers there.",
        ),
        (
            ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. "
            "Is the docker daemon running?"),
            1,
            "Docker is installed on web1, but no engine answers there.",
        ),
        (
            "docker: 'system dial-stdio' is not a docker command.",
            1,
            ("`docker system dial-stdio` failed on web1: "
            "docker: 'system dial-stdio' is not a docker command."),
        ),
        ("", 3, "`docker system dial-stdio` failed on web1: exit status 3."),
    ],
)  # fmt: skip
def test_last_words_of_ssh_are_one_clear_error(
    bin_folder: Path, words: str, status: int, what: str
) -> None:
    fake_ssh(bin_folder, says(words, status))
    error = ask("/info")

    assert isinstance(error, HullwardError)
    assert error.what == what
    assert error.advice


def test_ssh_that_ends_without_a_word_is_an_error(bin_folder: Path) -> None:
    fake_ssh(bin_folder, "exit 0")
    error = ask("/info")

    assert isinstance(error, HullwardError)
    assert error.what.startswith("The engine broke off the conversation (")


def test_ssh_that_hangs_ends_with_the_deadline_and_leaves_no_process(
    bin_folder: Path, tmp_path: Path
) -> None:
    fake_ssh(bin_folder, f"echo $$ >{shlex.quote(str(tmp_path))}/pid; exec sleep 1000")
    error = ask("/info", seconds=0.5)

    assert isinstance(error, HullwardError)
    assert error.what == "The engine did not answer within 0.5 seconds."
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_ssh_that_ignores_its_end_is_killed(bin_folder: Path, tmp_path: Path) -> None:
    fake_ssh(
        bin_folder,
        f"trap '' TERM; echo $$ >{shlex.quote(str(tmp_path))}/pid; while :; do sleep 0.1; done",
    )
    ask("/info", seconds=0.5)

    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_ssh_that_says_much_does_not_block(
    bin_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bin_folder)
    proxy(bin_folder, "engine.sock")
    talk = (bin_folder / "ssh").read_text().replace("exec", "seq 100000 >&2; exec")
    (bin_folder / "ssh").write_text(talk)
    with RecordedEngine(RECORDING, "engine.sock"):
        assert ask("/info") == [200]


def test_no_ssh_program_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    error = ask("/info")

    assert isinstance(error, HullwardError)
    assert error.what == "The ssh program cannot be run: No such file or directory."


def test_ssh_that_may_not_be_run_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ssh").touch()
    monkeypatch.setenv("PATH", str(tmp_path))

    error = ask("/info")

    assert isinstance(error, HullwardError)
    assert error.what == "The ssh program cannot be run: Permission denied."


def command(endpoint: SshEndpoint, access: Access) -> tuple[str, ...]:
    return ssh_command(endpoint, Deadline(30.9), access)


DIAL = ("docker", "system", "dial-stdio")


@pytest.mark.parametrize(
    ("endpoint", "access", "expected"),
    [
        (WEB1, Access(), ("-o", "BatchMode=yes", "--", "web1", *DIAL)),
        (WEB1, Access(interactive=True), ("--", "web1", *DIAL)),
        (
            WEB1,
            Access(config="/my config"),
            ("-F", "/my config", "-o", "BatchMode=yes", "--", "web1", *DIAL),
        ),
        (
            SshEndpoint("web1", "root", 2222),
            Access(interactive=True),
            ("-l", "root", "-p", "2222", "--", "web1", *DIAL),
        ),
        (
            SshEndpoint("web1", socket="/a b;id"),
            Access(interactive=True),
            ("--", "web1", "docker", "--host", "'unix:///a b;id'", "system", "dial-stdio"),
        ),
    ],
)
def test_ssh_is_called_with_what_the_user_wants_and_no_more(
    endpoint: SshEndpoint, access: Access, expected: tuple[str, ...]
) -> None:
    assert command(endpoint, access) == ("ssh", "-T", "-o", "ConnectTimeout=30", *expected)


def test_connection_of_ssh_has_a_second_at_least() -> None:
    assert "ConnectTimeout=1" in ssh_command(WEB1, Deadline(0.5), Access())


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1))
def test_path_of_the_socket_is_one_word_for_the_shell_there(path: str) -> None:
    *_, option, word, system, dial = command(SshEndpoint("web1", socket=path), Access())

    assert (option, system, dial) == ("--host", "system", "dial-stdio")
    assert shlex.split(word) == [f"unix://{path}"]


def test_real_shell_takes_a_hostile_path_for_one_word(tmp_path: Path) -> None:
    hostile = "/x'\"; touch pwned; $(touch pwned) `touch pwned` \\ * \n#"
    words = command(SshEndpoint("web1", socket=hostile), Access())
    after = words[words.index("web1") + 1 :]
    # ssh joins the words with spaces, and the shell of the login reads the line.
    line = " ".join(after).replace("docker", "printf '%s\\0'", 1)
    said = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, check=True)  # noqa: S603, S607 - the shell is what is tested

    assert said.stdout.decode().split("\0") == [
        "--host", f"unix://{hostile}", "system", "dial-stdio", "",
    ]  # fmt: skip
    assert not (tmp_path / "pwned").exists()


def test_options_reach_ssh_as_they_are(bin_folder: Path, tmp_path: Path) -> None:
    fake_ssh(bin_folder, f"printf '%s\\n' \"$@\" >{shlex.quote(str(tmp_path))}/arguments; exit 255")
    with EngineClient(
        SshEndpoint("web1", "me", 22), Deadline(9), Access(config="/a b/config")
    ) as client:
        attempt(client.negotiate)

    assert (tmp_path / "arguments").read_text().splitlines()[3:] == [
        "-F", "/a b/config", "-o", "BatchMode=yes", "-l", "me", "-p", "22", "--", "web1", *DIAL,
    ]  # fmt: skip


def test_nothing_is_explained_where_nothing_was_wrong() -> None:
    assert explain("web1", 0, "") is None


def test_ssh_that_still_runs_has_no_last_words(bin_folder: Path) -> None:
    fake_ssh(bin_folder, "exec sleep 1000")
    link = SshLink(("ssh",), "web1")
    reason = link.failure()
    link.close()

    assert reason is None
