"""userns-remap on real engines: switched, proven, taken back, and put back when it goes wrong."""

import getpass
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from live_engine import NAMES
from service_lab import DAEMON_JSON, VERSIONS, Served, served

pytestmark = pytest.mark.live

# Lets the service fail, hang, or wait only where the new settings are in the file.
BREAK = (
    "cp -p /etc/init.d/docker /run/docker.good; "
    "sed '2i if grep -q userns-remap /etc/docker/daemon.json; then WHAT; fi' "
    "/run/docker.good >/etc/init.d/docker"
)
MEND = "[ ! -e /run/docker.good ] || mv /run/docker.good /etc/init.d/docker"
BEFORE = '{\n    "debug": false\n}'


@pytest.fixture(scope="module", params=VERSIONS)
def machine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Give a host of each version."""
    if not NAMES:
        pytest.skip("HULLWARD_LIVE_ENGINES names no engine; `make live` does")
    with served(request.param, tmp_path_factory.mktemp("served")) as made:
        yield made


@pytest.fixture
def host(machine: Served) -> Iterator[Served]:
    """Give it as it was at the start, whatever a test has done to it."""
    machine.inside(MEND)
    machine.fresh()
    yield machine
    machine.inside(MEND)


def untouched(host: Served) -> None:
    """Check that the host is as it was, and that its engine runs what it ran."""
    assert host.inside(f"cat {DAEMON_JSON}") == BEFORE
    assert not host.remaps()
    assert host.docker("ps", "--format", "{{.Names}}").split() == ["plain", "keep"]


def test_switched_on_and_off_with_containers_before_and_after(host: Served) -> None:
    assert host.run("userns", "check").returncode == 1
    assert host.root_of("keep") == 0

    host.done("userns", "on", "--yes")

    assert host.remaps()
    assert host.run("userns", "check").returncode == 0
    assert host.docker("ps", "-aq") == ""
    assert host.docker("images", "-q") == ""
    assert host.inside(f"stat -c '%U %G %a' {DAEMON_JSON}") == "root root 644"
    assert host.inside(f"cat {DAEMON_JSON}") == (
        '{\n    "debug": false,\n    "userns-remap": "default"\n}'
    )
    host.live.install()
    host.container("after")
    assert host.root_of("after") >= 100000

    host.done("userns", "off", "--yes")

    untouched_files = host.inside(f"cat {DAEMON_JSON}")
    assert untouched_files == BEFORE
    assert not host.remaps()
    assert host.docker("ps", "--format", "{{.Names}}").split() == ["keep"]
    assert sorted(host.docker("ps", "-a", "--format", "{{.Names}}").split()) == ["keep", "plain"]
    assert host.root_of("keep") == 0


def test_undone_by_the_journal(host: Served) -> None:
    subuid = host.inside("cat /etc/subuid || :")
    host.done("userns", "on", "--yes")

    host.done("undo", "--yes")

    assert not host.remaps()
    assert host.inside(f"cat {DAEMON_JSON}") == BEFORE
    assert host.inside("cat /etc/subuid || :") == subuid
    assert [change["state"] for change in host.changes()] == ["undone by 2", "done"]


def test_drift_is_refused_and_can_be_merged(host: Served) -> None:
    host.done("userns", "on", "--yes")
    host.inside(f'sed -i \'s/"debug": false/"debug": true/\' {DAEMON_JSON}')

    refused = host.run("undo", "--yes")

    assert refused.returncode == 2
    assert f"{DAEMON_JSON} was edited since the change." in refused.stderr
    assert host.remaps()
    host.settings(
        '{\n    "experimental": false,\n    "debug": false,\n    "userns-remap": "default"\n}'
    )
    host.done("undo", "--yes", "--merge")
    assert host.inside(f"cat {DAEMON_JSON}") == (
        '{\n    "experimental": false,\n    "debug": false\n}'
    )
    assert not host.remaps()


def test_a_dry_run_and_a_check_write_nothing(host: Served) -> None:
    before = host.inside("find /etc/docker /etc/subuid /var/lib -xdev -printf '%p %T@\\n' | sort")

    shown = host.done("userns", "on", "--dry-run")
    host.run("userns", "check")
    host.run("changes")

    assert '+    "userns-remap": "default"' in shown
    assert "/etc/init.d/docker restart" in shown
    assert "out of sight, to be made anew: plain, keep" in shown
    after = host.inside("find /etc/docker /etc/subuid /var/lib -xdev -printf '%p %T@\\n' | sort")
    assert after == before


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--network", "host"), "network_mode: host"),
        (("--pid", "host"), "pid: host"),
        (("--privileged",), "privileged"),
    ],
)
def test_a_running_blocker_is_named_and_nothing_is_changed(
    host: Served, options: tuple[str, ...], why: str
) -> None:
    if options == ("--privileged",) and host.live.old:
        pytest.skip("this machine lacks a capability, and this engine insists on all of them")
    host.container("proxy", *options)

    found = host.run("userns", "on", "--yes")

    assert found.returncode == 2
    assert f"not possible, because of proxy: {why}." in found.stderr
    assert host.inside("ls /var/lib | grep -c hullward || :") == "0"
    host.docker("rm", "-f", "proxy")
    untouched(host)


def test_a_daemon_that_does_not_come_back_is_put_back(host: Served) -> None:
    host.inside(BREAK.replace("WHAT", "/run/docker.good stop; echo no room today >\\&2; exit 1"))

    found = host.run("userns", "on", "--yes")

    assert found.returncode == 2
    assert "The programs did not take the change: no room today." in found.stderr
    assert "Everything is as it was before." in found.stderr
    untouched(host)
    assert [change["state"] for change in host.changes()] == ["put back"]


def test_a_restart_that_hangs_is_put_back(host: Served) -> None:
    host.inside(BREAK.replace("WHAT", "kill $(cat /run/docker.pid); sleep 1000"))

    found = host.run("userns", "on", "--yes", "--confirm-within", "15")

    assert found.returncode == 2
    assert "it did not end in time" in found.stderr
    untouched(host)


def test_an_engine_that_starts_without_remapping_is_found_out(host: Served) -> None:
    good = (
        "cp /etc/docker/daemon.json /run/new; echo {} >/etc/docker/daemon.json; "
        "/run/docker.good restart; s=$?; cp /run/new /etc/docker/daemon.json; exit $s"
    )
    host.inside(BREAK.replace("WHAT", good))

    found = host.run("userns", "on", "--yes", "--confirm-within", "60")

    assert found.returncode == 2
    assert "says that it does not remap users" in found.stderr
    untouched(host)


def test_a_hullward_that_is_killed_leaves_it_to_the_host(host: Served) -> None:
    with host.start("userns", "on", "--yes", "--confirm-within", "20") as process:
        host.until(host.state(1), "activating")
        process.send_signal(signal.SIGKILL)

    second = host.run("userns", "on", "--yes")
    listed = host.run("changes")

    assert second.returncode == 2
    assert "Change 1 on" in second.stderr
    assert f"by {getpass.getuser()}@{socket.gethostname()}, begun" in second.stderr
    assert "is unfinished" in listed.stdout
    assert "hullward undo 1" in listed.stdout
    host.until(host.state(1), "reverted")
    untouched(host)
    assert [change["state"] for change in host.changes()] == ["put back"]


def test_a_killed_change_can_be_finished(host: Served) -> None:
    with host.start("userns", "on", "--yes", "--confirm-within", "100") as process:
        host.until(host.state(1), "activating")
        process.send_signal(signal.SIGKILL)
    host.until(host.state(1), "active")

    host.done("changes", "--finish", "1", "--yes")

    assert host.remaps()
    assert [change["state"] for change in host.changes()] == ["done"]


def test_a_killed_ssh_is_put_back_over_a_new_one(host: Served) -> None:
    with host.start("userns", "on", "--yes", "--confirm-within", "100") as process:
        host.until(host.state(1), "activating")
        for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
            os.kill(int(pid), signal.SIGKILL)
        _, err = process.communicate(timeout=200)

    assert process.returncode == 2
    assert "Everything is as it was before." in err
    untouched(host)


def test_a_timer_that_ran_out_refuses_the_confirmation(host: Served) -> None:
    host.inside(BREAK.replace("WHAT", "/run/docker.good restart; s=$?; sleep 7; exit $s"))
    began = time.monotonic()

    found = host.run("userns", "on", "--yes", "--confirm-within", "10")

    assert found.returncode == 2
    assert time.monotonic() - began < 100
    untouched(host)
