import pytest

from builders import Facts, process, snapshot
from hullward.model.facts import Container, Listener, Mount, Port
from hullward.model.report import Behaviour, Row
from hullward.report import cells

V4, V6 = "0.0.0.0", "::"  # noqa: S104 - compared, never bound


def words(container: Container, *others: Container) -> cells.Cells:
    row = Row(container.name, container.id, container, Behaviour.NO, ("a", "b"))
    return cells.of(row, snapshot(container, *others))


def test_a_row_is_put_into_the_words_of_the_guide() -> None:
    container = Container(
        "web",
        user="app:app",
        uid=33,
        cap_add=("CAP_CHOWN", "bpf"),
        cap_drop=("all",),
        security_opt=("no-new-privileges:true", "seccomp=custom"),
        mounts=(
            Mount("bind", "/a", "/srv/a"),
            Mount("bind", "/b", "/srv/b", writable=False),
            Mount("volume", "/c", "/etc", volume="hidden"),
            Mount("volume", "/d", "", volume="data"),
            Mount("volume", "/e", None, volume="unread"),
            Mount("tmpfs", "/tmp"),  # noqa: S108 - a place inside a container
        ),
        ports=(Port(80, "tcp", "127.0.0.1", 8080),),
    )

    assert words(container) == cells.Cells(
        name="web",
        user="app:app (33)",
        cap_add=("BPF", "CHOWN"),
        cap_drop=("ALL",),
        security=("no-new-privileges", "seccomp=custom"),
        binds=("/srv/a:/a", "/srv/b:/b:ro", "/etc:/c"),
        ports=("127.0.0.1:8080->80/tcp",),
        verdict="no: a, b",
    )


def test_a_privileged_container_holds_all_whatever_it_adds() -> None:
    assert words(Container("web", privileged=True, cap_add=("CHOWN",))).cap_add == (
        "ALL (privileged)",
    )


def test_a_stopped_container_says_so_behind_its_name() -> None:
    assert words(Container("web", state="exited")).name == "web (exited)"
    assert words(Container("web", state="paused")).name == "web"


def test_a_container_that_was_not_read_shows_why() -> None:
    row = Row("lost", "1", None, Behaviour.UNKNOWN, ("answer 500",))

    assert cells.of(row, snapshot()) == cells.Cells(
        "lost", "?", (), (), (), (), (), "unknown: answer 500"
    )


@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        ({}, "root"),
        ({"user": "root:root"}, "root:root"),
        ({"user": "0"}, "0 (root)"),
        ({"user": "toor"}, "toor (root)"),
        ({"user": "33", "uid": 33}, "33"),
        ({"user": "www-data", "uid": 33}, "www-data (33)"),
        ({"user": "app", "uid": None}, "app (uid ?)"),
        ({"processes": (process(uid=999), process(uid=33))}, "root → 33 999"),
        ({"processes": (process(uid=999), process(uid=0))}, "root"),
    ],
)
def test_a_user_is_written_with_what_it_means(facts: Facts, shown: str) -> None:
    assert cells.user(Container("web", **facts)) == shown


@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        pytest.param({}, (), id="none"),
        pytest.param(
            {"ports": (Port(80, "tcp", V4, 80), Port(80, "tcp", V6, 80))},
            ("*:80->80/tcp",),
            id="published",
        ),
        pytest.param({"wished_ports": (Port(80),)}, (), id="only wished"),
        pytest.param(
            {"network_mode": "host", "listeners": (Listener(V6, 53, "udp"),)},
            ("[::]:53/udp",),
            id="host's network",
        ),
        pytest.param({"network_mode": "host"}, ("host network (not known)",), id="not looked at"),
        pytest.param({"network_mode": "host", "state": "exited"}, (), id="stopped"),
        pytest.param({"network_mode": "container:vpn"}, ("those of vpn",), id="joined"),
        pytest.param(
            {"network_mode": "container:" + "f" * 64},
            ("those of ffffffffffff (not in sight)",),
            id="joined, out of sight",
        ),
    ],
)
def test_ports_are_the_real_ones_and_whose(facts: Facts, shown: tuple[str, ...]) -> None:
    container = Container("web", **facts)

    assert cells.ports(container, snapshot(container, Container("vpn"))) == shown
