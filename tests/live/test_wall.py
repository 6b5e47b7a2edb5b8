"""The wall to the outside: every row of its matrix, with real packets, sshd and lock-outs."""

import json
import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping

import pytest

from firewall_lab import run
from hullward.fixes.firewall import Wishes
from hullward.fixes.isolation import Wishes as IsolationWishes
from hullward.jobs import firewall, ground, isolation, walls
from hullward.model.errors import HullwardError
from hullward.model.report import Outcome
from wall_lab import HOST4, HOST6, NAMES, ROOT, STATE, WallLab, wall_lab

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces and an engine need root"),
    pytest.mark.skipif(not shutil.which("ip"), reason="the program ip is not installed"),
]
KIND = firewall.KIND
WISHES = Wishes(open=("8080/tcp", "9000/tcp from 10.0.0.0/8"), trust=("br-lan",))

BUSYBOX = str(STATE / "pkgs/busybox/bin/busybox")


@pytest.fixture(scope="module", params=NAMES)
def host(request: pytest.FixtureRequest) -> Iterator[WallLab]:
    with wall_lab(f"fw-{request.param[:2]}", request.param) as made:
        c1 = made.address("c1")
        run("ip", "-n", made.outer, "route", "add", c1, "via", HOST4)
        yield made


@pytest.fixture(scope="module")
def walled(host: WallLab) -> Iterator[WallLab]:
    host.apply(KIND, WISHES)
    yield host
    host.off(KIND)


def from_outside(host: WallLab) -> Mapping[str, str]:
    """Say what a stranger reaches."""
    host.cold()
    c1 = host.address("c1")
    places = {
        "ssh": ("tcp", HOST4, 22), "ssh six": ("tcp", HOST6, 22),
        "service": ("tcp", HOST4, 9100), "service six": ("tcp", HOST6, 9100),
        "udp": ("udp", HOST4, 5353), "udp six": ("udp", HOST6, 5353),
        "declared": ("tcp", HOST4, 8080), "declared six": ("tcp", HOST6, 8080),
        "published": ("tcp", HOST4, 8082), "published six": ("tcp", HOST6, 8082),
        "published udp": ("udp", HOST4, 5300), "one address": ("tcp", HOST4, 8083),
        "routed to a container": ("tcp", c1, 80), "routed to a bridge": ("tcp", "172.17.0.1", 9002),
    }  # fmt: skip
    found = host.tried(host.outside, list(places.values()), wait=2)
    return dict(zip(places, found, strict=True))


OPEN = {"ssh", "ssh six", "declared", "declared six"}


def test_a_link_that_nobody_has_classified_is_refused_by_name(host: WallLab) -> None:
    with pytest.raises(HullwardError, match="lead to is not known: br-lan") as told:
        walls.planned(KIND, host.machine, host.seen(KIND), Wishes())

    assert "--trust" in told.value.advice


def test_without_a_wall_a_stranger_reaches_what_is_published_or_listens(host: WallLab) -> None:
    found = from_outside(host)

    closed_by_docker = {"routed to a container"}
    assert {found[name] for name in found.keys() - closed_by_docker} == {"ok"}


def test_with_ufw_it_says_who_decides_what_and_both_hold(host: WallLab) -> None:
    host.install_ufw()
    host.shell("ufw --force enable && ufw allow 22/tcp")
    try:
        plan = host.apply(KIND, Wishes(open=("8080/tcp", "9100/tcp"), trust=("br-lan",)))
        host.shell("ufw reload")
        found = from_outside(host)
        rows, wrong = host.compare()
    finally:
        host.shell("ufw disable")
        host.off(KIND)

    assert any(note.startswith("ufw is active, and filters behind") for note in plan.forth.notes)
    # 9100 is open here and closed by ufw; 8080 is published, which ufw never sees.
    assert (found["service"], found["declared"], found["ssh"]) == ("lost", "ok", "ok")
    assert wrong == []
    assert {row.port for row in rows if row.deceived} == {8080}


def test_a_stranger_reaches_what_is_declared_and_nothing_else(walled: WallLab) -> None:
    found = from_outside(walled)

    assert found == {name: "ok" if name in OPEN else "lost" for name in found}


def test_what_is_open_to_some_is_open_to_them_alone(walled: WallLab) -> None:
    rows, wrong = walled.compare()
    (service,) = (row for row in rows if (row.port, row.protocol) == (9000, "tcp"))

    assert wrong == []
    assert "10.0.0.0/8" in service.reason


def test_answers_pings_and_all_ways_out_work_as_before(walled: WallLab) -> None:
    walled.cold()
    world = [("tcp", "192.0.2.2", 80), ("tcp", "2001:db8::2", 80), ("udp", "192.0.2.2", 53)]
    own = [("tcp", HOST4, 8082), ("tcp", "127.0.0.1", 8888)]

    assert walled.tried(walled.inside, world + own, wait=3) == ["ok"] * 5
    assert walled.tried(walled.contained("c2"), world, wait=3) == ["ok"] * 3
    assert walled.tried(walled.contained("c2"), [("tcp", HOST4, 8080)]) == ["ok"]
    assert walled.tried(walled.neighbour, [("tcp", "10.20.0.1", 9100)]) == ["ok"]
    for address in (HOST4, HOST6):
        assert " 0% packet loss" in run(*walled.outside(BUSYBOX, "ping", "-c1", "-W2", address))


def test_verify_knocks_from_outside_and_at_its_own_listener(walled: WallLab) -> None:
    code = textwrap.dedent(f"""
        import sys; sys.path.insert(0, {str(ROOT / "tests")!r})
        from wall_lab import WallLab
        from hullward.jobs import firewall, ground
        from hullward.report import walls as words
        lab = WallLab({walled.name!r}, {walled.version!r})
        ask = ground.hands(lab.machine)
        proof = firewall.verify(lab.machine, lab.seen(firewall.KIND), ask, ({HOST4!r}, {HOST6!r}))
        print(words.proof_json(proof, "lab"))
    """)
    said = json.loads(run(*walled.outside(sys.executable, "-c", code)))

    failed = [k for k in said["knocks"] if k["outcome"] == Outcome.FAIL]
    closed = [k for k in said["knocks"] if (k["wanted"], k["outcome"]) == ("closed", "pass")]
    assert failed == []
    assert {k["what"] for k in closed} == {"a port of the host", "our own listener"}


def test_under_198_reloads_no_connection_fails_and_none_leaks(walled: WallLab) -> None:
    text = walled.state / "reload.nft"
    text.write_text(walled.seen(KIND).text or "")
    loop = f"for i in $(seq 198); do nft -f {text} || exit 1; done"
    loading = subprocess.Popen(walled.inside("sh", "-c", loop))  # noqa: S603 - of this test
    open_, closed = [], []
    while loading.poll() is None:
        open_ += walled.tried(walled.outside, [("tcp", HOST4, 8080)] * 10, wait=3)
        closed += walled.tried(walled.outside, [("tcp", HOST4, 8082)] * 3, wait=0.1)

    assert loading.returncode == 0
    assert set(open_) == {"ok"}
    assert set(closed) == {"lost"}


def test_both_walls_stand_beside_each_other(walled: WallLab) -> None:
    walled.apply(isolation.KIND, IsolationWishes())
    try:
        found = from_outside(walled)
        proof = isolation.verify(
            walled.machine, walled.seen(isolation.KIND), ground.hands(walled.machine)
        )
    finally:
        walled.off(isolation.KIND)

    assert found == {name: "ok" if name in OPEN else "lost" for name in found}
    assert [k for k in proof.knocks if k.outcome is not Outcome.PASS] == []
    assert walls.behind(KIND, walled.seen(KIND)) == ()
