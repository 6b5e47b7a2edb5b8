import pytest

from builders import NEW_PRIVILEGES_OFF, Facts, ask, best, engine, evidence, fail, process, reasons
from hullward.model.facts import Container, Device, Exec, Mount, Process
from hullward.model.rule import ContainerRule, Fail
from hullward.model.severity import Severity
from hullward.rules.containers import privileges

SOCKET = Mount("bind", "/run/docker.sock", "/run/docker.sock")


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param({}, "no user is set: uid 0", id="no user"),
        pytest.param({"user": "root"}, "user is 'root': uid 0", id="by name"),
        pytest.param({"user": "0:0"}, "user is '0:0': uid 0", id="by number"),
        pytest.param({"user": "toor", "uid": 0}, "user is 'toor': uid 0", id="by another name"),
        pytest.param(
            {"processes": (process(uid=0), process(uid=101))},
            "no user is set: uid 0",
            id="some processes left",
        ),
        pytest.param(
            {"processes": (process(uid=101, permitted=1),)},
            "no user is set: uid 0",
            id="a process that left kept a capability",
        ),
        pytest.param(
            {"processes": (process(uids=(101, 101, 0, 101), permitted=0),)},
            "no user is set: uid 0",
            id="a process that left may return",
        ),
    ],
)
def test_root_fires_for_uid_0_by_any_name(facts: Facts, said: str) -> None:
    answer = fail(ask(privileges.root, Container("web", **facts)))

    assert (answer.evidence, answer.severity) == (said, None)


@pytest.mark.parametrize(
    ("processes", "said", "remedy"),
    [
        pytest.param(
            (process(uid=999), process(101, uid=999)),
            "no user is set, so it starts as root, but every process now runs as uid 999 without "
            "any capability; `docker exec` still enters as root",
            "Run web anew with: docker run --user 999:999 … ''",
            id="as one user",
        ),
        pytest.param(
            (process(uid=33), process(101, uid=999)),
            "no user is set, so it starts as root, but every process now runs as uid 33, 999 "
            "without any capability; `docker exec` still enters as root",
            "Run web anew with: docker run --user UID:GID … ''",
            id="as two users",
        ),
    ],
)
def test_root_is_low_where_every_process_left_it(
    processes: tuple[Process, ...], said: str, remedy: str
) -> None:
    container = Container("web", processes=processes)

    assert ask(privileges.root, container) == [Fail(said, Severity.LOW, remedy)]


def test_root_fires_for_a_process_that_became_root() -> None:
    container = Container(
        "web", user="1000", uid=1000, processes=(process(uid=1000), process(7, "sudo", uid=0))
    )

    assert evidence(ask(privileges.root, container)) == [
        "user is '1000', yet the kernel shows as uid 0: sudo (7)"
    ]


def test_root_is_unknown_for_a_name_that_nobody_could_resolve() -> None:
    facts: Facts = {"user": "app", "uid": None, "uid_gap": "it has no /etc/passwd"}
    said = "user is 'app', and its uid is not known: it has no /etc/passwd"

    assert reasons(ask(privileges.root, Container("web", **facts))) == [said]
    assert reasons(
        ask(privileges.root, Container("web", processes=(process(uid=5),), **facts))
    ) == [said]


def test_root_fires_for_an_unresolved_name_where_the_kernel_shows_uid_0() -> None:
    container = Container("web", user="app", uid=None, processes=(process(uid=0),))

    assert evidence(ask(privileges.root, container)) == [
        "user is 'app', and the kernel shows processes of uid 0"
    ]


def test_privileged_fires_for_the_setting() -> None:
    assert evidence(ask(privileges.privileged, Container("web", privileged=True))) == [
        "HostConfig.Privileged is true"
    ]


@pytest.mark.parametrize(
    ("facts", "said", "severity"),
    [
        pytest.param({}, "no-new-privileges is not set", None, id="not set"),
        pytest.param(
            {"security_opt": ("no-new-privileges:false",)},
            "no-new-privileges is 'false'",
            None,
            id="false",
        ),
        pytest.param(
            {"security_opt": ("no-new-privileges:true", "no-new-privileges=0")},
            "no-new-privileges is '0'",
            None,
            id="switched off again",
        ),
        pytest.param(
            {"cap_drop": ("ALL",)},
            "no-new-privileges is not set",
            Severity.LOW,
            id="nothing to gain",
        ),
        pytest.param(
            {"processes": (process(no_new_privileges=True),)},
            "no-new-privileges is not set, though every process set it by itself",
            Severity.LOW,
            id="by itself",
        ),
        pytest.param(
            {"processes": (process(no_new_privileges=True), process())},
            "no-new-privileges is not set",
            None,
            id="one of two by itself",
        ),
        pytest.param(
            {"processes": ()}, "no-new-privileges is not set", None, id="no process to ask"
        ),
    ],
)
def test_new_privileges_fires_unless_it_is_true(
    facts: Facts, said: str, severity: Severity | None
) -> None:
    answer = fail(ask(privileges.new_privileges, Container("web", **facts)))

    assert (answer.evidence, answer.severity) == (said, severity)


def test_new_privileges_is_silent_where_container_or_engine_set_it() -> None:
    by_default = engine(security_options=("name=no-new-privileges",))

    assert ask(privileges.new_privileges, Container("web", security_opt=NEW_PRIVILEGES_OFF)) == []
    assert ask(privileges.new_privileges, Container("web"), engine=by_default) == []


def test_new_privileges_is_unknown_where_the_default_is_not_known() -> None:
    assert reasons(ask(privileges.new_privileges, Container("web"), engine=None)) == [
        "no-new-privileges is not set here, and the engine's default is not known"
    ]
    assert reasons(
        ask(privileges.new_privileges, Container("web"), engine=None, gaps={"info": "refused"})
    ) == ["no-new-privileges is not set here, and refused"]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(
            {"groups": ("docker",)}, [("group_add: docker (by name)", None)], id="by name"
        ),
        pytest.param(
            {"groups": ("998",), "mounts": (SOCKET,)},
            [("group_add: 998 (beside the engine's socket or a powerful device)", Severity.HIGH)],
            id="beside the socket",
        ),
        pytest.param(
            {"groups": ("6",), "devices": (Device("/dev/sda"),)},
            [("group_add: 6 (beside the engine's socket or a powerful device)", Severity.HIGH)],
            id="beside a disk",
        ),
        pytest.param(
            {"groups": ("44",), "devices": (Device("/dev/dri/renderD128"),)},
            [],
            id="the least way to a graphics card",
        ),
        pytest.param({"groups": ("1000",)}, [], id="a group like any other"),
        pytest.param({"mounts": (SOCKET,)}, [], id="no group"),
    ],
)
def test_privileged_group_is_graded_by_what_the_group_opens(
    facts: Facts, expected: list[tuple[str, Severity | None]]
) -> None:
    answers = ask(privileges.privileged_group, Container("web", **facts))

    assert [(a.evidence, a.severity) for a in answers if isinstance(a, Fail)] == expected


@pytest.mark.parametrize(
    ("execs", "expected"),
    [
        pytest.param(
            (Exec("", privileged=True),),
            [Fail("a privileged exec session is running", Severity.HIGH)],
            id="privileged",
        ),
        pytest.param((Exec("root"),), [Fail("an exec session runs as root")], id="root"),
        pytest.param((Exec("0:0"),), [Fail("an exec session runs as root")], id="root by number"),
        pytest.param((Exec("1000"),), [], id="a user"),
        pytest.param((Exec(""),), [], id="as the container"),
        pytest.param((), [], id="none"),
    ],
)
def test_exec_session_fires_for_more_than_the_container_has(
    execs: tuple[Exec, ...], expected: list[Fail]
) -> None:
    container = Container("web", user="1000", uid=1000, execs=execs)

    assert ask(privileges.exec_session, container) == expected


def test_exec_session_of_root_is_nothing_new_in_a_container_of_root() -> None:
    assert ask(privileges.exec_session, Container("web", execs=(Exec("root"),))) == []


def test_exec_session_is_unknown_where_the_sessions_were_not_read() -> None:
    assert reasons(ask(privileges.exec_session, Container("web", execs=None))) == [
        "its exec sessions were not read"
    ]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("PATH", "db_password", "API_KEY"), ["variables by the names of API_KEY, db_password"]),
        (("DB_PASSWORD_FILE", "PATH"), []),
        ((), []),
    ],
)
def test_secret_environment_names_variables_but_not_files(
    names: tuple[str, ...], said: list[str]
) -> None:
    assert evidence(ask(privileges.secret_environment, Container("web", environment=names))) == said


@pytest.mark.parametrize(
    "rule",
    [value for value in vars(privileges).values() if isinstance(value, ContainerRule)],
    ids=lambda rule: rule.id,
)
def test_no_rule_of_privileges_fires_for_the_model_citizen(rule: ContainerRule) -> None:
    assert ask(rule, best()) == []
