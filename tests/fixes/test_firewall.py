import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from msgspec.structs import replace

import walls
from hullward.fixes import firewall, nft
from hullward.fixes.firewall import Wishes
from hullward.model.errors import HullwardError
from hullward.model.firewall import Link
from hullward.model.policy import Policy
from hullward.model.walls import Ground, Session

LINKS = (
    Link("lo", role="loopback"),
    Link("eth0", role="outside", addresses=("192.0.2.1/24",)),
    Link("docker0", "bridge", "container"),
    Link("veth1", "veth", "container", master="docker0"),
)
HOST = Ground(links=LINKS, bridges=frozenset({"docker0"}), ssh_ports=frozenset({2222}))
WIREGUARD = Link("wg0", "wireguard", "inside")
HERE = Session("192.0.2.1", 2222, "198.51.100.7", "eth0")


def test_the_policy_of_the_guide_and_the_real_port_of_sshd_are_open() -> None:
    assert firewall.plan(HOST, Wishes()).open == {"tcp": {22, 80, 443, 2222}, "udp": {443}}


def test_the_command_line_adds_to_the_policy_of_the_settings() -> None:
    policy = Policy(frozenset({22}), frozenset(), ("25/tcp",), ("wg0",), ())

    found = firewall.wishes(policy, ("5432/tcp from 10.0.0.0/8",), ("lan0",), ("eth1",))

    assert found == Wishes(
        (22,), (), ("25/tcp", "5432/tcp from 10.0.0.0/8"), ("lan0", "wg0"), ("eth1",)
    )


def test_every_link_is_classified_and_its_ports_as_it_is() -> None:
    bridge = Link("br0", "bridge", "outside")
    port = Link("eth1", "", "inside", master="br0")

    found = firewall.kinds(replace(HOST, links=(*LINKS, bridge, port, WIREGUARD)), Wishes())

    assert found == {
        "lo": "loopback", "eth0": "outside", "docker0": "container", "veth1": "container",
        "br0": "outside", "eth1": "outside", "wg0": "unclassified",
    }  # fmt: skip


def test_a_link_that_could_be_either_must_be_named() -> None:
    ground = replace(HOST, links=(*LINKS, WIREGUARD))

    with pytest.raises(HullwardError, match="lead to is not known: wg0"):
        firewall.plan(ground, Wishes())
    assert firewall.plan(ground, Wishes(trust=("wg0",))).trusted == {"wg0"}
    assert firewall.plan(ground, Wishes(outside=("wg0",))).trusted == frozenset()


@pytest.mark.parametrize(
    ("wishes", "what"),
    [
        (Wishes(trust=("eth0",), outside=("eth0",)), "both trusted and outside"),
        (Wishes(outside=("eth9",)), "There is no interface eth9"),
        (Wishes(trust=('w"0',)), "nft cannot hold"),
        (Wishes(open=("ssh",)), "names no port"),
        (Wishes(open=("70000/tcp",)), "no port between"),
        (Wishes(open=("90-80/tcp",)), "no port between"),
        (Wishes(open=("22/tcp from 300.0.0.0/8",)), "no range of addresses"),
    ],
)
def test_wishes_that_mean_nothing_are_refused(wishes: Wishes, what: str) -> None:
    with pytest.raises(HullwardError, match=what):
        firewall.plan(HOST, wishes)


def test_guests_on_a_bridge_whose_packets_the_host_filters_forbid_the_wall() -> None:
    bridge = Link("br0", "bridge", "outside")
    ground = replace(HOST, links=(*LINKS, bridge), filtered=("br0", "docker0"))

    with pytest.raises(HullwardError, match="Guests are bridged over br0"):
        firewall.plan(ground, Wishes())
    assert firewall.plan(ground, Wishes(trust=("br0",))).trusted == {"br0"}


def test_a_present_ssh_connection_that_would_be_closed_forbids_the_wall() -> None:
    elsewhere = replace(HERE, port=2022)

    assert 2222 in firewall.plan(replace(HOST, here=HERE), Wishes()).open["tcp"]
    with pytest.raises(HullwardError, match=r"from 198.51.100.7 to port 2022 on eth0 would be"):
        firewall.plan(replace(HOST, here=elsewhere), Wishes())
    with pytest.raises(HullwardError, match="would be closed"):
        firewall.plan(replace(HOST, sessions=(elsewhere,)), Wishes())


@pytest.mark.parametrize(
    ("opening", "comes_in"),
    [
        ("2022/tcp", True),
        ("2000-2100/tcp", True),
        ("2022/tcp from 198.51.100.0/24", True),
        ("2022/tcp on eth0", True),
        ("2022/udp", False),
        ("2022/tcp from 10.0.0.0/8", False),
        ("2022/tcp from 2001:db8::/32", False),
        ("2022/tcp on eth1", False),
    ],
)
def test_an_opening_lets_a_connection_in_that_it_describes(opening: str, comes_in: bool) -> None:  # noqa: FBT001
    wishes = Wishes(open=(opening,))
    wall = firewall.plan(HOST, wishes)

    assert firewall.admits(wall, HOST, wishes, replace(HERE, port=2022)) is comes_in


@given(ground=walls.grounds(), wishes=walls.firewall_wishes, data=st.data())
def test_the_wall_of_any_host_lets_the_present_ssh_connection_in(
    ground: Ground, wishes: Wishes, data: st.DataObject
) -> None:
    kinds = firewall.kinds(ground, wishes)
    unclear = [name for name, kind in kinds.items() if kind == firewall.UNKNOWN]
    trust = tuple(name for name in unclear if data.draw(st.booleans()))
    outside = tuple(name for name in unclear if name not in trust)
    wishes = replace(wishes, trust=trust, outside=outside)
    try:
        wall = firewall.plan(ground, wishes)
    except HullwardError:
        reject()
    sets = nft.elements(firewall.text(wall, wishes))

    assert firewall.wished(firewall.text(wall, wishes)) == wishes
    assert sets["trusted"] == set(trust)
    if ground.here is not None:
        assert firewall.admits(wall, ground, wishes, ground.here)


def test_containers_that_are_routed_get_what_is_open() -> None:
    ground = replace(HOST, routed=("2001:db8:1::/64", "10.9.0.0/24"))

    text = firewall.text(firewall.plan(ground, Wishes()), Wishes())

    assert "ip6 daddr 2001:db8:1::/64 tcp dport @open_tcp accept" in text
    assert "ip daddr 10.9.0.0/24 udp dport @open_udp accept" in text
