"""The walls over a real sshd, from outside: made, proven, taken away, and a forced lock-out."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from firewall_lab import run
from hullward.jobs import firewall, isolation
from hullward.model.walls import FIREWALL, Session
from wall_lab import HOST4, NAMES, ROOT, STATE, WallLab, wall_lab

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces and an engine need root"),
    pytest.mark.skipif(not shutil.which("ip"), reason="the program ip is not installed"),
]
KIND = firewall.KIND
SSH = 2022


@pytest.fixture(scope="module", params=NAMES[-1:])
def host(request: pytest.FixtureRequest) -> Iterator[WallLab]:
    with wall_lab(f"fws-{request.param[:2]}", request.param) as made:
        yield made


@pytest.fixture(scope="module")
def sshd(host: WallLab) -> Iterator[Path]:
    """Start a real sshd on a port of its own, and give the configuration of a client outside."""
    # With a /var/lib of its own for the journal.
    run(str(ROOT / "testbed/service"), "up", host.name)
    run(str(ROOT / "testbed/sshd"), "up", host.name)
    folder = STATE / "run" / host.name / "sshd"
    host.shell(
        f"sed 's/^ListenAddress.*/ListenAddress 0.0.0.0/; s/^Port.*/Port {SSH}/; "
        f"s,^PidFile.*,PidFile /run/sshd-outer.pid,; s,^SetEnv PATH=,&{host.bin}:,' "
        "/etc/ssh/sshd_config >/etc/ssh/outer_config; "
        f"{folder}/bin/sshd -f /etc/ssh/outer_config -E {folder}/outer.log"
    )
    config = folder / "outer_config"
    config.write_text(
        f"Host door\n HostName {HOST4}\n Port {SSH}\n User root\n IdentityFile {folder}/id\n"
        f" IdentitiesOnly yes\n UserKnownHostsFile {folder}/known_outer\n"
        " StrictHostKeyChecking accept-new\n LogLevel ERROR\n"
    )
    yield config
    host.shell("kill $(cat /run/sshd-outer.pid)")


def hullward(host: WallLab, config: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command outside, over ssh."""
    ssh = ("ssh://door", "--ssh-config", str(config))
    return subprocess.run(  # noqa: S603 - our own command
        host.outside(sys.executable, "-m", "hullward", *words, *ssh),
        capture_output=True, text=True, check=False, cwd=host.state,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip


def enters(host: WallLab, config: Path) -> bool:
    """Whether a new login from outside succeeds."""
    command = ("ssh", "-F", str(config), "-o", "ConnectTimeout=1", "-o", "BatchMode=yes", "door")
    done = subprocess.run(host.outside(*command, "true"), capture_output=True, check=False)  # noqa: S603
    return done.returncode == 0


def test_over_ssh_the_wall_is_made_proven_and_taken_away(host: WallLab, sshd: Path) -> None:
    trust = ("--trust", "br-lan")
    made = hullward(host, sshd, "firewall", "apply", "--yes", *trust)
    assert made.returncode == 0, made.stderr + made.stdout
    try:
        entered = enters(host, sshd)
        proven = hullward(host, sshd, "firewall", "verify", "--format", "json")
        status = hullward(host, sshd, "firewall", "status")
        again = hullward(host, sshd, "firewall", "apply", "--yes", *trust)
    finally:
        gone = hullward(host, sshd, "firewall", "off", "--yes")

    assert f"{SSH}/tcp" in made.stdout
    assert entered
    assert json.loads(proven.stdout)["summary"]["fail"] == 0
    assert (status.returncode, status.stderr) == (0, "")
    assert again.returncode == 2
    assert "is in place" in again.stderr
    assert gone.returncode == 0, gone.stderr
    assert FIREWALL not in host.seen(KIND).ground.loaded


def test_over_ssh_users_are_kept_from_containers(host: WallLab, sshd: Path) -> None:
    made = hullward(host, sshd, "isolate", "apply", "--yes")
    proven = hullward(host, sshd, "isolate", "verify")
    undone = hullward(host, sshd, "undo", "--yes")

    assert made.returncode == 0, made.stderr + made.stdout
    assert proven.returncode == 0, proven.stdout + proven.stderr
    assert undone.returncode == 0, undone.stderr
    assert host.seen(isolation.KIND).ground.loaded == {}


# Carries out a plan that closes ssh, as no plan of ours would, and never confirms it.
_LOCKED_OUT = """
import sys, time; sys.path.insert(0, sys.argv[1])
from hullward.apply.journal import Journal
from hullward.fixes import firewall as fixes, standing
from hullward.host.contexts import Target
from hullward.host.endpoints import SshEndpoint
from hullward.host.hands import Hands
from hullward.host.reader import Access
from hullward.jobs import firewall, ground
from hullward.jobs.machine import Machine
from msgspec.structs import replace
target, access = Target("door", SshEndpoint("door")), Access(config=sys.argv[2])
machine = Machine(target, access, Journal(Hands(target, access)))
seen = ground.look(machine, firewall.KIND.standing, ground.hands(machine))
assert str(seen.ground.here) , seen.ground
print(seen.ground.here, flush=True)
wishes = fixes.Wishes(trust=("br-lan",))
wall = replace(fixes.plan(seen.ground, wishes), open={"tcp": frozenset({80}), "udp": frozenset()})
plan = standing.plan(firewall.KIND.standing, seen.ground, fixes.text(wall, wishes), seen.files)
entry = machine.journal.opened(replace(plan, within=12), "tester")
machine.journal.checked(entry)
machine.journal.carried_out(entry)
print("closed", flush=True)
time.sleep(600)
"""


def test_a_forced_lock_out_comes_back_within_its_time_though_the_client_is_killed(
    host: WallLab, sshd: Path
) -> None:
    command = host.outside(sys.executable, "-c", _LOCKED_OUT, str(ROOT / "src"), str(sshd))
    client = subprocess.Popen(  # noqa: S603 - of this test
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert client.stdout is not None
    here = client.stdout.readline()
    assert client.stdout.readline() == "closed\n"
    os.killpg(client.pid, signal.SIGKILL)
    client.wait()
    client.stdout.close()
    locked = not enters(host, sshd)
    end = time.monotonic() + 30
    while not enters(host, sshd) and time.monotonic() < end:
        time.sleep(0.5)

    assert here == f"{Session(HOST4, SSH, '192.0.2.2', 'ext0')}\n"
    assert locked
    assert enters(host, sshd)
    assert host.seen(KIND).ground.loaded == {}
    assert host.seen(KIND).text is None
