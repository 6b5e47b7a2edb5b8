"""What the engine says of one container, read into facts."""

import json
from collections.abc import Mapping
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import inspected
from hullward.collect import containers, wire
from hullward.model.facts import Container, Device, Mount, Port

Volumes = Mapping[str, Mapping[str, str]]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=9), children, max_size=3)
    ),
    max_leaves=8,
)


def parsed(volumes: Volumes | None = None, **more: object) -> Container:
    body = json.dumps(inspected(**more)).encode()  # type: ignore[arg-type]
    return containers.parse(body, {} if volumes is None else volumes)


def test_least_that_an_engine_says_is_enough() -> None:
    assert containers.parse(json.dumps(inspected()).encode(), {}) == Container(
        name="web",
        id="a" * 64,
        image="shop/web:1",
        image_id="sha256:" + "d" * 64,
        program="sleep",
        ipc_mode="",
        cgroupns_mode="",
        health="none",
        pid=4711,
    )


@pytest.mark.parametrize("missing", ["Id", "Name", "Config", "HostConfig", "State"])
def test_what_lacks_a_needed_part_is_no_container(missing: str) -> None:
    value = inspected()
    del value[missing]

    with pytest.raises(msgspec.ValidationError):
        containers.parse(json.dumps(value).encode(), {})


@pytest.mark.parametrize(
    ("user", "uid"),
    [
        ("", 0),
        ("root", 0),
        ("0", 0),
        ("0:0", 0),
        ("root:root", 0),
        ("root:app", 0),
        ("00", 0),
        ("+0", 0),
        ("-0", 0),
        (":5", 0),
        ("1000", 1000),
        ("1000:0", 1000),
        ("+7", 7),
        ("4294967295", 4294967295),
        ("app", None),
        ("toor", None),
        ("app:0", None),
        ("0x0", None),
        (" 0", None),
        ("0 ", None),
        ("\N{ARABIC-INDIC DIGIT ZERO}", None),
        ("99999999999", None),
    ],
)
def test_user_is_a_uid_where_the_engine_takes_it_for_one(user: str, uid: int | None) -> None:
    container = parsed(config={"User": user})

    assert (container.user, container.uid) == (user, uid)


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        (None, ()),
        ([], ()),
        (["PATH=/bin", "EMPTY=", "PASSWORD=a=b"], ("PATH", "EMPTY", "PASSWORD")),
        (["NOVALUE", "=value", ""], ()),
        (["A B=c", "A\nB=c"], ("A", "A")),
        (["x" * 300 + "=1"], ("x" * 200,)),
    ],
)
def test_variables_are_kept_by_name(entries: object, names: tuple[str, ...]) -> None:
    assert parsed(config={"Env": entries}).environment == names


def test_labels_are_kept_only_where_hullward_reads_them() -> None:
    labels = {"com.docker.compose.service": "web", "password": "hunter2"}

    assert parsed(config={"Labels": labels}).labels == {"com.docker.compose.service": "web"}


@pytest.mark.parametrize(
    ("options", "kept", "action"),
    [
        (None, (), ""),
        (["no-new-privileges"], ("no-new-privileges",), ""),
        (["no-new-privileges:false"], ("no-new-privileges:false",), ""),
        (["seccomp=unconfined"], ("seccomp=unconfined",), ""),
        (['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}'], ("seccomp=custom",), "SCMP_ACT_ALLOW"),
        (['seccomp:{"defaultAction":"SCMP_ACT_ERRNO"}'], ("seccomp=custom",), "SCMP_ACT_ERRNO"),
        (["seccomp={"], ("seccomp=custom",), ""),
        (['seccomp={"defaultAction":1}'], ("seccomp=custom",), ""),
        (["seccomp=" + '{"a":' * 9999], ("seccomp=custom",), ""),
        (["label=disable", "apparmor=x"], ("label=disable", "apparmor=x"), ""),
    ],
)
def test_security_options_are_kept_and_a_profile_is_one_word(
    options: object, kept: tuple[str, ...], action: str
) -> None:
    container = parsed(host={"SecurityOpt": options})

    assert (container.security_opt, container.seccomp_default_action) == (kept, action)


@pytest.mark.parametrize(
    ("bindings", "ports"),
    [
        (None, ()),
        ({"80/tcp": None}, ()),
        ({"80/tcp": []}, ()),
        (
            {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8888"}]},
            (Port(80, "tcp", "127.0.0.1", 8888),),
        ),
        ({"53/udp": [{"HostIp": "", "HostPort": ""}]}, (Port(53, "udp"),)),
        (
            {
                "80/tcp": [
                    {"HostIp": "::", "HostPort": "32768"},
                    {"HostIp": "0.0.0.0", "HostPort": "32769"},  # noqa: S104 - compared
                ]
            },
            (Port(80, "tcp", "0.0.0.0", 32769), Port(80, "tcp", "::", 32768)),  # noqa: S104
        ),
        ({"80/sctp": [{}], "22": [{}]}, (Port(22, "tcp"), Port(80, "sctp"))),
        ({"80-90/tcp": [{}], "x/tcp": [{}], "": [{}], "٣/tcp": [{}]}, ()),
        ({"80/tcp": [{"HostPort": "8000-8010"}]}, (Port(80, "tcp"),)),
        ({"9" * 5000: [{}]}, ()),
        ({"80/tcp": [{"HostPort": "9" * 5000}]}, (Port(80, "tcp"),)),
    ],
)
def test_ports_are_read_where_they_are_and_where_they_are_wished(
    bindings: object, ports: tuple[Port, ...]
) -> None:
    container = parsed(NetworkSettings={"Ports": bindings}, host={"PortBindings": bindings})

    assert (container.ports, container.wished_ports) == (ports, ports)


def test_networks_are_kept_by_name() -> None:
    networks = {"front": {"IPAddress": "10.0.0.2"}, "back": None}

    assert parsed(NetworkSettings={"Networks": networks}).networks == ("back", "front")


def mounts(volumes: Volumes | None, *raw: object) -> tuple[Mount, ...]:
    body = json.dumps(inspected(Mounts=raw)).encode()
    return containers.parse(body, volumes).mounts


def test_bind_shows_its_source() -> None:
    bind = {
        "Type": "bind",
        "Source": "/etc",
        "Destination": "/x",
        "RW": False,
        "Propagation": "rprivate",
    }

    assert mounts({}, bind) == (Mount("bind", "/x", "/etc", False, "rprivate"),)  # noqa: FBT003


def test_tmpfs_and_image_mounts_show_no_path_of_the_host() -> None:
    raw = [{"Type": kind, "Source": "/y", "Destination": "/x"} for kind in ("image", "tmpfs")]

    assert mounts({}, *raw) == (Mount("image", "/x"), Mount("tmpfs", "/x"))


def test_mounts_are_in_order_whatever_the_engine_does() -> None:
    raw = [{"Type": "tmpfs", "Destination": target} for target in ("/b", "/a", "/c")]

    assert [mount.target for mount in mounts({}, *raw)] == ["/a", "/b", "/c"]


VOLUME = {"Type": "volume", "Name": "v", "Source": "/docker/v", "Destination": "/x", "RW": True}


def shown(options: Mapping[str, str], **more: object) -> list[tuple[str | None, bool]]:
    """Give the paths that a volume with these options shows, and whether they are writable."""
    found = mounts({"v": options} if options else {}, {**VOLUME, "Driver": "local", **more})
    return [(mount.source, mount.writable) for mount in found]


@pytest.mark.parametrize(
    ("options", "paths"),
    [
        ({}, [("", True)]),
        ({"type": "none", "o": "bind", "device": "/etc"}, [("/etc", True)]),
        ({"type": "none", "o": "rbind,ro", "device": "/etc"}, [("/etc", False)]),
        ({"o": "bind", "device": "/etc"}, [("/etc", True)]),
        # All of these show /etc on a real engine.
        ({"type": "none", "o": "bind", "device": "etc"}, [("/etc", True)]),
        ({"type": "none", "o": "bind", "device": "//etc"}, [("/etc", True)]),
        ({"type": "overlay", "o": "bind", "device": "/etc"}, [("/etc", True)]),
        ({"type": "xfs", "o": "noatime,bind", "device": "/etc"}, [("/etc", True)]),
        (
            {"type": "overlay", "device": "overlay", "o": "lowerdir=/mnt:/etc"},
            [("/mnt", False), ("/etc", False)],
        ),
        (
            {"type": "overlay", "o": "lowerdir=/l,upperdir=/etc,workdir=/w"},
            [("/etc", True), ("/l", False)],
        ),
        ({"type": "overlay", "o": "lowerdir="}, [("", True)]),
        ({"type": "ext4", "device": "/dev/sda1"}, [("/dev/sda1", True)]),
        ({"type": "ext4", "device": "/dev/sda1", "o": "ro"}, [("/dev/sda1", False)]),
        ({"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}, [("", True)]),
        ({"type": "nfs", "device": ":/export", "o": "addr=10.0.0.1"}, [("", True)]),
        ({"type": "cifs", "device": "//nas/share", "o": "username=me"}, [("", True)]),
    ],
)
def test_volume_shows_the_paths_of_the_host_that_its_options_hide(
    options: Mapping[str, str], paths: list[tuple[str, bool]]
) -> None:
    assert shown(options) == paths


def test_read_only_mount_of_a_writable_volume_is_read_only() -> None:
    assert shown({"o": "bind", "device": "/etc"}, RW=False) == [("/etc", False)]


def test_options_of_another_driver_are_not_those_of_mount() -> None:
    assert shown({"o": "bind", "device": "/etc"}, Driver="nfs-plugin") == [("", True)]


def test_volume_is_not_known_where_the_volumes_were_not_read() -> None:
    assert mounts(None, VOLUME) == (Mount("volume", "/x", None, volume="v"),)


@pytest.mark.parametrize(
    ("options", "credentials"),
    [
        ({"type": "cifs", "o": "username=me,password=x", "device": "//nas/x"}, True),
        ({"o": "passwd=x"}, True),
        ({"o": "password="}, False),
        ({"o": "credentials=/etc/cred"}, False),
        ({"o": "addr=10.0.0.1,rw", "type": "nfs", "device": ":/x"}, False),
        ({"device": "https://me:secret@nas/x"}, True),
        ({"device": "//nas/a:b"}, False),
        ({"token": "x"}, True),
        ({"access_key": "x"}, True),
    ],
)
def test_volume_tells_that_its_options_hold_credentials(
    options: Mapping[str, str], credentials: object
) -> None:
    (mount,) = mounts({"v": options}, {**VOLUME, "Driver": "local"})

    assert mount.credentials == credentials


def test_limits_are_read() -> None:
    container = parsed(
        host={"Memory": 64, "NanoCpus": 5, "PidsLimit": 50, "Ulimits": [{"Name": "n"}]}
    )

    assert (container.memory, container.cpu_limited, container.pids) == (64, True, 50)
    assert container.ulimits == ("n",)


@pytest.mark.parametrize("value", [None, 0, -1])
def test_no_limit_of_processes_is_zero(value: int | None) -> None:
    assert parsed(host={"PidsLimit": value}).pids == 0


@pytest.mark.parametrize("name", ["NanoCpus", "CpuQuota", "CpuShares"])
def test_any_limit_of_the_processor_counts(name: str) -> None:
    assert parsed(host={name: 1}).cpu_limited


@pytest.mark.parametrize(
    ("host", "cores"),
    [
        ({}, 0),
        ({"NanoCpus": 1_500_000_000}, 1.5),
        ({"CpuQuota": 50_000}, 0.5),
        ({"CpuQuota": 20_000, "CpuPeriod": 10_000}, 2),
        ({"CpuQuota": -1}, 0),
        ({"CpuShares": 512}, 0),
    ],
)
def test_the_cores_that_it_may_keep_busy_are_counted(host: dict[str, int], cores: float) -> None:
    assert parsed(host=host).cores == cores


def test_devices_are_read() -> None:
    container = parsed(
        host={
            "Devices": [{"PathOnHost": "/dev/kvm", "CgroupPermissions": "r"}],
            "DeviceCgroupRules": ["c 1:3 r"],
            "DeviceRequests": [{"Driver": "nvidia", "Capabilities": [["gpu", "compute"]]}, {}],
        }
    )

    assert container.devices == (Device("/dev/kvm", "r"),)
    assert container.device_rules == ("c 1:3 r",)
    assert container.device_requests == ("nvidia compute gpu", "")


@pytest.mark.parametrize(
    ("config", "state", "health"),
    [
        ({}, {}, "none"),
        ({"Healthcheck": {"Test": ["NONE"]}}, {}, "none"),
        ({"Healthcheck": {"Test": []}}, {}, "none"),
        ({"Healthcheck": {"Test": ["CMD", "x"]}}, {"Health": {"Status": "healthy"}}, "healthy"),
        ({"Healthcheck": {"Test": ["CMD", "x"]}}, {}, "defined"),
    ],
)
def test_health_is_that_of_the_check(
    config: Mapping[str, object], state: Mapping[str, object], health: str
) -> None:
    assert parsed(config=config, State={"Status": "running", **state}).health == health


@pytest.mark.parametrize("paths", [None, [], ["/proc/kcore"]])
def test_paths_that_are_not_masked_differ_from_paths_not_told(paths: list[str] | None) -> None:
    expected = None if paths is None else tuple(paths)

    assert parsed(host={"MaskedPaths": paths}).masked_paths == expected


@pytest.mark.parametrize(
    ("arguments", "listens", "verifies"),
    [
        (["-H", "tcp://0.0.0.0:2375"], ("tcp://0.0.0.0:2375",), False),
        (["--host=tcp://[::]:2376", "--tlsverify"], ("tcp://[::]:2376",), True),
        (["-Htcp://:1"], ("tcp://:1",), False),
        (["-H", "tcp://me:hunter2@host"], (), False),
        (["--tlsverify=false", "unix:///x"], (), False),
        (None, (), False),
    ],
)
def test_address_of_an_engine_inside_is_seen_in_its_arguments(
    arguments: object, listens: tuple[str, ...], verifies: object
) -> None:
    container = parsed(Args=arguments)

    assert (container.api_listens, container.api_verifies) == (listens, verifies)


def test_program_is_the_last_part_of_the_path() -> None:
    assert parsed(Path="/opt/my app/serve").program == "serve"


def test_running_execs_are_not_known_before_they_are_asked_for() -> None:
    body = json.dumps(inspected(ExecIDs=["e1"])).encode()

    assert containers.parse(body, {}).execs is None
    assert containers.exec_ids(body) == ("e1",)
    assert parsed(ExecIDs=None).execs == ()


FIELDS = [
    (part, field.encode_name)
    for part, kind in (
        ("Config", wire.Config),
        ("HostConfig", wire.HostConfig),
        ("State", wire.State),
        ("", wire.Inspect),
    )
    for field in msgspec.structs.fields(kind)
]


@given(st.sampled_from(FIELDS), json_values)
def test_any_value_of_any_field_is_a_container_or_refused(
    place: tuple[str, str], value: object
) -> None:
    whole = inspected()
    part = whole[place[0]] if place[0] else whole
    assert isinstance(part, dict)
    part[place[1]] = value
    result: object = None
    with suppress(msgspec.MsgspecError):
        result = containers.parse(json.dumps(whole).encode(), {})

    assert result is None or isinstance(result, Container)
