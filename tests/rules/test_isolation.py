from msgspec.structs import replace

from builders import best, engine, snapshot
from hullward.model.facts import Snapshot
from hullward.model.firewall import Chain, FilterRule, Firewall, Match, Table
from hullward.model.host import Host
from hullward.model.rule import Fail, Unknown
from hullward.model.users import Account, Group, Users
from hullward.model.walls import ISOLATION
from hullward.rules.isolation import reach_containers

ALICE = Account("alice", 1000, 1000, "/bin/bash")
OPEN = Firewall(tables=())
WALL = Firewall(tables=(Table("inet", ISOLATION, (Chain("output", hook="output"),)),))
OWNER = FilterRule((Match("unknown", ("owner",)),), "drop")
OTHER = Firewall(tables=(Table("ip", "filter", (Chain("OUTPUT", (OWNER,), hook="output"),)),))


def found(
    firewall: Firewall | None = OPEN,
    users: Users | None = None,
    seen: Snapshot | None = None,
) -> list[Fail | Unknown]:
    host = Host(users=users or Users(accounts=(ALICE,), groups=()), firewall=firewall)
    return list(reach_containers.check(host, seen or snapshot(best())))


def test_people_beside_containers_and_no_wall_fail() -> None:
    assert found() == [Fail("alice: nothing stands before the 1 running containers")]


def test_the_wall_of_hullward_passes() -> None:
    assert found(WALL) == []


def test_who_is_root_anyway_and_who_cannot_log_in_are_no_people() -> None:
    member = Users(accounts=(ALICE,), groups=(Group("docker", 999, ("alice",)),))
    service = Users(accounts=(Account("alice", 1000, 1000, "/usr/sbin/nologin"),), groups=())

    assert found(users=member) == []
    assert found(users=service) == []


def test_without_containers_in_networks_there_is_nothing_to_reach() -> None:
    assert found(seen=snapshot(replace(best(), network_mode="host"))) == []
    assert found(seen=snapshot(replace(best(), state="exited"))) == []


def test_a_rootless_engine_has_no_bridge_on_the_host() -> None:
    rootless = replace(engine(), security_options=("name=rootless",))

    assert found(seen=snapshot(best(), engine=rootless)) == []


def test_what_could_not_be_read_is_unknown() -> None:
    hidden = Firewall(tables=None, gaps={"tables": "the kernel shows its rules to root only"})
    nobody = Users(accounts=None, gaps={"accounts": "no /etc/passwd"})

    assert found(hidden) == [
        Unknown("the kernel shows its rules to root only, and alice may log in")
    ]
    assert found(None) == [Unknown("the rules of the host were not read, and alice may log in")]
    assert found(users=nobody) == [Unknown("no /etc/passwd")]


def test_a_filter_by_owner_that_nobody_can_judge_is_unknown() -> None:
    assert found(OTHER) == [
        Unknown("what OUTPUT stops for whom cannot be judged, and alice may log in")
    ]
