"""A whole look at an engine in memory: what it cannot say is a gap, and never the end of it."""

import io
import json
import re
import tarfile
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fakes import FakeReader, answer, attempt, engine_with, inspected
from hullward.collect import engine, saved
from hullward.host.engine import Answer
from hullward.model.errors import HullwardError
from hullward.model.facts import (
    Container,
    Engine,
    Exec,
    Image,
    Network,
    Plugin,
    Snapshot,
    Unread,
    UnusedImages,
)

NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
WEB, DB = inspected("a" * 64, "web"), inspected("b" * 64, "db")
PASSWD = f"/containers/{'a' * 64}/archive?path=/etc/passwd"
IMAGE = f"/images/sha256:{'d' * 64}/json"
GARBAGE = Answer(200, "application/json", b"{]")
WRONG = answer(7)


def look(reader: FakeReader, *, stopped: bool = False) -> Snapshot:
    return engine.collect(reader, "web1", NOW, stopped=stopped)


def test_empty_engine_gives_an_empty_snapshot() -> None:
    assert look(FakeReader({})) == Snapshot(
        target="web1",
        collected_at="2026-11-24T12:30:00Z",
        engine=Engine("28.5.2", "1.51", security_options=("name=seccomp,profile=builtin",)),
        unused_images=UnusedImages(),
        networks=(),
        plugins=(),
    )


def test_engine_is_described_by_version_and_info() -> None:
    version = {
        "Version": "26.1.5",
        "KernelVersion": "6.12",
        "Components": [{"Name": "runc", "Version": "1.1.5"}],
    }
    info = {
        "SecurityOptions": ["name=userns"],
        "CgroupVersion": "2",
        "DockerRootDir": "/docker",
        "DefaultRuntime": "runc",
        "OperatingSystem": "Debian",
        "Warnings": ["w"],
        "Swarm": {"LocalNodeState": "active"},
    }
    found = look(FakeReader({"/version": answer(version), "/info": answer(info)}))

    assert found.engine == Engine(
        version="26.1.5",
        api="1.51",
        kernel="6.12",
        system="Debian",
        components={"runc": "1.1.5"},
        security_options=("name=userns",),
        cgroup_version="2",
        root_directory="/docker",
        default_runtime="runc",
        warnings=("w",),
        swarm="active",
    )


def test_containers_are_those_that_the_engine_runs() -> None:
    found = look(engine_with(WEB, DB))

    assert [container.name for container in found.containers] == ["web", "db"]
    assert found.unread == ()


@pytest.mark.parametrize(("stopped", "path"), [(False, "?all=0"), (True, "?all=1")])
def test_stopped_containers_are_asked_for_only_when_wanted(stopped: bool, path: str) -> None:  # noqa: FBT001
    reader = FakeReader({})
    look(reader, stopped=stopped)

    assert reader.asked[:2] == ["/volumes", f"/containers/json{path}"]


def test_images_without_a_container_are_counted_stopped_ones_included() -> None:
    images = [
        {"Id": "sha256:1", "RepoTags": ["web:1"], "Size": 1},
        {"Id": "sha256:2", "RepoTags": ["old:1"], "Size": 20},
        {"Id": "sha256:3", "RepoTags": ["<none>:<none>"], "Size": 300},
        {"Id": "sha256:4", "RepoTags": None, "Size": 4000},
        {"Id": "sha256:5", "RepoTags": [], "Size": 50000},
    ]
    owners = [{"Id": "a", "ImageID": "sha256:1"}, {"Id": "b", "ImageID": "sha256:5"}]
    answers = {"/images/json": answer(images), "/containers/json?all=1": answer(owners)}

    assert look(FakeReader(answers)).unused_images == UnusedImages(3, 4320, 2, 4300)


@pytest.mark.parametrize("path", ["/images/json", "/containers/json?all=1"])
@pytest.mark.parametrize("bad", [answer({}, 500), GARBAGE, WRONG])
def test_images_that_cannot_be_listed_are_a_gap(path: str, bad: Answer) -> None:
    found = look(FakeReader({path: bad}))

    assert found.unused_images is None
    assert list(found.gaps) == ["images/json"]


@pytest.mark.parametrize(
    "bad", [answer({}, 403), answer({}, 500), GARBAGE, WRONG, answer(None), answer([{"Id": 1}])]
)
def test_containers_that_cannot_be_listed_are_an_error(bad: Answer) -> None:
    with pytest.raises(HullwardError, match="containers"):
        look(FakeReader({"/containers/json?all=0": bad}))


@pytest.mark.parametrize("source", ["version", "info", "volumes", "networks", "plugins"])
@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (answer({"message": "no"}, 403), "the engine answered 403: no"),
        (answer({}, 500), "the engine answered 500"),
        (answer({}, 404), "the engine answered 404"),
        (GARBAGE, "cannot be read: "),
        (WRONG, "cannot be read: Expected `"),
        (answer("x"), "cannot be read: Expected `"),
        (Answer(200, "text/html", b"<html>"), "cannot be read: "),
        (Answer(200, "", b""), "cannot be read: Input data was truncated"),
        (Answer(200, "", b"\xff"), "cannot be read: "),
    ],
)
def test_source_that_cannot_be_read_is_a_gap_beside_the_containers(
    source: str, bad: Answer, why: str
) -> None:
    found = look(engine_with(WEB, **{source: bad}))

    assert list(found.gaps) == [source]
    assert why in found.gaps[source]
    assert [container.name for container in found.containers] == ["web"]


def test_what_was_not_read_is_none_and_not_empty() -> None:
    closed = answer({}, 403)
    found = look(engine_with(WEB, info=closed, networks=closed, plugins=closed))

    assert (found.networks, found.plugins) == (None, None)
    assert found.engine
    assert found.engine.security_options is None


def test_volumes_that_were_not_read_leave_their_mounts_unknown() -> None:
    mount = {"Type": "volume", "Name": "v", "Destination": "/x"}
    found = look(engine_with(inspected(Mounts=[mount]), volumes=answer({}, 500)))

    assert [m.source for m in found.containers[0].mounts] == [None]


def test_volumes_may_be_null() -> None:
    assert look(FakeReader({"/volumes": answer({"Volumes": None})})).gaps == {}


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (answer({}, 404), "it disappeared while it was looked at"),
        (answer({"message": "broken"}, 500), "the engine answered 500: broken"),
        (GARBAGE, "the engine's description of it cannot be read: JSON is malformed: "),
        (WRONG, "the engine's description of it cannot be read: Expected `object`, got `int`"),
        (Answer(200, "", b"[" * 9999), "the engine's description of it cannot be read: "),
        (Answer(200, "", b'{"Id": "\xff"}'), "the engine's description of it cannot be read: "),
    ],
)
def test_one_container_that_cannot_be_read_is_unknown_and_the_others_are_reported(
    bad: Answer, why: str
) -> None:
    reader = engine_with(WEB, DB)
    reader.answers[f"/containers/{'a' * 64}/json"] = bad
    found = look(reader)

    assert [container.name for container in found.containers] == ["db"]
    assert [(u.name, u.id) for u in found.unread] == [("web", "a" * 64)]
    assert found.unread[0].reason.startswith(why)


@pytest.mark.parametrize(
    ("names", "name"),
    [(["/web"], "web"), (["/db/alias", "/web"], "web"), ([], "a" * 12), (None, "a" * 12)],
)
def test_unread_container_has_its_own_name(names: object, name: str) -> None:
    listing = answer([{"Id": "a" * 64, "Names": names}])
    found = look(FakeReader({"/containers/json?all=0": listing}))

    assert found.unread == (Unread(name, "a" * 64, "it disappeared while it was looked at"),)


def test_hostile_id_stays_within_its_path() -> None:
    reader = FakeReader({"/containers/json?all=0": answer([{"Id": "../info?x=#\r\nX: y"}])})
    look(reader)

    assert "/containers/..%2Finfo%3Fx%3D%23%0D%0AX%3A%20y/json" in reader.asked


def test_images_are_read_once_each() -> None:
    image: dict[str, object] = {
        "Id": "x",
        "RepoTags": ["shop/web:1"],
        "RepoDigests": None,
        "Created": "2026-01-01T00:00:00Z",
        "Config": {"ExposedPorts": {"80/tcp": {}, "443/tcp": {}}},
    }
    reader = engine_with(WEB, DB)
    reader.answers[IMAGE] = answer(image)
    found = look(reader)

    assert reader.asked.count(IMAGE) == 1
    assert found.images == {
        "sha256:" + "d" * 64: Image(
            "sha256:" + "d" * 64,
            ("shop/web:1",),
            (),
            "2026-01-01T00:00:00Z",
            ("443/tcp", "80/tcp"),
        )
    }


@pytest.mark.parametrize("bad", [answer({}, 404), answer({}, 500), GARBAGE, WRONG])
def test_image_that_cannot_be_read_is_left_out(bad: Answer) -> None:
    reader = engine_with(WEB)
    reader.answers[IMAGE] = bad

    assert look(reader).images == {}


def test_networks_and_plugins_are_read_in_order_of_their_names() -> None:
    networks = [
        {
            "Name": "shop",
            "Driver": "bridge",
            "Internal": True,
            "Options": {"com.docker.network.bridge.enable_icc": "false"},
        },
        {"Name": "mesh", "Driver": "overlay", "Options": {"encrypted": ""}},
        {"Name": "open", "Driver": "overlay", "Options": None},
    ]
    plugin = {
        "Name": "sshfs",
        "Enabled": True,
        "Config": {
            "Linux": {"Capabilities": ["CAP_SYS_ADMIN"], "AllowAllDevices": True},
            "Network": {"Type": "host"},
        },
        "Settings": {"Mounts": [{"Source": "/"}, {"Source": None}]},
    }
    found = look(
        FakeReader({"/networks": answer(networks), "/plugins": answer([plugin, {"Name": "bare"}])})
    )

    assert found.networks == (
        Network("mesh", "overlay", encrypted=True),
        Network("open", "overlay", encrypted=False),
        Network("shop", internal=True, talk=False),
    )
    assert found.plugins == (
        Plugin("bare", enabled=False),
        Plugin(
            "sshfs",
            enabled=True,
            capabilities=("CAP_SYS_ADMIN",),
            all_devices=True,
            host_network=True,
            mounts=("/",),
        ),
    )


def archive(text: bytes, **changes: object) -> Answer:
    """Give /etc/passwd as the engine does."""
    member = tarfile.TarInfo("passwd")
    member.size = len(text)
    for name, value in changes.items():
        setattr(member, name, value)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(member, io.BytesIO(text))
    return Answer(200, "application/x-tar", buffer.getvalue())


def resolved(user: str, passwd: Answer, **more: object) -> tuple[int | None, str]:
    reader = engine_with(inspected(config={"User": user}, **more))  # type: ignore[arg-type]
    reader.answers[PASSWD] = passwd
    (container,) = look(reader).containers
    return container.uid, container.uid_gap


PEOPLE = b"""\
root:x:0:0::/:/bin/sh
toor:x:0:0::/:/bin/sh
app:x:1000:1000::/:/bin/sh
twice:x:11:11::/:/bin/sh
twice:x:0:0::/:/bin/sh
# comment
 spaced:x:9:9::/:/bin/sh
plus:x:+7:7::/:/bin/sh
word:x:abc:7::/:/bin/sh
empty:x::7::/:/bin/sh
short:x
\xff\xfe:x:1:1::/:
"""


# What docker 28.5 takes each of them for.
@pytest.mark.parametrize(
    ("user", "uid"),
    [
        ("toor", 0),
        ("app", 1000),
        ("app:root", 1000),
        ("twice", 11),
        ("spaced", 9),
        ("plus", 7),
        ("word", 0),
        ("empty", 0),
        ("short", 0),
    ],
)
def test_user_by_name_is_looked_up_in_the_container(user: str, uid: int) -> None:
    assert resolved(user, archive(PEOPLE)) == (uid, "")


@pytest.mark.parametrize(
    ("passwd", "gap"),
    [
        (archive(PEOPLE), "/etc/passwd of the container has no user 'nobody'"),
        (archive(b""), "/etc/passwd of the container has no user 'nobody'"),
        (answer({"message": "gone"}, 404), ("/etc/passwd of the container: "
         "the engine answered 404: gone")),
        (answer({}, 403), "/etc/passwd of the container: the engine answered 403"),
        (archive(b"", type=tarfile.SYMTYPE, linkname="/nix/passwd"),
         "/etc/passwd of the container is a link to '/nix/passwd'"),
        (archive(b"", type=tarfile.SYMTYPE, linkname="\udcff\x1b"),
         "/etc/passwd of the container is a link to '\\udcff\\x1b'"),
        (archive(b"", type=tarfile.DIRTYPE), "/etc/passwd of the container is no file"),
        (archive(b"", type=tarfile.CHRTYPE), "/etc/passwd of the container is no file"),
        (Answer(200, "", b"root:x:0:0"), "/etc/passwd of the container came as a damaged archive"),
        (Answer(200, "", b""), "/etc/passwd of the container came as a damaged archive"),
        (Answer(200, "", bytes(10240)), "/etc/passwd of the container is no file"),
        (archive(bytes(range(256)) * 99), "/etc/passwd of the container has no user 'nobody'"),
        (archive(b"nobody" * 10**6), "/etc/passwd of the container has no user 'nobody'"),
    ],
)  # fmt: skip
def test_user_that_cannot_be_looked_up_says_why(passwd: Answer, gap: str) -> None:
    assert resolved("nobody", passwd) == (None, gap)


def test_uid_of_a_thousand_digits_is_no_number() -> None:
    assert resolved("app", archive(b"app:x:" + b"9" * 10_000)) == (0, "")


@pytest.mark.parametrize("target", ["/etc/passwd", "/etc"])
def test_user_is_not_looked_up_in_a_file_that_hides_that_of_the_image(target: str) -> None:
    mount = {"Type": "bind", "Source": "/x", "Destination": target}

    assert resolved("toor", archive(PEOPLE), Mounts=[mount]) == (
        None,
        "a mount hides /etc/passwd of its image",
    )


def test_user_is_looked_up_beside_another_mount() -> None:
    mount = {"Type": "bind", "Source": "/x", "Destination": "/etc/passwd2"}

    assert resolved("app", archive(PEOPLE), Mounts=[mount]) == (1000, "")


@given(st.binary(max_size=2000))
@example(archive(b"app:x:1:1").body[:600])
def test_any_archive_gives_a_uid_or_a_reason(body: bytes) -> None:
    uid, gap = resolved("app", Answer(200, "", body))

    assert (uid is None) == bool(gap)


@given(st.integers(0, 511), st.binary(min_size=1, max_size=12))
def test_archive_that_is_damaged_anywhere_gives_a_uid_or_a_reason(at: int, bytes_: bytes) -> None:
    body = bytearray(archive(PEOPLE).body)
    body[at : at + len(bytes_)] = bytes_
    uid, gap = resolved("app", Answer(200, "", bytes(body)))

    assert (uid is None) == bool(gap)


def with_execs(*sessions: Answer) -> Container:
    ids = [f"e{i}" for i in range(len(sessions))]
    reader = engine_with(inspected(ExecIDs=ids), DB)
    reader.answers |= {f"/exec/{id_}/json": one for id_, one in zip(ids, sessions, strict=True)}
    return look(reader).containers[0]


def session(user: str, *, privileged: bool = False, running: bool = True) -> Answer:
    process = {"user": user, "privileged": privileged, "arguments": ["hunter2"]}
    return answer({"Running": running, "ProcessConfig": process})


def test_running_exec_sessions_are_seen() -> None:
    container = with_execs(
        session("root", privileged=True), session("app", running=False), session("")
    )

    assert container.execs == (Exec("root", privileged=True), Exec(""))


def test_exec_session_that_ended_in_between_is_no_gap() -> None:
    assert with_execs(session("app"), answer({}, 404)).execs == (Exec("app"),)


@pytest.mark.parametrize("bad", [answer({}, 403), answer({}, 500), GARBAGE, WRONG])
def test_exec_session_that_cannot_be_read_makes_them_unknown(bad: Answer) -> None:
    assert with_execs(session("app"), bad).execs is None


def test_users_and_sessions_of_several_containers_are_not_mixed_up() -> None:
    a, b, c = (
        inspected("a" * 64, "a", config={"User": "app"}, ExecIDs=["ea"]),
        inspected("b" * 64, "b"),
        inspected("c" * 64, "c", config={"User": "toor"}, ExecIDs=["ec"]),
    )
    reader = engine_with(a, b, c)
    reader.answers |= {
        PASSWD: archive(PEOPLE),
        PASSWD.replace("a" * 64, "c" * 64): archive(PEOPLE),
        "/exec/ea/json": session("one"),
        "/exec/ec/json": session("two"),
    }
    found = look(reader).containers

    assert [(x.uid, x.execs) for x in found] == [
        (1000, (Exec("one"),)),
        (0, ()),
        (0, (Exec("two"),)),
    ]


SOURCES = (
    "/version",
    "/info",
    "/containers/json?all=0",
    "/volumes",
    "/networks",
    "/plugins",
    f"/containers/{'a' * 64}/json",
    IMAGE,
    PASSWD,
    "/exec/e0/json",
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Id", "Name", "Names", "Version", "Volumes", "Options", "Driver"]),
            children,
            max_size=3,
        )
    ),
    max_leaves=8,
)
bodies = st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode())


@given(st.sampled_from(SOURCES), bodies, st.sampled_from([200, 301, 403, 404, 500]))
@example("/info", b"[" * 9999, 200)
@example("/version", b'{"Version": "\\ud800"}', 200)
@example("/networks", b'[{"Name": "x", "Options": {"a": 9}}]', 200)
@example(f"/containers/{'a' * 64}/json", b"9" * 9999, 200)
def test_any_answer_to_any_question_gives_a_snapshot_or_one_error(
    source: str, body: bytes, status: int
) -> None:
    reader = engine_with(inspected(config={"User": "app"}, ExecIDs=["e0"]), DB)
    reader.answers[source] = Answer(status, "application/json", body)
    result = attempt(lambda: look(reader))

    if isinstance(result, Snapshot):
        assert saved.load(saved.dump([result]), "f") == (result,)
    else:
        assert isinstance(result, HullwardError)
        assert result.advice


def test_no_question_changes_anything() -> None:
    reader = engine_with(inspected(config={"User": "app"}, ExecIDs=["e0"]), DB)
    look(reader)

    kinds = {re.split(r"[/?]", path)[1] for path in reader.asked}

    assert kinds == {
        "version", "info", "containers", "volumes", "networks", "plugins", "images", "exec",
    }  # fmt: skip


def test_for_containers_alone_no_version_history_or_unused_image_is_asked() -> None:
    info = {"ServerVersion": "26.1.5", "KernelVersion": "6.12", "SecurityOptions": []}
    reader = FakeReader({"/info": answer(info)})
    found = engine.collect(reader, "web1", NOW, whole=False)

    assert found.engine is not None
    assert (found.engine.version, found.engine.kernel) == ("26.1.5", "6.12")
    assert not {"/version", "/images/json", "/containers/json?all=1"} & set(reader.asked)
