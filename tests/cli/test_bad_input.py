"""What can go wrong outside: one clear line, one line of advice, exit 2, and no trace."""

import hashlib
import json
import os
import shlex
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fakes import inspected, request, unix_server
from hullward.collect import saved
from hullward.host.recorded import Fault, RecordedEngine
from hullward.host.recording import Recorded
from hullward.model.facts import Container, Snapshot, Unread
from strategies import snapshots
from terminal import CITIZEN, Said, recorded, run, save

Capture = pytest.CaptureFixture[str]
FORMS = (
    ("--format", "table"),
    ("--format", "json"),
    ("--format", "csv"),
    ("--format", "markdown"),
    ("--wide",),
)
WEB, DB = inspected("a" * 64, "web"), inspected("b" * 64, "db")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty folder, with no docker configuration of this machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_TLS"):
        monkeypatch.delenv(name, raising=False)


def refused(said: Said, target: str = "") -> tuple[str, str]:
    """Give the two lines of a target that could not be audited; nothing but them may be there."""
    assert said.status == 2
    what, advice = said.complaint
    assert advice
    assert "Traceback" not in said.out + said.err
    return what.removeprefix(f"{target}: "), advice


@contextmanager
def nobody() -> Iterator[None]:
    """Have no rights, as far as files are concerned."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def context(tmp_path: Path, name: str, text: str) -> None:
    digest = hashlib.sha256(name.encode()).hexdigest()
    folder = tmp_path / "docker" / "contexts" / "meta" / digest
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(text)


def ssh_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, status: int) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "ssh").write_text(f"#!/bin/sh\necho {shlex.quote(words)} >&2\nexit {status}\n")
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_no_engine(capsys: Capture) -> None:
    what, advice = refused(run(capsys, "audit", "unix:///none"), "unix:///none")

    assert what == "No engine listens on /none."
    assert "systemctl start docker" in advice


def test_permission_denied_on_the_socket(capsys: Capture, tmp_path: Path) -> None:
    run(capsys, "audit", "unix:///none")  # so that all is imported already
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("engine.sock")
        path.chmod(0)
        with nobody():
            said = run(capsys, "audit", "unix://engine.sock")
    what, advice = refused(said, "unix://engine.sock")

    assert what == "Permission to use engine.sock was denied."
    assert "usermod -aG docker" in advice
    assert "as powerful as root" in advice


def test_unknown_context(capsys: Capture) -> None:
    for words in (["nobody"], ["--context", "nobody"]):
        said = run(capsys, "audit", *words)

        assert said.out == ""
        assert refused(said)[0] == "There is no docker context 'nobody'."


def test_unknown_context_in_the_environment(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "nobody")

    assert refused(run(capsys, "audit"))[0] == "There is no docker context 'nobody'."


@pytest.mark.parametrize("text", ["", "garbage", "[]", "{}", '{"Endpoints": {"docker": {}}}'])
def test_context_file_with_garbage(capsys: Capture, tmp_path: Path, text: str) -> None:
    context(tmp_path, "web1", text)

    assert "web1" in refused(run(capsys, "audit", "web1"))[0] or text in {"", "garbage", "[]"}
    assert refused(run(capsys, "audit", "--all-contexts"))


def test_config_file_with_garbage(capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text("garbage")

    assert "config.json is not JSON" in refused(run(capsys, "audit"))[0]


def test_password_in_an_address_is_not_printed(capsys: Capture) -> None:
    said = run(capsys, "audit", "ssh://root:hunter2@web1")
    refused(said)

    assert "hunter2" not in said.out + said.err


def test_tls_mismatch(capsys: Capture) -> None:
    def https(peer: socket.socket) -> None:
        request(peer)
        body = b"Client sent an HTTP request to an HTTPS server.\n"
        peer.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n" + body)

    with unix_server("engine.sock", https):
        what, _ = refused(run(capsys, "audit", "unix://engine.sock"), "unix://engine.sock")

    assert what == "The engine wants TLS, and was asked without it."


SSH = {
    "ssh refused": (
        "ssh: connect to host web1 port 22: Connection refused",
        255,
        "web1 refuses connections on the ssh port.",
    ),
    "login refused": (
        "root@web1: Permission denied (publickey).",
        255,
        "web1 did not accept the login.",
    ),
    "host key changed": (
        "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @",
        255,
        "The host key of web1 is not the one in known_hosts.",
    ),
    "docker not installed there": (
        "bash: line 1: docker: command not found",
        127,
        "The docker command was not found on web1.",
    ),
    "no permission there": (
        (
            "failed to open the raw stream connection: dial unix /run/docker.sock: "
            "connect: permission denied"
        ),
        1,
        "The login on web1 may not use the engine's socket.",
    ),
}


@pytest.mark.parametrize("case", list(SSH))
def test_ssh(capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    words, status, what = SSH[case]
    ssh_that(tmp_path, monkeypatch, words, status)

    assert refused(run(capsys, "audit", "ssh://web1"), "ssh://web1")[0] == what


@pytest.mark.parametrize("where", ["/_ping", "/info", f"/containers/{'a' * 64}/json"])
def test_engine_that_hangs(capsys: Capture, where: str) -> None:
    with RecordedEngine(recorded(containers=[WEB, DB]), "s", {where: Fault.HANG}):
        said = run(capsys, "audit", "unix://s", "--timeout", "0.3")

    assert refused(said, "unix://s")[0] == "The engine did not answer within 0.3 seconds."


@pytest.mark.parametrize("where", ["/_ping", "/info", f"/containers/{'a' * 64}/json"])
def test_engine_that_closes_the_connection_in_the_middle(capsys: Capture, where: str) -> None:
    with RecordedEngine(recorded(containers=[WEB, DB]), "s", {where: Fault.CLOSE}):
        said = run(capsys, "audit", "unix://s")

    assert refused(said, "unix://s")[0].startswith("The engine broke off the conversation (")


def test_engine_that_returns_html(capsys: Capture) -> None:
    with RecordedEngine(recorded(), "s", {"/_ping": Fault.HTML}):
        said = run(capsys, "audit", "unix://s")

    assert refused(said, "unix://s")[0] == (
        "What answers there is not a Docker engine (it sent HTML)."
    )


def test_engine_whose_list_is_html(capsys: Capture) -> None:
    with RecordedEngine(recorded(), "s", {"/containers/json?all=0": Fault.HTML}):
        said = run(capsys, "audit", "unix://s")

    assert refused(said, "unix://s")[0].startswith("The list of containers cannot be read: ")


def rows(said: Said) -> dict[str, object]:
    return {row["name"]: row["state"] for row in json.loads(said.out)["hosts"][0]["containers"]}


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.SERVER_ERROR, "the engine answered 500"),
        (Fault.NOT_FOUND, "it disappeared while it was looked at"),
        (Fault.GARBAGE, "the engine's description of it cannot be read"),
        (Fault.HTML, "the engine's description of it cannot be read"),
    ],
)
def test_one_container_of_many_that_cannot_be_described(
    capsys: Capture, fault: Fault, reason: str
) -> None:
    faults = {f"/containers/{'a' * 64}/json": fault}
    with RecordedEngine(recorded(containers=[WEB, DB]), "s", faults):
        said = run(capsys, "audit", "unix://s", "--format", "json")

    assert rows(said) == {"web": None, "db": "running"}
    assert refused(said, "unix://s")[0].startswith(f"the container web is unknown: {reason}")


def test_snapshot_that_is_not_there(capsys: Capture) -> None:
    assert refused(run(capsys, "audit", "--from", "none.json"))[0] == (
        "The snapshot 'none.json' cannot be read: No such file or directory."
    )


@pytest.mark.parametrize("name", [".", "a\0b", "x" * 5000])
def test_snapshot_that_is_no_file(capsys: Capture, name: str) -> None:
    assert "cannot be read" in refused(run(capsys, "audit", "--from", name))[0]


def test_snapshot_from_the_future(capsys: Capture, tmp_path: Path) -> None:
    future = {"format": "hullward-snapshot", "version": 9, "hosts": "elsewhere"}
    (tmp_path / "f").write_text(json.dumps(future))

    assert refused(run(capsys, "audit", "--from", "f"))[0] == (
        "The snapshot 'f' has version 9; this hullward reads 1."
    )


def test_snapshot_that_was_cut_off(capsys: Capture, tmp_path: Path) -> None:
    save(tmp_path / "f", CITIZEN)
    data = (tmp_path / "f").read_bytes()
    (tmp_path / "f").write_bytes(data[: len(data) // 2])

    assert refused(run(capsys, "audit", "--from", "f"))[0].startswith(
        "The snapshot 'f' is damaged or none at all: "
    )


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=50)
@given(st.lists(snapshots, min_size=1, max_size=2))
@example([Snapshot("t", containers=(CITIZEN, CITIZEN))])
@example([Snapshot("t", containers=(Container("a", network_mode="container:a"),))])
@example([Snapshot("t", containers=(Container("a", id="", network_mode="container:"),))])
@example([Snapshot("t", containers=(Container("", uid=-(2**63), pid=-1),))])
def test_snapshot_that_is_hostile(capsys: Capture, found: list[Snapshot]) -> None:
    Path("hostile").write_bytes(saved.dump(found))
    for form in FORMS:
        said = run(capsys, "audit", "--from", "hostile", *form)

        assert said.status == (2 if any(s.unread for s in found) else said.status)
        assert "fault of hullward" not in said.err
        assert said.out


@pytest.mark.parametrize("field", ["uid", "pid", "memory", "pids", "restart_attempts"])
@pytest.mark.parametrize("number", [10**30, -(10**30), 10**400])
def test_snapshot_with_huge_numbers(
    capsys: Capture, tmp_path: Path, field: str, number: int
) -> None:
    save(tmp_path / "f", CITIZEN)
    value = json.loads((tmp_path / "f").read_text())
    value["hosts"][0]["containers"][0][field] = number
    (tmp_path / "f").write_text(json.dumps(value))

    for form in FORMS:
        assert run(capsys, "audit", "--from", "f", *form).err == ""


EVIL = "x\n\x1b[2K\x1b[31mcitizen\r\u202e\u2066\u200b\x07\x9b1m\x00|`<b>\u2028\u2029"


def evil(text: str) -> Container:
    fields: Mapping[str, object] = {
        "name": text, "id": text, "image": text, "image_id": text, "state": text,
        "program": text, "user": text, "uid": None, "uid_gap": text, "groups": (text,),
        "cap_add": (text,), "cap_drop": (text,), "security_opt": (text,), "network_mode": text,
        "pid_mode": text, "runtime": text, "networks": (text,), "device_rules": (text,),
        "sysctls": {text: text}, "ulimits": (text,), "environment": (text,), "restart": text,
        "labels": {"com.docker.compose.service": text, "com.docker.compose.project": text},
        "api_listens": (text,), "processes_gap": text, "privileged": True,
    }  # fmt: skip
    return Container(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", FORMS)
def test_names_and_labels_cannot_forge_a_line(
    capsys: Capture, tmp_path: Path, form: tuple[str, ...]
) -> None:
    def report(text: str) -> str:
        gaps = {"info": text, "volumes": text, "processes": text}
        unread = (Unread(f"u{text}", text, text),)
        snapshot = Snapshot(text, containers=(evil(text),), unread=unread, gaps=gaps)
        (tmp_path / "f").write_bytes(saved.dump([snapshot]))
        said = run(capsys, "audit", "--from", "f", *form)
        return said.out + said.err

    found = report(EVIL)

    assert {char for char in found if not char.isprintable()} == {"\n"}


def test_folder_that_cannot_be_written(capsys: Capture, tmp_path: Path) -> None:
    with RecordedEngine(recorded(), "s"):
        said = run(capsys, "collect", "unix://s", "-o", "none/out.json")

    assert refused(said)[0] == "'none/out.json' cannot be written: No such file or directory."
    assert not (tmp_path / "none").exists()


def test_folder_without_permission_keeps_no_partial_file(capsys: Capture, tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    with RecordedEngine(recorded(), "s"):
        run(capsys, "collect", "unix://s", "-o", "first.json")
        folder.chmod(0o500)
        (tmp_path / "s").chmod(0o777)
        tmp_path.chmod(0o755)
        with nobody():
            said = run(capsys, "collect", "unix://s", "-o", "closed/out.json")
    folder.chmod(0o700)

    assert refused(said)[0] == "'closed/out.json' cannot be written: Permission denied."
    assert list(folder.iterdir()) == []


def test_output_that_is_a_folder(capsys: Capture, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with RecordedEngine(recorded(), "s"):
        said = run(capsys, "collect", "unix://s", "-o", "out")

    assert refused(said)[0] == "'out' cannot be written: Is a directory."
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[[waiver", "hullward.toml is not TOML"),
        ("x = 1", "hullward.toml cannot be understood"),
        ('[[waiver]]\nrule = "x"\ntarget = "*"\nreason = "y"', "hullward.toml waives 'x'"),
    ],
)
def test_settings_that_mean_nothing(capsys: Capture, tmp_path: Path, text: str, what: str) -> None:
    save(tmp_path / "f", CITIZEN)
    (tmp_path / "hullward.toml").write_text(text)
    said = run(capsys, "audit", "--from", "f")

    assert said.out == ""
    assert refused(said)[0].startswith(what)


def test_settings_that_are_not_there(capsys: Capture, tmp_path: Path) -> None:
    save(tmp_path / "f", CITIZEN)
    said = run(capsys, "audit", "--from", "f", "--config", "none.toml")

    assert refused(said)[0] == (
        "The settings file 'none.toml' cannot be read: No such file or directory."
    )


def test_sources_that_the_engine_refuses_are_unknown_and_not_passed(capsys: Capture) -> None:
    closed = {
        path: Recorded(403, body='{"message": "closed"}')
        for path in ("/version", "/info", "/volumes", "/networks", "/plugins")
    }
    with RecordedEngine(recorded(closed, [WEB]), "s"):
        said = run(capsys, "audit", "unix://s", "--format", "json", "--area", "daemon")
    verdicts = json.loads(said.out)["hosts"][0]["verdicts"]

    assert said.err == ""
    assert {verdict["verdict"] for verdict in verdicts} <= {"unknown"}
