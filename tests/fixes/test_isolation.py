import pytest
from hypothesis import given, reject

import walls
from hullward.fixes import isolation, nft
from hullward.fixes.isolation import Isolation, Wishes
from hullward.model.errors import HullwardError
from hullward.model.firewall import Link
from hullward.model.users import Account
from hullward.model.walls import Ground, Proxy, Publication, Session

LOOPBACK = Link("lo", role="loopback", addresses=("127.0.0.1/8", "::1/128"))
CARD = Link("eth0", role="outside", addresses=("192.0.2.1/24",))
DOCKER = Link("docker0", "bridge", "container", ("172.17.0.1/16",))
NAMED = Link("appnet0", "bridge", "inside", ("172.19.0.1/16",))
LAN = Link("br-lan", "bridge", "inside", ("10.20.0.1/24",))
HOST = Ground(
    links=(LOOPBACK, CARD, DOCKER, NAMED, LAN, Link("virbr0", "bridge"), Link("tap0", "tun")),
    bridges=frozenset({"docker0", "appnet0"}),
    accounts=(Account("traefik", 1001, 1001),),
)


def made(ground: Ground, wishes: Wishes = Wishes()) -> Isolation:  # noqa: B008 - a frozen value
    return isolation.plan(ground, wishes)


def with_ports(*published: Publication) -> Ground:
    return Ground(links=HOST.links, bridges=HOST.bridges, published=published)


def test_every_bridge_is_of_containers_but_those_of_the_host() -> None:
    assert isolation.container_bridges(HOST) == {"docker0", "appnet0"}
    assert made(HOST).host_bridges == {"br-lan", "virbr0"}


def test_bridges_that_engines_left_behind_are_no_bridges_of_the_host() -> None:
    names = ("docker_gwbridge", "podman0", "br-0123456789ab", "cni-podman1", "lxdbr0")
    ground = Ground(links=tuple(Link(name, "bridge") for name in names))

    assert made(ground).host_bridges == {"lxdbr0"}


def test_root_the_proxies_found_and_the_users_named_may_reach_containers() -> None:
    ground = Ground(proxies=(Proxy("nginx", 33),), accounts=HOST.accounts)

    assert made(ground, Wishes(users=("traefik", "4000"))).uids == {0, 33, 1001, 4000}


@pytest.mark.parametrize("user", ["nobody-knows", "-1", "99999999999", "", "4294967295"])
def test_a_user_who_is_not_there_is_refused(user: str) -> None:
    with pytest.raises(HullwardError, match="There is no user"):
        made(HOST, Wishes(users=(user,)))


def test_ports_published_to_all_and_those_opened_are_for_containers() -> None:
    ground = with_ports(Publication("tcp", 8080), Publication("udp", 53))

    found = made(ground, Wishes(open=("443", "60000-60002/udp")))

    assert found.open == {"tcp": {443, 8080}, "udp": {53, 60000, 60001, 60002}}


def test_a_port_on_loopback_or_a_bridge_of_containers_is_for_the_allowed() -> None:
    ground = with_ports(
        Publication("tcp", 8888, "127.0.0.1"),
        Publication("tcp", 8889, "::1"),
        Publication("tcp", 5432, "172.17.0.1"),
        Publication("tcp", 8083, "192.0.2.1"),
    )

    found = made(ground)

    assert found.guarded["tcp", 4] == {("127.0.0.1", 8888), ("172.17.0.1", 5432)}
    assert found.guarded["tcp", 6] == {("::1", 8889)}
    # Containers reach what is published on their own gateway, and on an address of the host.
    assert found.at["tcp", 4] == {("172.17.0.1", 5432), ("192.0.2.1", 8083)}


def test_an_ssh_connection_over_a_bridge_of_containers_forbids_the_wall() -> None:
    ground = Ground(
        links=HOST.links,
        bridges=HOST.bridges,
        here=Session("172.17.0.1", 22, "172.17.0.9", "docker0"),
    )

    with pytest.raises(HullwardError, match=r"from 172\.17\.0\.9 comes over docker0"):
        made(ground)


@pytest.mark.parametrize("name", ['a"b', "eth*", "br{0", "a\\b", "a\x07b", "brücke"])
def test_a_bridge_of_the_host_that_nft_cannot_name_is_refused(name: str) -> None:
    found = made(Ground(links=(Link(name, "bridge"),)))

    with pytest.raises(HullwardError, match="a name that nft cannot hold"):
        isolation.text(found, Wishes())


@given(ground=walls.grounds(), wishes=walls.isolation_wishes)
def test_the_wall_of_any_host_never_matches_the_interface_of_ssh(
    ground: Ground, wishes: Wishes
) -> None:
    try:
        text = isolation.text(isolation.plan(ground, wishes), wishes)
    except HullwardError:
        reject()
    spared = nft.elements(text)["host_bridges"]

    for session in filter(None, (ground.here, *ground.sessions)):
        link = ground.link(session.link)
        assert link is None or link.kind != "bridge" or link.name in spared


@given(ground=walls.grounds(), wishes=walls.isolation_wishes)
def test_what_was_wished_can_be_read_back_from_the_text(ground: Ground, wishes: Wishes) -> None:
    try:
        found = isolation.plan(ground, wishes)
    except HullwardError:
        reject()
    text = isolation.text(found, wishes)

    assert isolation.wished(text) == wishes
    assert nft.elements(text)["allowed_uids"] == set(map(str, found.uids))
    assert nft.elements(text)["open_tcp"] == set(map(str, found.open["tcp"]))
    assert "0" in nft.elements(text)["allowed_uids"]


def test_a_text_of_somebody_else_tells_no_wishes() -> None:
    assert isolation.wished(None) is None
    assert isolation.wished("table inet x {}\n") is None
    assert isolation.wished("# wishes: {broken\n") is None
