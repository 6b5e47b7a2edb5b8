"""Trials on real engines: they find what is needed, and leave what is real as it was."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from live_cases import IMAGE
from live_engine import CLEAN, HULLWARD, NAMES, LiveEngine

pytestmark = pytest.mark.live

SUBJECT = "subject"
# Takes over what it finds, writes, and serves; without CHOWN it serves all the same.
PROGRAM = """
chown -R 1000:1000 /data /folder
date >>/folder/log; date >>/file; date >/data/first
trap 'exit 0' TERM
httpd -f -p 80 -h /data & wait
"""
Facts = dict[str, tuple[Any, ...]]


class Service:
    """A container with a volume, a folder and a file of the host, all of which it writes to."""

    def __init__(self, engine: LiveEngine) -> None:
        self.engine = engine
        self.folder = engine.folder / "folder"
        self.file = engine.folder / "file"
        self.folder.mkdir()
        (self.folder / "deep").mkdir()
        (self.folder / "deep/secret").write_text("of somebody else")
        (self.folder / "deep/link").symlink_to("../nowhere")
        os.chown(self.folder / "deep/secret", 1234, 4321)
        self.file.write_text("a file\n")
        mounts = ["-v", "subject:/data", "-v", f"{self.folder}:/folder", "-v", f"{self.file}:/file"]
        engine.docker("run", "-d", "--name", SUBJECT, *mounts, IMAGE, "sh", "-c", PROGRAM)
        self.volume = Path(engine.docker("volume", "inspect", "-f", "{{.Mountpoint}}", "subject"))
        while not (self.volume / "first").exists():
            time.sleep(0.1)
        time.sleep(0.5)
        # To read a link changes the time of its last access, once.
        self.facts()

    def facts(self) -> Facts:
        """Every byte, owner and time stamp of what the container holds, and how it runs."""
        found: Facts = {}
        for root in (self.folder, self.file, self.volume):
            for path in sorted([root, *root.rglob("*")]):
                # Before the bytes: to read them would change the time of the last access.
                stat = path.lstat()
                times = (stat.st_atime_ns, stat.st_mtime_ns, stat.st_ctime_ns)
                found[str(path)] = (stat.st_mode, stat.st_uid, stat.st_gid, *times, _bytes(path))
        state = json.loads(self.engine.docker("inspect", SUBJECT))[0]
        found["state"] = (state["State"]["Pid"], state["State"]["StartedAt"], state["RestartCount"])
        return found

    def minimize(self, *words: str) -> subprocess.Popen[str]:
        command = [*HULLWARD, "minimize", *words, "--host", self.engine.url]
        return subprocess.Popen(  # noqa: S603 - our own command
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=CLEAN
        )

    def certificate(self) -> Any:  # noqa: ANN401 - JSON
        process = self.minimize(SUBJECT, "--probe", "http://:80/first", "--format", "json")
        said, words = process.communicate(timeout=300)
        assert process.returncode in {0, 1}, words
        return json.loads(said)

    def left(self) -> list[str]:
        """Name what trials made and did not remove, on the engine and in the kernel."""
        label = ("--filter", "label=hullward.session")
        found = self.engine.docker("ps", "-aq", *label).split()
        found += self.engine.docker("volume", "ls", "-q", *label).split()
        found += self.engine.docker("network", "ls", "-q", *label).split()
        listing = "mount -t tracefs t /mnt; ls /mnt/instances"
        command = ["unshare", "-m", "sh", "-c", listing]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 - as above
        mine = [name for name in said.split() if name.startswith("hullward-")]
        return found + [name for name in mine if not _lives(int(name.split("-")[1]))]


def _lives(pid: int) -> bool:
    """Whether a process is there; another run of hullward on this machine may go on."""
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def _bytes(path: Path) -> str:
    if path.is_symlink():
        return str(path.readlink())
    if path.is_dir():
        return ""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOATIME)
    with os.fdopen(descriptor, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


@pytest.fixture(scope="module", params=NAMES or [""])
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    if not request.param:
        pytest.skip("HULLWARD_LIVE_ENGINES names no engine; `make live` does")
    engine = LiveEngine(request.param, tmp_path_factory.mktemp(request.param))
    engine.install()
    try:
        yield Service(engine)
    finally:
        engine.docker("rm", "-f", SUBJECT)
        engine.docker("volume", "rm", "-f", "subject")


def test_what_is_found_is_needed_and_what_is_real_stays_as_it_was(service: Service) -> None:
    before = service.facts()
    found = service.certificate()

    assert [need["capability"] for need in found["needs"]] == ["DAC_OVERRIDE", "CHOWN"]
    assert [need["verdict"] for need in found["needs"]] == ["required", "tolerated"]
    assert any("/folder" in line for line in found["needs"][1]["evidence"])
    assert found["proven"]
    assert service.facts() == before
    assert service.left() == []


@pytest.mark.parametrize("seconds", [0.2, 0.6, 1.0, 1.5, 2.5, 4.0, 6.0])
def test_killed_at_any_point_nothing_real_has_changed(service: Service, seconds: float) -> None:
    before = service.facts()
    process = service.minimize(SUBJECT, "--probe", "http://:80/first")
    time.sleep(seconds)
    process.kill()
    process.communicate()

    assert service.facts() == before

    cleaning = service.minimize("--clean")
    _, words = cleaning.communicate(timeout=60)

    assert cleaning.returncode == 0, words
    assert service.left() == []
    assert service.facts() == before


def test_over_ssh_the_same_is_found(service: Service) -> None:
    config = service.engine.home / "sshd/ssh_config"
    words = ("--host", f"ssh://{service.engine.name}", "--ssh-config", str(config))
    command = [*HULLWARD, "minimize", SUBJECT, "--probe", "http://:80/first", *words]
    done = subprocess.run(  # noqa: S603 - our own command
        [*command, "--format", "json"], capture_output=True, text=True, check=False, env=CLEAN
    )
    found = json.loads(done.stdout or "{}")

    assert done.returncode == 1, done.stderr
    assert [need["capability"] for need in found["needs"]] == ["DAC_OVERRIDE", "CHOWN"]
    assert service.left() == []


def refused(service: Service, options: tuple[str, ...], *command: str, probe: str = "") -> str:
    """Start a container, and give what hullward says when it cannot make a proof."""
    service.engine.docker("run", "-d", "--name", "odd", *options, IMAGE, *command)
    try:
        words = ("--probe", probe) if probe else ()
        process = service.minimize("odd", "--ready", "2", *words)
        said, complaint = process.communicate(timeout=120)
        assert (process.returncode, said) == (2, ""), complaint
        assert service.left() == []
        return complaint
    finally:
        service.engine.docker("rm", "-f", "odd")


def test_a_container_that_crashes_teaches_nothing(service: Service) -> None:
    words = refused(service, (), "sh", "-c", "echo no config; exit 3")

    assert "does not work as it is, so nothing can be learned: first start" in words
    assert "exit code 3" in words
    assert "Its last words: 'no config'" in words


def test_a_probe_that_never_passes_is_told(service: Service) -> None:
    words = refused(service, ("--init",), "sleep", "1000", probe="tcp://:81")

    assert "not ready after 2 s: tcp://:81: no connection" in words


def test_the_network_of_the_host_is_not_shared_with_a_copy(service: Service) -> None:
    words = refused(service, ("--network", "host", "--init"), "sleep", "1000")

    assert "it uses the host's network" in words


def test_a_folder_with_a_socket_is_not_given_to_a_copy(service: Service) -> None:
    folder = service.engine.folder / "sockets"
    folder.mkdir(exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        path = folder / "s"
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        words = refused(service, ("-v", f"{folder}:/s:ro", "--init"), "sleep", "1000")

    assert "the socket ./s from" in words


def test_no_such_container(service: Service) -> None:
    process = service.minimize("nobody")
    _, words = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "There is no container and no compose service 'nobody'." in words


def test_a_job_is_judged_by_its_end_and_its_words(service: Service) -> None:
    script = "touch /tmp/x; chown 5:5 /tmp/x; ls -ln /tmp/x | cut -c1-11; echo done"
    service.engine.docker("run", "--name", "job", IMAGE, "sh", "-c", script)
    process = service.minimize("job", "--format", "json")
    said, words = process.communicate(timeout=300)
    service.engine.docker("rm", "-f", "job")

    assert process.returncode == 1, words
    assert "CHOWN" in [need["capability"] for need in json.loads(said)["needs"]]
    assert any("it is a job" in note for note in json.loads(said)["notes"])


def test_a_certificate_is_verified_and_a_wrong_one_is_not(service: Service, tmp_path: Path) -> None:
    path = tmp_path / "certificate.json"
    made = service.minimize(SUBJECT, "--probe", "http://:80/first", "-o", str(path))
    made.communicate(timeout=300)
    good = service.minimize("--verify", str(path))
    said, _ = good.communicate(timeout=300)
    value = json.loads(path.read_text())
    value["needs"] = value["needs"][1:]
    path.write_text(json.dumps(value))
    bad = service.minimize("--verify", str(path))
    wrong, _ = bad.communicate(timeout=300)

    assert (good.returncode, bad.returncode) == (0, 1)
    assert "is still valid" in said
    assert "does not work any more" in wrong


def test_interrupted_it_cleans_up_by_itself(service: Service) -> None:
    process = service.minimize(SUBJECT, "--probe", "http://:80/first")
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    _, words = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "Interrupted." in words
    assert service.left() == []


def test_two_runs_at_once_do_not_disturb_each_other(service: Service) -> None:
    before = service.facts()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: service.certificate(), range(2)))

    assert [[need["capability"] for need in one["needs"]] for one in found] == [
        ["DAC_OVERRIDE", "CHOWN"]
    ] * 2
    assert service.facts() == before
    assert service.left() == []
