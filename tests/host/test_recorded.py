import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hullward.collect import engine
from hullward.host.capture import capture
from hullward.host.deadline import Deadline
from hullward.host.endpoints import UnixEndpoint
from hullward.host.engine import EngineClient
from hullward.host.reader import Access
from hullward.host.recorded import Fault, RecordedEngine, main
from hullward.host.recording import TAR, Recorded, Recording, Replay, dump, load, many
from hullward.model.errors import HullwardError
from hullward.model.facts import Container, Exec, History, Mount, Snapshot, UnusedImages

WEB, SIDE, OLD = "a" * 64, "b" * 64, "c" * 64
IMAGE, SESSION = "sha256:" + "d" * 64, "e" * 64
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def recorded(value: object) -> Recorded:
    return Recorded(body=json.dumps(value))


def inspected(id_: str, name: str, changes: Mapping[str, object]) -> Recorded:
    host = {
        "NetworkMode": "bridge",
        "LogConfig": {"Type": "gelf", "Config": {"token": "SECRET-log"}},
        "Annotations": {"note": "SECRET-annotation", "Note": "SECRET-annotation"},
    }
    host_config: dict[str, object] = {**host, **changes}
    config = {
        "User": "app:app",
        "Image": "shop/web:1",
        "Env": ["PATH=/bin", "PASSWORD=SECRET-env", "SECRET-not-a-variable"],
        "Cmd": ["serve", "--token=SECRET-cmd"],
        "Entrypoint": ["/entry", "SECRET-entrypoint"],
        "Labels": {
            "com.docker.compose.service": "web",
            "traefik.basicauth": "SECRET-label",
            "com.docker.compose.serviceX": "SECRET-label",
        },
        "Healthcheck": {"Test": ["CMD-SHELL", "curl -u SECRET-health"]},
    }
    return recorded(
        {
            "Id": id_,
            "Name": f"/{name}",
            "Path": "/usr/bin/serve",
            "Args": ["--token=SECRET-arg", "-Htcp://0.0.0.0:2375", "--tlsverify"],
            "Image": IMAGE,
            "State": {
                "Status": "running",
                "Pid": 7,
                "Error": "SECRET-error",
                "Health": {"Status": "healthy", "Log": [{"Output": "SECRET-output"}]},
            },
            "ExecIDs": [SESSION],
            "HostConfig": host_config,
            "Config": config,
            "Mounts": [
                {"Type": "bind", "Source": "/home/ann/shop", "Destination": "/srv", "RW": False},
                {"Type": "volume", "Name": "share", "Destination": "/data", "Driver": "local"},
            ],
            "NetworkSettings": {
                "Networks": {"shop_net": {"Aliases": ["SECRET-alias"]}},
                "Ports": {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8080"}]},
            },
        }
    )


def listed(id_: str, name: str) -> dict[str, object]:
    labels = {"traefik.basicauth": "SECRET-label"}
    command = "serve SECRET-command"
    return {
        "Id": id_,
        "Names": [f"/{name}"],
        "ImageID": IMAGE,
        "Labels": labels,
        "Command": command,
    }


def shop(changes: Mapping[str, object] = MappingProxyType({})) -> Recording:
    """An engine with a secret in every place where engines have some."""
    running = [listed(WEB, "web"), listed(SIDE, "side")]
    share = {
        "type": "cifs",
        "device": "//SECRET-user:SECRET-pass@nas/share",
        "o": "username=SECRET-user,password=SECRET-pass,ro",
        "token": "SECRET-token",
    }
    users = "root:SECRET-hash:0:0:root:/root:/bin/sh\napp:SECRET-hash:1000:1000:SECRET:/:/bin/sh\n"
    answers: dict[str, Recorded] = {
        "/_ping": Recorded(200, "text/plain", {"Api-Version": "1.45"}, "OK"),
        "/version": recorded({"Version": "26.1.5", "Components": [{"Name": "runc"}]}),
        "/info": recorded(
            {
                "Name": "SECRET-host",
                "HttpProxy": "http://u:SECRET-proxy@proxy:3128",
                "Labels": ["SECRET=label"],
                "SecurityOptions": ["name=seccomp,profile=builtin"],
                "DockerRootDir": "/home/ann/docker",
                "Swarm": {"LocalNodeState": "active", "ControlAvailable": True},
                "Driver": "overlay2",
                "DriverStatus": [["Backing Filesystem", "extfs"]],
                "LoggingDriver": "local",
                "Plugins": {"Authorization": ["opa"]},
                "RegistryConfig": {
                    "InsecureRegistryCIDRs": ["10.0.0.0/8", "127.0.0.0/8"],
                    "IndexConfigs": {"reg:5000": {"Secure": False, "Mirrors": ["SECRET-mirror"]}},
                },
                "DefaultAddressPools": [{"Base": "10.210.0.0/16", "Size": 24}],
            }
        ),
        "/containers/json?all=0": recorded(running),
        "/containers/json?all=1": recorded([*running, listed(OLD, "old")]),
        "/volumes": recorded({"Volumes": [{"Name": "share", "Options": share}]}),
        "/networks": recorded(
            [
                {
                    "Name": "shop_net",
                    "Driver": "bridge",
                    "Options": {
                        "encrypted": "",
                        "com.docker.network.bridge.gateway_mode_ipv4": "nat-unprotected",
                        "x": "SECRET-option",
                    },
                    "IPAM": {"Config": [{"Subnet": "172.18.0.0/16"}]},
                }
            ]
        ),
        "/plugins": Recorded(403, body='{"message":"not allowed"}'),
        f"/images/{IMAGE}/json": recorded(
            {
                "Id": IMAGE,
                "RepoTags": ["shop/web:1"],
                "Created": "2026-01-01T00:00:00Z",
                "Config": {"Env": ["KEY=SECRET-image"], "ExposedPorts": {"80/tcp": {}}},
            }
        ),
        f"/images/{IMAGE}/history": recorded(
            [
                {"CreatedBy": "RUN /bin/sh -c apt-get -qq update # SECRET-step"},
                {"CreatedBy": "RUN |1 API_TOKEN=SECRET-build /bin/sh -c apt-get install SECRET"},
                {"CreatedBy": "RUN curl https://SECRET-user:SECRET-pass@host/x && apk update; ls"},
                {"CreatedBy": "ADD https://SECRET/file /srv"},
                {"CreatedBy": "/bin/sh -c #(nop) ADD file:SECRET in / "},
            ]
        ),
        "/images/json": recorded(
            [
                {"Id": IMAGE, "RepoTags": ["shop/web:1"], "Size": 1},
                {"Id": "sha256:" + "f" * 64, "RepoTags": [], "Size": 20, "Labels": {"a": "SECRET"}},
            ]
        ),
        "/swarm": recorded({"JoinTokens": {"Worker": "SECRET-join"}, "Spec": {"Name": "default"}}),
        "/nodes": recorded(
            [{"Spec": {"Role": "manager"}, "Description": {"Hostname": "SECRET-node"}}]
        ),
        f"/exec/{SESSION}/json": recorded(
            {
                "Running": True,
                "ProcessConfig": {"user": "root", "arguments": ["SECRET-exec"], "privileged": True},
            }
        ),
    }
    for id_, name in ((WEB, "web"), (SIDE, "side"), (OLD, "old")):
        answers[f"/containers/{id_}/json"] = inspected(id_, name, changes)
        answers[f"/containers/{id_}/archive?path=/etc/passwd"] = Recorded(200, TAR, body=users)
    return Recording(answers)


def client(path: str, seconds: float = 20) -> EngineClient:
    return EngineClient(UnixEndpoint(path), Deadline(seconds), Access())


def look(recording: Recording, path: str, *, stopped: bool = False) -> Snapshot:
    with RecordedEngine(recording, path), client(path) as reader:
        return engine.collect(reader, "shop", NOW, stopped=stopped)


def captured(recording: Recording, path: str, **replaced: str) -> Recording:
    with RecordedEngine(recording, path), client(path) as reader:
        return capture(reader, replaced)


@pytest.fixture
def path() -> Iterator[str]:
    """A path that is short enough for a socket."""
    folder = tempfile.mkdtemp()
    yield f"{folder}/docker.sock"
    shutil.rmtree(folder)


def test_a_recording_is_collected_like_an_engine(path: str) -> None:
    snapshot = look(shop(), path)

    assert [container.name for container in snapshot.containers] == ["web", "side"]
    web = snapshot.containers[0]
    assert (web.uid, web.execs, web.health) == (1000, (Exec("root", privileged=True),), "healthy")


def unnamed(snapshot: Snapshot) -> Snapshot:
    """Leave out the name of the engine's host, which no recording tells."""
    assert snapshot.engine
    assert snapshot.swarm
    assert snapshot.unused_images == UnusedImages(1, 20, 1, 20)
    assert [image.history for image in snapshot.images.values()] == [
        History(("a URL",), 2, ("API_TOKEN", "a password in a URL"))
    ]
    return replace(snapshot, engine=replace(snapshot.engine, name=""))


def test_what_is_captured_gives_the_same_snapshot(path: str) -> None:
    for stopped in (False, True):
        original = unnamed(look(shop(), path, stopped=stopped))
        again = look(captured(shop(), path), path, stopped=stopped)

        assert again == original
        assert original.gaps == {"plugins": "/plugins: the engine answered 403: not allowed"}


def test_what_is_captured_holds_no_secret(path: str) -> None:
    assert "SECRET" in dump(shop()).decode()

    assert re.findall('SECRET[^"]*', dump(captured(shop(), path)).decode()) == []


WORDS = st.text("abcxyz_.-=,/: ", max_size=12)
HOST = {
    "CapAdd": st.lists(WORDS),
    "Sysctls": st.dictionaries(WORDS, WORDS),
    "SecurityOpt": st.lists(
        st.sampled_from(
            [
                "seccomp=unconfined",
                'seccomp={"defaultAction":"SCMP_ACT_ALLOW","syscalls":[]}',
                'seccomp={"defaultAction":7}',
                "seccomp={broken",
                "label=disable",
            ]
        )
    ),
}
CONFIG = {
    "Env": st.none() | st.lists(WORDS),
    "User": st.sampled_from(["", "0:0", "app", "root:root", "nobody", "12345678901"]),
    "Healthcheck": st.fixed_dictionaries(
        {"Test": st.lists(st.sampled_from(["NONE", "CMD", "CMD-SHELL", "true"]))}
    ),
}
ARGUMENTS = st.lists(
    st.sampled_from(["--host=tcp://:2375", "tcp://[::1]:1", "-v", "--tlsverify=true", "-H"])
)
OPTIONS = st.dictionaries(
    st.sampled_from(["type", "device", "o", "password", "x"]),
    WORDS | st.sampled_from(["overlay", "/etc", "//u:p@nas/x", "lowerdir=/:/b,ro", "user=a"]),
)


@given(st.fixed_dictionaries(HOST), st.fixed_dictionaries(CONFIG), ARGUMENTS, OPTIONS)
def test_no_fact_is_lost_in_a_capture(
    host: dict[str, object],
    config: dict[str, object],
    arguments: list[str],
    options: dict[str, str],
) -> None:
    answers = dict(shop(host).answers)
    body = json.loads(answers[f"/containers/{WEB}/json"].body)
    body["Config"] |= config
    body["Args"] = arguments
    answers[f"/containers/{WEB}/json"] = recorded(body)
    answers["/volumes"] = recorded({"Volumes": [{"Name": "share", "Options": options}]})
    original = Replay(Recording(answers))

    again = Replay(capture(original))

    assert engine.collect(again, "shop", NOW) == unnamed(engine.collect(original, "shop", NOW))


def test_texts_can_be_replaced_by_others(path: str) -> None:
    recording = captured(shop(), path, **{"/home/ann": "/srv"})

    snapshot = look(recording, path)

    assert "ann" not in dump(recording).decode()
    assert snapshot.containers[0].mounts[0] == Mount("bind", "/srv", "/srv/shop", writable=False)


def test_a_dumped_recording_is_loaded_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_bytes(dump(shop()))

    assert load(str(tmp_path / "shop.json")) == shop()


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"answers": 1}')

    with pytest.raises(HullwardError, match="is not a recording"):
        load(str(tmp_path / "other.json"))
    with pytest.raises(HullwardError, match="is not a recording"):
        load(str(tmp_path / "missing.json"))


def containers(snapshot: Snapshot) -> tuple[Container, ...]:
    return tuple(
        msgspec.structs.replace(container, name="", id="", pid_mode="")
        for container in snapshot.containers
    )


def test_many_gives_every_container_an_id_and_a_name_of_its_own(path: str) -> None:
    snapshot = look(many(shop(), 7), path)

    assert len({container.id for container in snapshot.containers}) == 7
    assert all(re.fullmatch("[0-9a-f]{64}", c.id) for c in snapshot.containers)
    assert [container.name for container in snapshot.containers] == [
        "web-0",
        "side-0",
        "web-1",
        "side-1",
        "web-2",
        "side-2",
        "web-3",
    ]


def test_many_keeps_all_other_facts(path: str) -> None:
    once = containers(look(shop(), path))

    assert containers(look(many(shop(), 5), path)) == (*once, *once, once[0])


def test_many_keeps_references_within_a_turn(path: str) -> None:
    answers = dict(shop().answers)
    answers[f"/containers/{SIDE}/json"] = inspected(SIDE, "side", {"PidMode": f"container:{WEB}"})

    found = look(many(Recording(answers), 4), path).containers

    assert [c.pid_mode for c in found] == [
        "",
        f"container:{found[0].id}",
        "",
        f"container:{found[2].id}",
    ]


def test_many_can_be_dumped(tmp_path: Path, path: str) -> None:
    (tmp_path / "many.json").write_bytes(dump(many(shop(), 3)))

    assert look(load(str(tmp_path / "many.json")), path) == look(many(shop(), 3), path)


def test_nothing_cannot_be_multiplied() -> None:
    empty = Recording({"/containers/json?all=0": recorded([])})

    with pytest.raises(HullwardError, match="no running container"):
        many(empty, 1)


def test_requests_that_come_at_once_are_answered_in_order(path: str) -> None:
    questions = ("/_ping", "/version", "/nothing", "/_ping")
    with RecordedEngine(shop(), path) as served, socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        sock.sendall(b"".join(b"GET /v1.45%s HTTP/1.1\r\n\r\n" % q.encode() for q in questions))
        sock.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: sock.recv(65536), b""))

    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200", b"200", b"404", b"200"]
    assert b'{"message":"page not found: /nothing is not in the recording"}' in received
    assert served.asked == list(questions)


def test_a_head_request_has_the_header_alone(path: str) -> None:
    with RecordedEngine(shop(), path), socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        sock.sendall(b"HEAD /_ping HTTP/1.1\r\nConnection: close\r\n\r\n")
        received = b"".join(iter(lambda: sock.recv(65536), b""))

    assert received == (
        b"HTTP/1.1 200 OK\r\nApi-Version: 1.45\r\nContent-Type: text/plain\r\n"
        b"Content-Length: 2\r\n\r\n"
    )


def test_a_path_that_exists_is_not_taken(tmp_path: Path) -> None:
    taken = tmp_path / "s"
    taken.write_text("mine")

    with pytest.raises(HullwardError, match="cannot be listened on"):
        RecordedEngine(shop(), str(taken)).__enter__()

    assert taken.read_text() == "mine"


def test_the_socket_is_gone_afterwards(path: str) -> None:
    with RecordedEngine(shop(), path) as served:
        assert served.url == f"unix://{path}"
        assert Path(path).is_socket()

    assert not Path(path).exists()


@pytest.mark.parametrize(
    ("fault", "status", "kind", "body"),
    [
        (Fault.HTML, 200, "text/html", b"<html>"),
        (Fault.SERVER_ERROR, 500, "application/json", b'{"message":'),
        (Fault.NOT_FOUND, 404, "application/json", b'{"message":'),
        (Fault.GARBAGE, 200, "application/json", b'{"Id": not JSON'),
    ],
)
def test_a_fault_is_an_answer(fault: Fault, status: int, kind: str, body: bytes, path: str) -> None:
    with RecordedEngine(shop(), path, {"/info": fault}), client(path) as reader:
        version, info, networks = reader.get("/version", "/info", "/networks")

    assert (info.status, info.content_type) == (status, kind)
    assert info.body.startswith(body)
    assert version.ok
    assert networks.ok


def test_close_breaks_off_in_the_body(path: str) -> None:
    with (
        RecordedEngine(shop(), path, {"/_ping": Fault.CLOSE}),
        socket.socket(socket.AF_UNIX) as sock,
    ):
        sock.connect(path)
        sock.sendall(b"GET /_ping HTTP/1.1\r\n\r\n")
        received = b"".join(iter(lambda: sock.recv(65536), b""))

    assert received.endswith(b"Content-Length: 2\r\n\r\nO")


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.SLOW_DRIP])
def test_an_answer_that_does_not_end_is_bounded_by_the_deadline(fault: Fault, path: str) -> None:
    with (
        RecordedEngine(shop(), path, {"/info": fault}),
        client(path, 0.2) as reader,
        pytest.raises(HullwardError, match=r"did not answer within 0\.2 seconds"),
    ):
        list(reader.get("/version", "/info"))


def test_a_slow_drip_brings_the_whole_answer(path: str) -> None:
    with RecordedEngine(shop(), path, {"/_ping": Fault.SLOW_DRIP}), client(path) as reader:
        assert reader.negotiate() == "1.45"


def test_a_huge_answer_comes_until_the_client_goes(path: str) -> None:
    with (
        RecordedEngine(shop(), path, {"/info": Fault.HUGE}),
        socket.socket(socket.AF_UNIX) as sock,
    ):
        sock.connect(path)
        sock.sendall(b"GET /info HTTP/1.1\r\n\r\n")
        received = sock.recv(1000, socket.MSG_WAITALL)

        assert b"Content-Length: 100000000000\r\n" in received
        assert received.endswith(bytes(500))


def test_capture_is_a_command(path: str, tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    with RecordedEngine(shop(), path) as served:
        status = main(["capture", str(file), served.url, "--replace", "/home/ann=/srv"])

    assert status == 0
    assert load(str(file)) == captured(shop(), path, **{"/home/ann": "/srv"})


def test_a_command_that_cannot_do_its_work_says_why(
    path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["serve", f"{path}.json", path])

    assert status == 2
    assert "is not a recording" in capsys.readouterr().err


def test_serve_is_a_command_that_ends_with_a_signal(path: str, tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    file.write_bytes(dump(shop()))
    command = (sys.executable, "-m", "hullward.host.recorded", "serve", str(file), path)
    with subprocess.Popen(  # noqa: S603 - an argument tuple, no shell
        (*command, "--containers", "3"), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        said = process.stderr.readline()
        with client(path) as reader:
            snapshot = engine.collect(reader, "shop", NOW)
        process.terminate()

    assert said == f"Serving {file} on unix://{path}\n"
    assert [container.name for container in snapshot.containers] == ["web-0", "side-0", "web-1"]
    assert process.returncode == 0
    assert not Path(path).exists()
