import pytest

from hullward.model.facts import Engine, Snapshot, Swarm
from hullward.model.host import Host
from hullward.model.rule import EngineRule, Fail, Unknown
from hullward.model.severity import Severity
from hullward.model.sockets import Socket, Sockets
from hullward.rules import swarm

OF_MANAGERS = (
    swarm.autolock_off,
    swarm.manager_count,
    swarm.certificate_life,
    swarm.root_expiry,
    swarm.open_port,
)
GOOD = Swarm(autolock=True, certificate_days=90, root_expires="2040-01-01", managers=3, nodes=5)


def manager(found: Swarm | None, host: Host | None = None) -> Snapshot:
    engine = Engine("29", swarm="active", manager=True)
    return Snapshot("web", "2026-11-24T00:00:00Z", engine, swarm=found, host=host)


@pytest.mark.parametrize("rule", [swarm.enabled, *OF_MANAGERS])
def test_outside_of_a_swarm_all_pass(rule: EngineRule) -> None:
    assert list(rule.check(Snapshot("web", engine=Engine("29", swarm="inactive")))) == []


@pytest.mark.parametrize("rule", [swarm.enabled, *OF_MANAGERS])
def test_an_engine_that_could_not_be_read_is_unknown(rule: EngineRule) -> None:
    snapshot = Snapshot("web", engine=Engine("29"), gaps={"info": "403"})

    assert list(rule.check(snapshot)) == [Unknown("403")]


@pytest.mark.parametrize("rule", OF_MANAGERS[:-1])
def test_a_worker_cannot_tell_and_a_silent_manager_neither(rule: EngineRule) -> None:
    worker = Snapshot("web", engine=Engine("29", swarm="active"))

    assert list(rule.check(worker)) == [
        Unknown("this node is no manager: audit a manager of the swarm")
    ]
    assert list(rule.check(manager(None))) == [Unknown("the swarm was not read")]


@pytest.mark.parametrize("rule", OF_MANAGERS[:-1])
def test_a_swarm_in_order_passes(rule: EngineRule) -> None:
    assert list(rule.check(manager(GOOD))) == []


@pytest.mark.parametrize(
    ("managers", "nodes", "found"),
    [
        (1, 1, [Fail("one manager, and no other node", Severity.INFO)]),
        (1, 4, [Fail("one manager of 4 nodes")]),
        (2, 4, [Fail("2 managers")]),
        (10, 12, [Fail("10 managers")]),
        (9, 12, [Fail("9 managers")]),
        (5, 5, []),
        (7, 9, []),
        (None, None, [Unknown("the nodes were not listed")]),
    ],
)
def test_managers_are_counted(
    managers: int | None, nodes: int | None, found: list[Fail | Unknown]
) -> None:
    snapshot = manager(Swarm(autolock=True, managers=managers, nodes=nodes))

    assert list(swarm.manager_count.check(snapshot)) == found


def test_the_other_faults_of_a_swarm_fail() -> None:
    snapshot = manager(Swarm(autolock=False, certificate_days=375, root_expires="2027-01-01"))

    assert list(swarm.enabled.check(snapshot)) == [Fail("swarm is active")]
    assert list(swarm.autolock_off.check(snapshot)) == [Fail("AutoLockManagers is false")]
    assert list(swarm.certificate_life.check(snapshot)) == [
        Fail("a node's certificate lasts 375 days")
    ]
    assert list(swarm.root_expiry.check(snapshot)) == [
        Fail("it ends on 2027-01-01, 38 days after this look")
    ]


def test_what_a_swarm_does_not_say_is_unknown() -> None:
    snapshot = manager(Swarm(autolock=True))

    assert isinstance(next(iter(swarm.certificate_life.check(snapshot))), Unknown)
    assert isinstance(next(iter(swarm.root_expiry.check(snapshot))), Unknown)


def test_the_port_of_managers_fails_only_on_every_address() -> None:
    everywhere = Sockets((Socket("tcp", "::", 2377, "dockerd"),))
    inside = Sockets((Socket("tcp", "10.0.0.1", 2377, "dockerd"), Socket("tcp", "::", 22)))

    assert list(swarm.open_port.check(manager(GOOD, Host(sockets=everywhere)))) == [
        Fail("dockerd listens on [::]:2377")
    ]
    assert list(swarm.open_port.check(manager(GOOD, Host(sockets=inside)))) == []
    assert list(swarm.open_port.check(manager(GOOD))) == [
        Unknown("what listens on the host was not looked at")
    ]
