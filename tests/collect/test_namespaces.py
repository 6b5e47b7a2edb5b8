"""What is read in another network namespace than the engine's is a gap, never a fact."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

import machines
from hullward.collect.namespaces import only_of_engine
from hullward.model.daemon import Daemon
from hullward.model.facts import Engine, Network, Snapshot
from hullward.model.firewall import Firewall, Link
from hullward.model.host import Host
from hullward.model.sockets import Sockets

ROOT = "/var/lib/docker"
LINKS = (Link("lo", role="loopback", addresses=("127.0.0.1/8",)),)
DOCKER0 = Link("docker0", "bridge", "container", ("172.17.0.1/16",))
BRIDGE = Network("bridge", subnets=("172.17.0.0/16",))
ELSEWHERE = "dockerd is in another network namespace than the collector"
UNSURE = "whether dockerd is in the collector's network namespace is not known"


def host(network: str, *links: Link, root: str = ROOT) -> Host:
    return replace(
        machines.best(),
        daemon=Daemon(7, root=root, network=network),
        sockets=Sockets(),
        firewall=Firewall(links=(*LINKS, *links)),
    )


def look(*networks: Network, options: tuple[str, ...] = ()) -> Snapshot:
    engine = Engine("28.5.1", root_directory=ROOT, security_options=options)
    return Snapshot("t", engine=engine, networks=networks)


def lost(found: Host, snapshot: Snapshot) -> str:
    """Give the reason for the gap, and see that it covers all that hangs on the network."""
    after = only_of_engine(found, snapshot)
    reason = after.gaps.get("firewall", "")
    assert after.users
    assert (after.sockets is None) == (after.firewall is None) == bool(reason)
    assert (after.users.sockets is None) == bool(reason)
    assert after.gaps.get("sockets", "") == after.users.gaps.get("sockets", "") == reason
    assert reason or after == found
    return reason


@pytest.mark.parametrize(
    ("network", "links", "reason"),
    [
        ("same", (), ""),
        ("same", (DOCKER0,), ""),
        ("other", (), ELSEWHERE),
        ("other", (DOCKER0,), ELSEWHERE),
        ("hidden", (DOCKER0,), ""),
        ("hidden", (), UNSURE),
        ("", (DOCKER0,), ""),
        ("", (), UNSURE),
    ],
)
def test_the_network_of_dockerd_decides_and_else_a_bridge_of_the_engine(
    network: str, links: tuple[Link, ...], reason: str
) -> None:
    found = lost(host(network, *links), look(BRIDGE))

    assert found.partition(", and no bridge")[0] == reason


def test_a_rootless_engine_publishes_on_the_network_of_the_host() -> None:
    assert lost(host("other"), look(BRIDGE, options=("name=rootless",))) == ""


def test_another_dockerd_in_the_collectors_network_proves_nothing() -> None:
    assert lost(host("same", root="/srv/other"), look(BRIDGE)).startswith(UNSURE)


@pytest.mark.parametrize(
    "network",
    [
        Network("bridge", subnets=("10.9.0.0/16",)),
        Network("lan", driver="macvlan", subnets=("172.17.0.0/16",)),
        Network("bridge"),
    ],
)
def test_an_address_that_is_no_bridge_of_the_engine_proves_nothing(network: Network) -> None:
    assert lost(host("hidden", DOCKER0), look(network)).startswith(UNSURE)


@given(st.text(), st.text(), st.text())
def test_no_address_breaks_it(network: str, subnet: str, address: str) -> None:
    link = Link("x", addresses=(address,))

    reason = lost(host(network, link), look(Network("n", subnets=(subnet,))))

    assert reason or network == "same" or address
