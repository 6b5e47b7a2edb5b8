import pytest

from builders import Facts, ask, best, engine, evidence, fail, reasons
from hullward.model.facts import Container, Mount
from hullward.model.rule import ContainerRule, Fail, Unknown
from hullward.model.severity import Severity
from hullward.rules.containers import mounts

SOCKET = Mount("bind", "/var/run/docker.sock", "/var/run/docker.sock")
UNREAD = Mount("volume", "/data", None, volume="data")


def bind(source: str, *, writable: bool = True) -> Container:
    return Container("web", mounts=(Mount("bind", "/x", source, writable),))


@pytest.mark.parametrize(
    ("source", "writable", "said"),
    [
        pytest.param("/run/docker.sock", True, "/run/docker.sock:/x", id="socket"),
        pytest.param("/var/run/docker.sock", True, "/var/run/docker.sock:/x", id="by a link"),
        pytest.param(
            "/run/docker.sock",
            False,
            "/run/docker.sock:/x:ro; read-only does not protect a socket",
            id="read-only",
        ),
        pytest.param(
            "/",
            False,
            "/:/x:ro, which holds /run/docker.sock; read-only does not protect a socket",
            id="the whole host",
        ),
        pytest.param("/run", True, "/run:/x, which holds /run/docker.sock", id="folder"),
        pytest.param(
            "/run/user/1000",
            True,
            "/run/user/1000:/x, which holds /run/user/1000/docker.sock",
            id="rootless",
        ),
        pytest.param("/srv/podman.sock", True, "/srv/podman.sock:/x", id="elsewhere"),
    ],
)
def test_engine_socket_fires_for_a_socket_or_a_folder_that_holds_one(
    source: str, *, writable: bool, said: str
) -> None:
    answer = fail(ask(mounts.engine_socket, bind(source, writable=writable)))

    assert (answer.evidence, answer.severity) == (said, None)


def test_engine_socket_sees_through_a_volume() -> None:
    volume = Mount("volume", "/x", "/run", volume="innocent", filesystem="none")

    assert evidence(ask(mounts.engine_socket, Container("web", mounts=(volume,)))) == [
        "/run:/x (volume innocent), which holds /run/docker.sock"
    ]


def test_engine_socket_is_silent_for_other_paths_volumes_and_tmpfs() -> None:
    container = Container(
        "web",
        mounts=(
            Mount("bind", "/run/docker.sock", "/srv/app"),
            Mount("volume", "/var/run", "", volume="data"),
            Mount("tmpfs", "/run"),
        ),
    )

    assert ask(mounts.engine_socket, container) == []


@pytest.mark.parametrize(
    "rule",
    [
        mounts.engine_socket,
        mounts.sensitive_bind,
        mounts.volume_hides_bind,
        mounts.volume_credentials,
    ],
    ids=lambda rule: rule.id,
)
def test_volumes_that_could_not_be_read_are_unknown(rule: ContainerRule) -> None:
    container = Container("web", mounts=(UNREAD,))

    assert ask(rule, container) == [
        Unknown("what the volumes data stand for is not known: volumes were not read")
    ]
    assert reasons(ask(rule, container, gaps={"volumes": "/volumes: refused"})) == [
        "what the volumes data stand for is not known: /volumes: refused"
    ]


def test_engine_api_fires_for_an_engine_inside_that_listens_without_tls() -> None:
    open_ = Container("dind", api_listens=("tcp://0.0.0.0:2375",))

    assert ask(mounts.engine_api, open_) == [
        Fail(
            "it runs an engine that listens on tcp://0.0.0.0:2375 without TLS",
            Severity.HIGH,
        )
    ]


def test_engine_api_is_worse_beside_a_container_with_the_socket() -> None:
    web = Container("web", environment=("DOCKER_HOST",), networks=("shop",))
    proxy = Container("proxy", mounts=(SOCKET,), networks=("shop",))

    alone, beside = ask(mounts.engine_api, web), ask(mounts.engine_api, web, proxy)

    assert alone == [Fail("DOCKER_HOST points it at an engine")]
    assert beside == [
        Fail("DOCKER_HOST points it at an engine, and shares a network with proxy", Severity.HIGH)
    ]


def test_engine_api_is_silent_with_tls_or_without_any() -> None:
    verified = Container("dind", api_listens=("tcp://0.0.0.0:2376",), api_verifies=True)

    assert ask(mounts.engine_api, verified) == []
    assert ask(mounts.engine_api, Container("web")) == []


@pytest.mark.parametrize(
    ("source", "writable", "severity"),
    [
        ("/", True, Severity.CRITICAL),
        ("/", False, Severity.HIGH),
        ("/etc", True, Severity.CRITICAL),
        ("/root/.ssh", False, Severity.HIGH),
        ("/etc/nginx", True, Severity.HIGH),
        ("/etc/nginx", False, Severity.LOW),
        ("/var/log", True, Severity.MEDIUM),
        ("/mnt/docker/volumes", True, Severity.CRITICAL),
    ],
)
def test_sensitive_bind_is_graded_by_path_and_mode(
    source: str, *, writable: bool, severity: Severity
) -> None:
    moved = engine(root_directory="/mnt/docker")

    answer = fail(ask(mounts.sensitive_bind, bind(source, writable=writable), engine=moved))

    assert answer.severity is severity


def test_sensitive_bind_says_what_it_opens() -> None:
    volume = Mount("volume", "/x", "/etc", writable=False, volume="conf", filesystem="none")

    assert ask(mounts.sensitive_bind, Container("web", mounts=(volume,))) == [
        Fail(
            "/etc:/x:ro (volume conf) opens the host's settings and password hashes",
            Severity.HIGH,
            "Run web anew without: -v conf:/x:ro",
        )
    ]


def test_sensitive_bind_believes_the_path_and_not_the_type_of_a_volume() -> None:
    """The kernel ignores the type of a bind: `-o type=ext4 -o o=bind -o device=/etc` is /etc."""
    volume = Mount("volume", "/x", "/etc", volume="conf", filesystem="ext4")

    answer = fail(ask(mounts.sensitive_bind, Container("web", mounts=(volume,))))

    assert answer.severity is Severity.CRITICAL


@pytest.mark.parametrize(
    "mount",
    [
        pytest.param(Mount("bind", "/x", "/srv/app"), id="a path like any other"),
        pytest.param(Mount("bind", "/x", "/etc/localtime", writable=False), id="the time zone"),
        pytest.param(Mount("volume", "/etc", "", volume="data"), id="a volume at /etc"),
        pytest.param(
            Mount("volume", "/x", "/dev/sdb1", volume="disk", filesystem="ext4"), id="a disk"
        ),
    ],
)
def test_sensitive_bind_is_silent_for_what_opens_nothing(mount: Mount) -> None:
    assert ask(mounts.sensitive_bind, Container("web", mounts=(mount,))) == []


@pytest.mark.parametrize(
    ("mount", "expected"),
    [
        pytest.param(
            Mount("volume", "/x", "/srv/app", volume="data", filesystem="none"),
            Fail("volume data at /x is the host's /srv/app"),
            id="a path",
        ),
        pytest.param(
            Mount("volume", "/x", "/dev/sdb1", volume="data", filesystem="ext4"),
            Fail(
                "volume data at /x is the ext4 file system on /dev/sdb1",
                Severity.HIGH,
            ),
            id="a disk",
        ),
    ],
)
def test_volume_hides_bind_says_what_the_volume_is(mount: Mount, expected: Fail) -> None:
    assert ask(mounts.volume_hides_bind, Container("web", mounts=(mount,))) == [expected]


def test_volume_hides_bind_is_silent_for_volumes_and_binds_that_hide_nothing() -> None:
    container = Container(
        "web", mounts=(Mount("volume", "/x", "", volume="data"), Mount("bind", "/y", "/srv"))
    )

    assert ask(mounts.volume_hides_bind, container) == []


def test_volume_credentials_names_the_volume_and_no_value() -> None:
    share = Mount("volume", "/x", "", volume="nas", filesystem="cifs", credentials=True)
    plugin = Mount("volume", "/y", "", volume="cloud", credentials=True)

    assert evidence(ask(mounts.volume_credentials, Container("web", mounts=(share, plugin)))) == [
        "volume nas: its cifs options name a user or password",
        "volume cloud: its driver options name a user or password",
    ]
    assert ask(mounts.volume_credentials, bind("/srv")) == []


@pytest.mark.parametrize(
    ("propagation", "add", "expected"),
    [
        ("shared", (), [Fail("/srv:/x is shared")]),
        ("rshared", ("SYS_ADMIN",), [Fail("/srv:/x is rshared, with SYS_ADMIN", Severity.HIGH)]),
        ("rslave", ("SYS_ADMIN",), []),
        ("rprivate", (), []),
        ("", (), []),
    ],
)
def test_shared_propagation_is_worse_with_the_right_to_mount(
    propagation: str, add: tuple[str, ...], expected: list[Fail]
) -> None:
    mount = Mount("bind", "/x", "/srv", propagation=propagation)

    assert (
        ask(mounts.shared_propagation, Container("web", mounts=(mount,), cap_add=add)) == expected
    )


@pytest.mark.parametrize(
    ("facts", "said"),
    [({}, ["ReadonlyRootfs is false"]), ({"read_only": True}, [])],
    ids=["writable", "read-only"],
)
def test_writable_root_fires_unless_it_is_read_only(facts: Facts, said: list[str]) -> None:
    assert evidence(ask(mounts.writable_root, Container("web", **facts))) == said


def test_no_rule_of_mounts_fires_for_the_model_citizen() -> None:
    rules = [value for value in vars(mounts).values() if isinstance(value, ContainerRule)]

    assert [answer for rule in rules for answer in ask(rule, best())] == []
