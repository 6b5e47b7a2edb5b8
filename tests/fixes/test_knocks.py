from typing import Any

import pytest
from msgspec.structs import replace

from hullward.fixes import isolation, knocks
from hullward.fixes.isolation import Wishes
from hullward.fixes.knocks import Errand
from hullward.model.facts import Container, Network, Port, Snapshot
from hullward.model.firewall import Link
from hullward.model.proof import Knock
from hullward.model.report import Outcome
from hullward.model.sockets import Socket
from hullward.model.users import Account
from hullward.model.walls import Ground, Publication

BOB = Account("bob", 1000, 1000, "/bin/bash")
GROUND = Ground(
    links=(
        Link("eth0", role="outside", addresses=("192.0.2.1/24", "2001:db8::1/64", "fe80::1/64")),
        Link("docker0", "bridge", "container", ("172.17.0.1/16", "fe80::2/64")),
    ),
    bridges=frozenset({"docker0"}),
    published=(
        Publication("tcp", 8080),
        Publication("tcp", 8888, "127.0.0.1"),
        Publication("udp", 53),
    ),
    accounts=(BOB, Account("carol", 1002, 1002, "/bin/sh")),
    listening=tuple(Socket("tcp", "::", port, "docker-proxy") for port in (8080, 8081)),
)
PORTS = (
    Port(80, "tcp", "0.0.0.0", 8080),  # noqa: S104 - a fact
    Port(80, "tcp", "::", 8081),
    Port(80, "tcp", "127.0.0.1", 8888),
    Port(53, "udp", "", 53),
)
SNAPSHOT = Snapshot(
    "here",
    containers=(
        Container("web", "a1", pid=7, network_mode="bridge", ports=PORTS),
        Container("host", "a2", pid=8, network_mode="host"),
        Container("alone", "a3", pid=9, network_mode="none"),
        Container("with", "a4", pid=10, network_mode="container:web"),
        Container("down", "a5", state="exited"),
    ),
)


def asked() -> Errand:
    found = isolation.plan(GROUND, Wishes(users=("1001",), open=("5300/tcp",)))
    return knocks.errand(GROUND, SNAPSHOT, found)


def test_an_errand_names_users_containers_and_places() -> None:
    errand = asked()

    assert (errand.ordinary, errand.uids) == (1000, (0, 1001, 1000))
    assert [c["name"] for c in errand.containers] == ["web"]
    assert errand.gateways == ("172.17.0.1",)
    assert errand.outside == ("192.0.2.1", "2001:db8::1")
    assert (errand.open, errand.guarded) == ((5300,), (("127.0.0.1", 8888),))
    assert errand.published == (("192.0.2.1", 8080), ("2001:db8::1", 8081))


def test_a_container_in_internal_networks_only_is_marked() -> None:
    inner = Container("db", "b1", pid=11, networks=("back",))
    both = Container("app", "b2", pid=12, networks=("back", "front"))
    networks = (Network("back", internal=True), Network("front"))
    snapshot = Snapshot("here", containers=(inner, both), networks=networks)
    found = isolation.plan(GROUND, Wishes())

    marked = {c["name"]: c["inner"] for c in knocks.errand(GROUND, snapshot, found).containers}

    assert marked == {"db": True, "app": False}


def test_without_docker_proxy_no_container_is_promised_what_another_network_publishes() -> None:
    ground = replace(GROUND, listening=())
    found = isolation.plan(ground, Wishes())

    assert knocks.errand(ground, SNAPSHOT, found).published == ()


@pytest.mark.parametrize(
    ("allowed", "chosen"), [((0,), 1000), ((0, 1000), 1002), ((0, 1000, 1002), 65534)]
)
def test_the_ordinary_user_is_a_person_who_is_not_allowed(
    allowed: tuple[int, ...], chosen: int
) -> None:
    assert knocks.ordinary(GROUND.accounts, allowed) == chosen


ROOT_IN = [0, "", "container", "web", "172.17.0.2", 4000, "open"]
BOB_OUT = [1000, "", "container", "web", "172.17.0.2", 4000, "refused"]


def judged(*entries: list[Any], counted: int = 1, lost: str = "") -> tuple[Knock, ...]:
    answer = {
        "knocks": entries,
        "before": {"denied_out": 5, "denied_in": 5},
        "after": {"denied_out": 5 + counted, "denied_in": 5 + counted},
        "homes": {"web": {"error": lost} if lost else {}},
    }
    proof = knocks.proof(answer, asked(), {0: "root", 1000: "bob (uid 1000)"})
    assert proof.notes == ((f"web: {lost}",) if lost else ())
    return proof.knocks


def outcomes(*entries: list[Any], counted: int = 1) -> list[tuple[Outcome, str]]:
    return [(k.outcome, k.why) for k in judged(*entries, counted=counted)]


def test_a_refusal_counts_where_root_gets_through_and_the_wall_counted_it() -> None:
    assert judged(ROOT_IN, BOB_OUT)[1] == Knock(
        "bob (uid 1000)", "container web", "172.17.0.2:4000", "closed", "refused", Outcome.PASS
    )


def test_without_the_control_nothing_is_proven() -> None:
    dead = [*ROOT_IN[:-1], "refused"]

    assert (
        outcomes(dead, BOB_OUT)
        == [(Outcome.UNKNOWN, "root of the host does not reach it either")] * 2
    )


def test_a_refusal_that_the_wall_did_not_count_is_not_its_own() -> None:
    assert outcomes(ROOT_IN, BOB_OUT, counted=0) == [
        (Outcome.PASS, ""),
        (Outcome.UNKNOWN, "the wall counted 0 refusals for 1 attempts"),
    ]


def test_what_should_be_closed_and_opens_fails() -> None:
    assert outcomes(ROOT_IN, [*BOB_OUT[:-1], "open"])[1] == (Outcome.FAIL, "")


def test_what_should_be_open_and_is_not_fails() -> None:
    allowed = [1001, *BOB_OUT[1:]]

    assert outcomes(ROOT_IN, allowed)[1] == (Outcome.FAIL, "")


def test_a_container_finds_the_host_closed_but_for_what_is_opened() -> None:
    control = [0, "", "host", "", "172.17.0.1", 5000, "open"]
    opened = [0, "", "open", "", "172.17.0.1", 5300, "open"]
    found = judged(
        control,
        opened,
        [0, "web", "host", "", "172.17.0.1", 5000, "refused"],
        [0, "web", "open", "", "172.17.0.1", 5300, "open"],
    )

    assert [(k.who, k.wanted, k.outcome) for k in found] == [
        ("container web", "closed", Outcome.PASS),
        ("container web", "open", Outcome.PASS),
    ]


def test_what_could_not_be_tried_is_unknown_with_its_reason() -> None:
    gone = [1000, *BOB_OUT[1:-1], "it is not there any more"]

    assert outcomes(ROOT_IN, gone)[1] == (Outcome.UNKNOWN, "it is not there any more")
    assert judged(ROOT_IN, lost="its network cannot be entered")


def test_a_container_without_a_way_to_a_place_says_nothing_of_the_wall() -> None:
    assert judged([0, "web", "published", "", "192.0.2.1", 8080, "unreachable"]) == ()


def test_from_outside_a_drop_counts_where_the_host_itself_gets_through() -> None:
    found = {
        ("192.0.2.1", 22): ("reachable", True),
        ("192.0.2.1", 9000): ("silent", True),
        ("192.0.2.1", 9001): ("silent", False),
        ("192.0.2.1", 8080): ("reachable", True),
        ("2001:db8::1", 47000): ("silent", True),
    }

    proof = knocks.outside(found, {22}, 47000, 2)

    assert [(k.place, k.wanted, k.outcome) for k in proof.knocks] == [
        ("192.0.2.1:22", "open", Outcome.PASS),
        ("192.0.2.1:9000", "closed", Outcome.PASS),
        ("192.0.2.1:9001", "closed", Outcome.UNKNOWN),
        ("192.0.2.1:8080", "closed", Outcome.FAIL),
        ("[2001:db8::1]:47000", "closed", Outcome.PASS),
    ]


def test_from_outside_what_the_wall_did_not_drop_somebody_else_did() -> None:
    proof = knocks.outside({("192.0.2.1", 9000): ("silent", True)}, {22}, 1, 0)

    assert [(k.outcome, k.why) for k in proof.knocks] == [
        (Outcome.UNKNOWN, "the wall counted 0 drops for 1 attempts: others stopped them")
    ]


def test_behind_a_translation_the_host_is_asked_at_an_address_of_its_own() -> None:
    assert knocks.local(GROUND, "192.0.2.1") == "192.0.2.1"
    assert knocks.local(GROUND, "203.0.113.9") == "192.0.2.1"
    assert knocks.local(Ground(), "2001:db8::9") == "::1"
