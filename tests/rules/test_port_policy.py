from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullward.model.facts import Container, Port, Snapshot
from hullward.model.firewall import Chain, Firewall, Link, Table
from hullward.model.host import Host
from hullward.model.policy import GUIDE, Policy
from hullward.model.rule import Fail, HostRule, Unknown
from hullward.model.sockets import Socket, Sockets
from hullward.rules import ALL
from hullward.rules.port_policy import intended, under, unintended_open
from hullward.rules.port_rows import ANY4, Row

ports = st.integers(1, 65535)
policies = st.builds(Policy, st.frozensets(ports, max_size=4), st.frozensets(ports, max_size=4))
LINKS = (Link("eth0", role="outside", addresses=("192.0.2.1/24",), routes=(4,)),)


@dataclass(frozen=True)
class Scene:
    host: Host
    snapshot: Snapshot


def scene(*listening: Socket, containers: tuple[Container, ...] = (), seen: bool = True) -> Scene:
    tables = (Table("inet", "t", (Chain("in", (), "input"),)),) if seen else None
    gaps = {} if seen else {"tables": "not root"}
    firewall = Firewall(tables, LINKS, {"4": True}, gaps=gaps)
    host = Host("h", sockets=Sockets(listening), firewall=firewall)
    return Scene(host, Snapshot("t", containers=containers, host=host))


def ask(found: Scene, policy: Policy = GUIDE) -> list[Fail | Unknown]:
    (rule,) = (r for r in under(policy, ALL) if r.id == unintended_open.id)
    assert isinstance(rule, HostRule)
    return list(rule.check(found.host, found.snapshot))


def listens(port: int, protocol: str = "tcp", program: str = "app") -> Socket:
    return Socket(protocol, ANY4, port, program)


def test_the_guide_leaves_22_80_443_open_and_wherever_sshd_listens() -> None:
    found = scene(
        *(listens(port) for port in (22, 80, 443, 8080)),
        listens(443, "udp"),
        listens(2222, program="sshd"),
    )

    assert ask(found) == [Fail("open to everybody: 8080/tcp (app)")]


def test_the_owners_policy_takes_the_place_of_the_guides() -> None:
    found = scene(listens(80), listens(8443), listens(443, "udp"), listens(53, "udp"))
    policy = Policy(frozenset({8443}), frozenset({53}))

    assert ask(found, policy) == [Fail("open to everybody: 80/tcp (app), 443/udp (app)")]


def test_a_container_that_calls_itself_sshd_is_no_sshd() -> None:
    row = Row("tcp", ANY4, 2222, "box", container="box", program="sshd")

    assert not intended(row, GUIDE)


@pytest.mark.parametrize("protocol", ["sctp", ""])
def test_a_protocol_without_a_policy_is_closed(protocol: str) -> None:
    assert not intended(Row(protocol, ANY4, 443, "x"), GUIDE)


def test_unknown_rows_are_no_pass_of_the_policy() -> None:
    assert ask(scene(listens(22), listens(9), seen=False)) == [Unknown("not root: 9/tcp (app)")]


def test_unseen_sockets_are_no_pass_of_the_policy() -> None:
    found = scene()
    unseen = Host("h", firewall=found.host.firewall, gaps={"sockets": "cut"})

    assert ask(Scene(unseen, Snapshot("t", host=unseen))) == [Unknown("cut")]


@given(policies, st.lists(st.tuples(st.sampled_from(["tcp", "udp"]), ports), max_size=6))
def test_what_is_open_and_not_named_is_found_and_nothing_else(
    policy: Policy, open_: list[tuple[str, int]]
) -> None:
    answers = ask(scene(*(listens(port, protocol) for protocol, port in open_)), policy)
    allowed = {("tcp", n) for n in policy.open_tcp} | {("udp", n) for n in policy.open_udp}
    beyond = set(open_) - allowed - {("udp", 68), ("udp", 546)}
    named = "".join(answer.evidence for answer in answers if isinstance(answer, Fail))

    assert bool(answers) == bool(beyond)
    assert {word for word in named.replace(":", " ").split() if "/" in word} == {
        f"{port}/{protocol}" for protocol, port in beyond
    }


@given(policies, ports)
def test_a_published_port_is_judged_by_the_port_of_the_host(policy: Policy, port: int) -> None:
    web = Container("web", id="1" * 64, ports=(Port(443, address=ANY4, public=port),))
    found = ask(scene(listens(port, program="docker-proxy"), containers=(web,)), policy)

    assert bool(found) == (port not in policy.open_tcp)


@given(policies)
def test_a_policy_changes_no_other_rule(policy: Policy) -> None:
    changed = {a.id for a, b in zip(ALL, under(policy, ALL), strict=True) if a is not b}

    assert changed == {unintended_open.id}


@given(policies)
def test_a_policy_is_written_as_it_is(policy: Policy) -> None:
    words = [] if str(policy) == "nothing" else [w.split("/") for w in str(policy).split(", ")]

    assert (
        Policy(
            frozenset(int(port) for port, protocol in words if protocol == "tcp"),
            frozenset(int(port) for port, protocol in words if protocol == "udp"),
        )
        == policy
    )
