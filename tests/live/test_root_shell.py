"""The root shell: answers stay apart, a hang ends, and its farewell is said whatever happens."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fakes import attempt
from hullward.host.contexts import Target
from hullward.host.endpoints import TcpEndpoint, UnixEndpoint
from hullward.host.reader import Access
from hullward.host.root_shell import RootShell, started_at
from hullward.model.errors import HullwardError
from live_engine import CLEAN

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.getuid() != 0 or sys.platform != "linux", reason="it needs root"),
]

HERE = Target("here", UnixEndpoint("/no/such.sock"))


def test_each_script_gets_its_own_answer() -> None:
    with RootShell(HERE, Access(timeout=10)) as shell:
        answers = [shell.run(f"echo {number}; exit {number}") for number in range(3)]

    assert [(one.text, one.status) for one in answers] == [("0\n", 0), ("1\n", 1), ("2\n", 2)]


def test_a_script_can_say_anything() -> None:
    with RootShell(HERE, Access(timeout=10)) as shell:
        assert shell.run("printf '\\377\\0\\n 0\\n'").data == b"\xff\x00\n 0\n"
        assert shell.run("printf 'no end'").data == b"no end"
        assert shell.run("if").status != 0
        assert shell.run("cat; echo 'it''s'").text == "its\n"


def test_a_script_that_hangs_is_an_error_at_its_deadline() -> None:
    with RootShell(HERE, Access(timeout=10)) as shell:
        found = attempt(lambda: shell.run("sleep 600", 0.3))

    assert isinstance(found, HullwardError)
    assert "did not answer within 0.3 seconds" in found.what


def test_an_answer_that_came_too_late_is_not_taken_for_the_next() -> None:
    with RootShell(HERE, Access(timeout=10)) as shell:
        shell._write(f"echo old; printf '\\n%s %s\\n' '{shell._mark} 0' 0\n")  # noqa: SLF001 - as if interrupted

        assert shell.run("echo new").text == "new\n"


def test_its_mounts_are_its_own() -> None:
    before = Path("/proc/self/mounts").read_text()
    with RootShell(HERE, Access(timeout=10)) as shell:
        assert shell.run("mount -t tmpfs none /mnt && grep -c ' /mnt ' /proc/mounts").text == "1\n"
        assert Path("/proc/self/mounts").read_text() == before


@pytest.mark.parametrize("busy", ["", "; sleep 0.5"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_its_farewell_is_said_when_hullward_is_killed(
    tmp_path: Path, number: int, busy: str
) -> None:
    left, ready = tmp_path / "left", tmp_path / "ready"
    left.touch()
    program = (
        "import time\n"
        "from hullward.host.contexts import Target\n"
        "from hullward.host.endpoints import UnixEndpoint\n"
        "from hullward.host.reader import Access\n"
        "from hullward.host.root_shell import RootShell\n"
        "with RootShell(Target('', UnixEndpoint('/x')), Access()) as shell:\n"
        f"    shell.at_farewell('rm {left}')\n"
        f"    shell.run('touch {ready}{busy}')\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], env=CLEAN)  # noqa: S603 - our own
    while not ready.exists():
        time.sleep(0.02)
    process.send_signal(number)
    process.wait()
    for _ in range(100):
        if not left.exists():
            break
        time.sleep(0.05)

    assert not left.exists()


def test_a_tcp_address_has_no_shell() -> None:
    found = attempt(lambda: RootShell(Target("", TcpEndpoint("127.0.0.1", 1)), Access()))

    assert isinstance(found, HullwardError)
    assert "has no shell" in found.what


def test_a_dead_process_has_no_start() -> None:
    fields = " ".join(["S", *["1"] * 18, "4711"])

    assert started_at(f"7 (a) b) {fields}") == 4711
    assert started_at(f"7 (a) {fields.replace('S', 'Z', 1)}") == 0
    assert started_at("") == 0
