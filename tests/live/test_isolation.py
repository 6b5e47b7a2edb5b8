"""Every row of the matrix of users and containers, with real packets on real engines."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from firewall_lab import run
from hullward.fixes.isolation import Wishes
from hullward.jobs import ground, isolation, walls
from hullward.model.errors import HullwardError
from hullward.model.report import Outcome
from hullward.model.walls import ISOLATION
from wall_lab import HOST4, HOST6, IMAGE, NAMES, PROXY, USER, WallLab, agreeing, wall_lab

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces and an engine need root"),
    pytest.mark.skipif(not shutil.which("ip"), reason="the program ip is not installed"),
]
KIND = isolation.KIND
BROADCAST = ("udp", "172.17.255.255", 5353)
WISHES = Wishes(users=(str(PROXY),), open=("5300/tcp", "5301/udp", "8443"))


@pytest.fixture(scope="module", params=NAMES)
def host(request: pytest.FixtureRequest) -> Iterator[WallLab]:
    with wall_lab(f"iso-{request.param[:2]}", request.param) as made:
        yield made


@pytest.fixture(scope="module")
def walled(host: WallLab) -> Iterator[WallLab]:
    host.apply(KIND, WISHES)
    yield host
    host.off(KIND)


def outgoing(host: WallLab, uid: int) -> Mapping[str, str]:
    """Say what a user of the host reaches."""
    host.cold()
    c1, c2, c3 = (host.address(name) for name in ("c1", "c2", "c3"))
    places = {
        "c1": ("tcp", c1, 80), "c1 udp": ("udp", c1, 80), "c2": ("tcp", c2, 80),
        "c2 six": ("tcp", host.address("c2", 6), 80), "c3, odd bridge": ("tcp", c3, 80),
        "published on loopback": ("tcp", "127.0.0.1", 8888),
        "published to all": ("tcp", "127.0.0.1", 8080), "the same, outside": ("tcp", HOST4, 8080),
        "host service": ("tcp", "127.0.0.1", 9000), "lan": ("tcp", "10.20.0.2", 80),
        "world": ("tcp", "192.0.2.2", 80),
        "world six": ("tcp", "2001:db8::2", 80),
    }  # fmt: skip
    found = host.tried(host.inside, list(places.values()), uid)
    return dict(zip(places, found, strict=True))


def incoming(host: WallLab, name: str, gateway: str) -> Mapping[str, str]:
    """Say what a container reaches."""
    host.cold()
    places = {
        "gateway": ("tcp", gateway, 9000), "gateway, ordinary user": ("tcp", gateway, 9100),
        "outer address": ("tcp", HOST4, 9000), "opened tcp": ("tcp", gateway, 5300),
        "opened udp": ("udp", gateway, 5301), "proxy": ("tcp", HOST4, 8443),
        "published": ("tcp", HOST4, 8080), "published on one address": ("tcp", HOST4, 8083),
        "world": ("tcp", "192.0.2.2", 80), "world udp": ("udp", "192.0.2.2", 53),
    }  # fmt: skip
    found = host.tried(host.contained(name), list(places.values()))
    return dict(zip(places, found, strict=True))


PUBLIC = (
    "published to all", "the same, outside", "host service", "lan", "world", "world six",
)  # fmt: skip


def test_without_a_wall_every_user_reaches_every_container(host: WallLab) -> None:
    assert set(outgoing(host, USER).values()) == {"ok"}
    assert set(incoming(host, "c1", "172.17.0.1").values()) == {"ok"}
    assert host.tried(host.contained("c1"), [BROADCAST]) == ["ok"]


def test_a_user_is_refused_at_once_and_keeps_all_the_rest(walled: WallLab) -> None:
    found = outgoing(walled, USER)

    assert {name: word for name, word in found.items() if name in PUBLIC} == dict.fromkeys(
        PUBLIC, "ok"
    )
    assert {name: word for name, word in found.items() if name not in PUBLIC} == {
        "c1": "refused", "c1 udp": "no-permit", "c2": "refused", "c2 six": "refused",
        "c3, odd bridge": "refused", "published on loopback": "refused",
    }  # fmt: skip


@pytest.mark.parametrize("uid", [0, PROXY])
def test_root_and_the_allowed_reach_everything(walled: WallLab, uid: int) -> None:
    assert set(outgoing(walled, uid).values()) == {"ok"}


def test_a_container_reaches_of_the_host_what_is_opened_or_published(walled: WallLab) -> None:
    found = incoming(walled, "c1", "172.17.0.1")

    refused = {"gateway", "gateway, ordinary user", "outer address"}
    assert {name: word for name, word in found.items() if name not in refused} == dict.fromkeys(
        found.keys() - refused, "ok"
    )
    assert {found[name] for name in refused} == {"refused"}


def test_a_bridge_with_a_name_of_its_own_is_no_way_in(walled: WallLab) -> None:
    gateway = walled.docker(
        "network", "inspect", "-f", "{{range .IPAM.Config}}{{.Gateway}}{{end}}", "net2"
    ).strip()

    assert incoming(walled, "c3", gateway)["gateway"] == "refused"


def test_ipv6_of_a_container_works_from_cold_neighbours_and_finds_the_host_closed(
    walled: WallLab,
) -> None:
    walled.cold()
    places = [("tcp", "fd00:1::1", 9100), ("tcp", "fd00:1::1", 5300), ("tcp", HOST6, 8443)]

    found = walled.tried(walled.contained("c2"), places, wait=3)

    assert found == ["refused", "ok", "ok"]


def test_broadcasts_of_a_container_reach_no_service(walled: WallLab) -> None:
    assert walled.tried(walled.contained("c1"), [BROADCAST]) == ["lost"]


def test_containers_reach_each_other_as_before(walled: WallLab) -> None:
    places = [("tcp", walled.address("c5"), 80), ("tcp", walled.address("c1"), 80)]

    assert walled.tried(walled.contained("c2"), places) == ["ok", "lost"]


def test_the_outside_and_the_lan_come_in_as_before(walled: WallLab) -> None:
    walled.cold()
    world = [("tcp", HOST4, 8080), ("tcp", HOST6, 8082), ("tcp", HOST4, 9100)]
    lan = [("tcp", "10.20.0.1", 22), ("tcp", "10.20.0.1", 9100)]

    assert walled.tried(walled.outside, world, wait=3) == ["ok"] * 3
    assert walled.tried(walled.neighbour, lan) == ["ok"] * 2


def test_a_network_made_later_is_behind_the_wall_whatever_its_name(walled: WallLab) -> None:
    name = ("-o", "com.docker.network.bridge.name=later0")
    walled.docker("network", "create", *name, "later")
    walled.contain("c9", "later")
    try:
        place = [("tcp", walled.address("c9"), 80)]
        found = [walled.tried(walled.inside, place, uid) for uid in (USER, 0)]
    finally:
        walled.docker("rm", "-f", "c9")
        walled.docker("network", "rm", "later")

    assert found == [["refused"], ["ok"]]


def test_verify_measures_what_packets_do_and_every_closed_place_has_its_control(
    walled: WallLab,
) -> None:
    ask = ground.hands(walled.machine)
    proof = isolation.verify(walled.machine, walled.seen(KIND), ask)

    assert [k for k in proof.knocks if k.outcome is not Outcome.PASS] == []
    assert sum(k.wanted == "closed" for k in proof.knocks) > 10
    assert proof.notes == ()


def test_a_container_in_an_internal_network_is_behind_the_wall_and_breaks_no_proof(
    walled: WallLab,
) -> None:
    walled.docker("network", "create", "--internal", "inner")
    walled.contain("c6", "inner")
    try:
        ask = ground.hands(walled.machine)
        proof = isolation.verify(walled.machine, walled.seen(KIND), ask)
    finally:
        walled.docker("rm", "-f", "c6")
        walled.docker("network", "rm", "inner")

    assert [k for k in proof.knocks if k.outcome is not Outcome.PASS] == []
    assert {k.wanted for k in proof.knocks if k.what == "container c6"} == {"open", "closed"}


def test_verify_fails_where_the_wall_is_gone(walled: WallLab) -> None:
    seen = walled.seen(KIND)
    walled.nft(f"delete table inet {ISOLATION}")
    try:
        proof = isolation.verify(walled.machine, seen, ground.hands(walled.machine))
        behind = walls.behind(KIND, walled.seen(KIND))
    finally:
        walled.nft(seen.text or "")

    failed = {
        (k.who.partition(" ")[0], k.wanted, k.found)
        for k in proof.knocks
        if k.outcome is Outcome.FAIL
    }
    assert ("container", "closed", "open") in failed
    assert behind == (f"the table {ISOLATION} is not loaded",)


def test_a_wall_in_which_somebody_else_blocks_proves_nothing(walled: WallLab) -> None:
    walled.nft(
        "table inet other {\n chain c {\n type filter hook output priority -200\n"
        " oifname docker0 meta skuid != 0 reject with tcp reset\n }\n}"
    )
    try:
        proof = isolation.verify(walled.machine, walled.seen(KIND), ground.hands(walled.machine))
    finally:
        walled.nft("delete table inet other")

    doubted = [k for k in proof.knocks if k.outcome is Outcome.UNKNOWN]
    (why,) = {k.why for k in doubted}
    match = re.fullmatch(r"the wall counted (\d+) refusals for (\d+) attempts", why)
    assert match is not None
    assert int(match[1]) == int(match[2]) - 1
    # The other table keeps from the container, too, what an ordinary user of the host answers.
    assert {(k.who, k.found) for k in proof.knocks if k.outcome is Outcome.FAIL} == {
        (f"(uid {PROXY})", "refused"),
        ("container c1", "silent"),
    }


def test_applying_twice_is_applying_once(walled: WallLab) -> None:
    with pytest.raises(HullwardError, match="is in place, and as it would be made now"):
        walls.planned(KIND, walled.machine, walled.seen(KIND), WISHES)
    before = run(*walled.inside("nft", "-s", "list", "table", "inet", ISOLATION))
    walled.nft(walled.seen(KIND).text or "")

    assert run(*walled.inside("nft", "-s", "list", "table", "inet", ISOLATION)) == before


def test_a_port_published_since_is_drift_and_refresh_brings_it_in(walled: WallLab) -> None:
    walled.contain("c8", "bridge", "127.0.0.1:8899:80")
    try:
        place = [("tcp", "127.0.0.1", 8899)]
        behind = walls.behind(KIND, walled.seen(KIND))
        before = walled.tried(walled.inside, place, USER)
        walled.apply(KIND, None)
        after = walled.tried(walled.inside, place, USER), walled.tried(walled.inside, place, 0)
    finally:
        walled.docker("rm", "-f", "c8")
        walled.apply(KIND, None)

    assert behind == ("missing: 127.0.0.1 . 8899 in guarded4_tcp",)
    assert before == ["ok"]
    assert after == (["refused"], ["ok"])
    assert walls.behind(KIND, walled.seen(KIND)) == ()


def test_a_state_that_changes_behind_the_plan_is_refused_and_nothing_is_changed(
    host: WallLab,
) -> None:
    plan = walls.planned(KIND, host.machine, host.seen(KIND), replace(WISHES, open=("5300/tcp",)))
    text = host.seen(KIND).text
    host.docker("run", "-d", "--name", "c7", "-p", "8877:80", IMAGE, "sleep", "60")
    try:
        with pytest.raises(HullwardError, match="changed while you read the plan"):
            walls.change(KIND, host.machine, plan, agreeing())
    finally:
        host.docker("rm", "-f", "c7")

    assert host.seen(KIND).text == text


def test_a_foreign_table_of_our_name_is_left_alone(host: WallLab) -> None:
    mine = host.seen(KIND).text
    host.nft(
        f"add table inet {ISOLATION}\ndelete table inet {ISOLATION}\nadd table inet {ISOLATION}"
    )
    try:
        with pytest.raises(HullwardError, match="that hullward did not make"):
            walls.planned(KIND, host.machine, host.seen(KIND), WISHES)
    finally:
        host.nft(mine or f"delete table inet {ISOLATION}")


def test_where_docker_rules_are_wiped_no_wall_is_made(host: WallLab) -> None:
    host.nft("flush ruleset")

    with pytest.raises(HullwardError, match="Docker's own rules are gone"):
        walls.planned(KIND, host.machine, host.seen(KIND), WISHES)


def test_without_docker_proxy_the_wall_holds_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "daemon.json").write_text('{"userland-proxy": false}')
    monkeypatch.setenv("DAEMON_JSON", str(tmp_path / "daemon.json"))
    with wall_lab("iso-bare", NAMES[-1]) as bare:
        without = outgoing(bare, USER), incoming(bare, "c1", "172.17.0.1")
        bare.apply(KIND, WISHES)
        behind = outgoing(bare, USER), incoming(bare, "c1", "172.17.0.1")
        root = outgoing(bare, 0)
        proof = isolation.verify(bare.machine, bare.seen(KIND), ground.hands(bare.machine))

    assert set(without[0].values()) == set(root.values()) == {"ok"}
    refused = {"c1", "c1 udp", "c2", "c2 six", "c3, odd bridge", "published on loopback"}
    assert {name for name, word in behind[0].items() if word != "ok"} == refused
    # Docker itself keeps one network from what another one publishes.
    assert {name for name, word in without[1].items() if word != "ok"} == {
        "published on one address"
    }
    assert {name for name, word in behind[1].items() if word != "ok"} == {
        "published on one address", "gateway", "gateway, ordinary user", "outer address",
    }  # fmt: skip
    assert [k for k in proof.knocks if k.outcome is not Outcome.PASS] == []
