import msgspec
import pytest
from msgspec.structs import replace

from builders import best, engine, snapshot
from hullward.model.facts import Container, Listener, Port, Snapshot

WEB = Container("web", id="abc" + "0" * 61)
DB = Container("db", id="abd" + "0" * 61)
NAMED = Container("abc", id="f" * 64)


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        (WEB.id, WEB),
        ("web", WEB),
        ("abd", DB),
        ("abc", NAMED),
        ("abc0", WEB),
        ("ab", None),
        ("", None),
        ("gone", None),
    ],
    ids=["id", "name", "start", "name before start", "longer start", "two starts", "", "gone"],
)
def test_a_reference_means_an_id_then_a_name_then_the_start_of_one_id(
    reference: str, found: Container | None
) -> None:
    assert snapshot(WEB, DB, NAMED).named(reference) is found


def test_members_lists_the_containers_of_each_network() -> None:
    web = Container("web", networks=("shop", "edge"))
    db = Container("db", networks=("shop",))

    assert snapshot(web, db).members == {"shop": (web, db), "edge": (web,)}


def test_by_image_lists_the_containers_of_each_image() -> None:
    one, two = Container("one", image="a/x:1"), Container("two", image="b/x:2")

    assert snapshot(one, two).by_image == {"x": (one, two)}


def test_a_changed_snapshot_forgets_what_it_had_looked_up() -> None:
    before = snapshot(WEB)
    assert before.named("web") is WEB

    after = replace(before, containers=(DB,))

    assert after.named("web") is None
    assert after.named("db") is DB


def test_what_was_looked_up_is_neither_saved_nor_compared() -> None:
    used, fresh = snapshot(best()), snapshot(best())
    assert used.named("best")
    assert used.members

    assert used == fresh
    assert msgspec.json.encode(used) == msgspec.json.encode(fresh)
    assert msgspec.json.decode(msgspec.json.encode(used), type=Snapshot) == fresh


@pytest.mark.parametrize(
    ("address", "everywhere"),
    [("", True), ("0.0.0.0", True), ("::", True), ("127.0.0.1", False), ("::1", False)],  # noqa: S104
)
def test_a_port_is_open_everywhere_by_either_protocol(address: str, *, everywhere: bool) -> None:
    assert Port(80, "tcp", address, 80).everywhere is everywhere


@pytest.mark.parametrize(
    ("address", "everywhere"),
    [("0.0.0.0", True), ("::", True), ("127.0.0.1", False), ("::1", False)],  # noqa: S104
)
def test_a_listener_is_open_everywhere_by_either_protocol(
    address: str, *, everywhere: bool
) -> None:
    assert Listener(address, 80).everywhere is everywhere


@pytest.mark.parametrize(
    ("state", "running"),
    [("running", True), ("paused", True), ("restarting", True), ("exited", False), ("", False)],
)
def test_a_container_runs_while_it_has_processes(state: str, *, running: bool) -> None:
    assert Container("web", state=state).running is running


def test_an_option_of_an_engine_is_a_whole_word() -> None:
    host = engine(security_options=("name=seccomp,profile=builtin", "name=userns-not"))

    assert host.option("seccomp")
    assert not host.option("userns")
    assert not host.option("profile")
    assert not engine(security_options=None).option("seccomp")
