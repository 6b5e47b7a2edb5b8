from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullward.collect import iptables_rules
from hullward.model.daemon import Daemon
from hullward.model.facts import Container, Engine, Port, Snapshot
from hullward.model.firewall import (
    Chain,
    FilterRule,
    Firewall,
    Firewalld,
    Link,
    Match,
    Table,
    Ufw,
    Unit,
)
from hullward.model.host import Host
from hullward.model.rule import Fail, HostRule, Unknown
from hullward.model.severity import Severity
from hullward.model.sockets import Socket, Sockets
from hullward.rules import firewall as rules
from hullward.rules import firewall_upkeep as upkeep
from hullward.rules import port_policy, port_table
from hullward.rules.port_rows import ANY4, ANY6
from hullward.rules.port_table import Claim, Reach, Row

LINKS = (
    Link("lo", role="loopback", addresses=("127.0.0.1/8", "::1/128")),
    Link("eth0", role="outside", addresses=("192.0.2.1/24", "2001:db8::1/64"), routes=(4, 6)),
    Link("docker0", "bridge", "container", ("172.17.0.1/16",)),
)
WEB = Container("web", id="1" * 64, ports=(Port(80, address=ANY4, public=8080),))
SSHD = Socket("tcp", ANY4, 22, "sshd", unit="ssh.service")
PROXY = Socket("tcp", ANY4, 8080, "docker-proxy")
DOCKER = """\
*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -j DOCKER
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
"""
CLOSED = DOCKER.replace(":INPUT ACCEPT", ":INPUT DROP")


def tables(text: str, family: str = "ip") -> tuple[Table, ...]:
    return iptables_rules.parse(text, family).tables


def host(text: str = DOCKER, *listening: Socket, **facts: Any) -> Host:  # noqa: ANN401 - of a Firewall
    usual: dict[str, Any] = {
        "tables": tables(text),
        "links": LINKS,
        "forwarding": {"4": True, "6": True},
        "units": {},
        "ufw": Ufw(),
        "firewalld": Firewalld(running=False),
        "flushing": (),
    }
    return Host(
        "h",
        sockets=Sockets(listening or (SSHD, PROXY)),
        firewall=Firewall(**{**usual, **facts}),
        daemon=Daemon(root="/var/lib/docker", flags={}, settings={}),
    )


def look(found: Host, *containers: Container) -> Snapshot:
    engine = Engine("28.5.1", root_directory="/var/lib/docker")
    return Snapshot("t", engine=engine, containers=containers or (WEB,), host=found)


def table(found: Host, *containers: Container) -> dict[tuple[str, int], Row]:
    rows = port_table.table(look(found, *containers))
    return {(row.address, row.port): row for row in rows}


def ask(rule: HostRule, found: Host, *containers: Container) -> list[Fail | Unknown]:
    answers: Iterator[Fail | Unknown] = rule.check(found, look(found, *containers))
    return list(answers)


def test_a_published_port_passes_a_closed_input() -> None:
    row = table(host(CLOSED))[ANY4, 8080]

    assert (row.reach, row.claims, row.deceived) == (
        Reach.OPEN,
        (Claim("iptables filter", holds=False),),
        True,
    )


def test_a_host_service_stands_behind_a_closed_input() -> None:
    row = table(host(CLOSED))[ANY4, 22]

    assert (row.reach, row.claims) == (Reach.BLOCKED, (Claim("iptables filter", holds=True),))


def test_without_translation_docker_proxy_stands_behind_input() -> None:
    wiped = CLOSED[CLOSED.index("*filter") :]

    assert table(host(wiped))[ANY4, 8080].reach is Reach.BLOCKED


def test_without_translation_and_docker_proxy_nobody_answers() -> None:
    row = table(host("", SSHD))[ANY4, 8080]

    assert (row.reach, row.reason) == (
        Reach.BLOCKED,
        "nobody answers: no translation by Docker, no docker-proxy",
    )


@pytest.mark.parametrize(
    ("rule", "reach"),
    [
        ("-A DOCKER-USER -i eth0 -j DROP", Reach.BLOCKED),
        ("-A DOCKER-USER -i eth1 -j DROP", Reach.OPEN),
        ("-A DOCKER-USER -p tcp -m tcp --dport 8080 -j DROP", Reach.OPEN),
        ("-A DOCKER-USER -p tcp -m tcp --dport 80 -j DROP", Reach.BLOCKED),
        ("-A DOCKER-USER -m conntrack --ctorigdstport 8080 -j DROP", Reach.BLOCKED),
        ("-A DOCKER-USER -m conntrack --ctstate RELATED,ESTABLISHED -j DROP", Reach.OPEN),
        ("-A DOCKER-USER ! -s 10.0.0.0/8 -i eth0 -j DROP", Reach.LIMITED),
        ("-A DOCKER-USER -s 203.0.113.7/32 -j DROP", Reach.OPEN),
        ("-A DOCKER-USER -m set --match-set bad src -j DROP", Reach.UNKNOWN),
        ("-A DOCKER-USER -m mark --mark 0x1 -j DROP", Reach.OPEN),
        ("-A DOCKER-USER -j ACCEPT", Reach.OPEN),
    ],
)
def test_rules_of_docker_user_hold_for_published_ports(rule: str, reach: Reach) -> None:
    end = DOCKER.rindex("COMMIT")
    row = table(host(f"{DOCKER[:end]}{rule}\nCOMMIT\n"))[ANY4, 8080]

    assert row.reach is reach


def test_a_limited_row_says_who_gets_in() -> None:
    head, tail = CLOSED.rsplit("COMMIT", 1)
    row = table(host(f"{head}-A INPUT -s 10.0.0.0/8 -j ACCEPT\nCOMMIT{tail}"))[ANY4, 22]

    assert (row.reach, row.reason) == (Reach.LIMITED, "open to 10.0.0.0/8 only")


def test_rules_out_of_sight_make_every_answer_unknown() -> None:
    rows = table(host(CLOSED, gaps={"hidden": "nft is not installed"}))

    assert {row.reach for row in rows.values()} == {Reach.UNKNOWN}
    assert rows[ANY4, 8080].reason == ("by the rules in sight it is open; nft is not installed")


def test_without_rules_only_the_loopback_address_is_judged() -> None:
    found = host(
        "", SSHD, Socket("tcp", "127.0.0.1", 631), tables=None, gaps={"tables": "not root"}
    )
    rows = table(found)

    assert rows["127.0.0.1", 631].reach is Reach.LOCAL
    assert (rows[ANY4, 22].reach, rows[ANY4, 22].reason) == (Reach.UNKNOWN, "not root")


def test_a_socket_of_both_families_gives_two_rows() -> None:
    rows = table(host(DOCKER, Socket("tcp", ANY6, 9000, "x", dual=True)))

    assert {address for address, port in rows if port == 9000} == {ANY4, ANY6}


def test_an_xdp_program_makes_its_link_unknown() -> None:
    links = tuple(
        Link(link.name, link.kind, link.role, link.addresses, program=link.name == "eth0")
        for link in LINKS
    )

    assert table(host(DOCKER, links=links))[ANY4, 22].reach is Reach.UNKNOWN


def test_a_negated_kind_does_not_fit_hardware() -> None:
    deny = FilterRule((Match("iifkind", ("bridge",), negated=True),), "accept")
    chain = Chain("in", (deny,), "input", policy="drop")
    mine = (*tables(DOCKER), Table("inet", "mine", (chain,)))

    assert table(host(tables=mine))[ANY4, 22].reach is Reach.BLOCKED


def test_ufw_beside_docker_is_grave_where_its_claim_is_false() -> None:
    text = CLOSED.replace(":INPUT DROP", ":ufw-before-input - [0:0]\n:INPUT DROP")
    (answer,) = ask(rules.manager_beside_docker, host(text, ufw=Ufw(installed=True)))

    assert answer == Fail(
        "ufw is active and claims to close 8080/tcp (web): Docker leads packets past its rules, "
        "so they are open",
        Severity.HIGH,
    )


def test_a_manager_without_a_false_claim_is_still_told() -> None:
    active = Ufw(installed=True, enabled=True, status="active")

    assert ask(rules.manager_beside_docker, host(ufw=active)) == [
        Fail("ufw is active; no published port escapes its claims now")
    ]


@pytest.mark.parametrize(
    "facts",
    [
        {"ufw": None, "gaps": {"ufw": "cut"}},
        {"firewalld": None, "gaps": {"firewalld": "cut"}},
    ],
)
def test_a_manager_that_was_not_asked_is_unknown(facts: dict[str, Any]) -> None:
    assert ask(rules.manager_beside_docker, host(**facts)) == [Unknown("cut")]


def test_an_installed_but_inactive_manager_passes() -> None:
    quiet = Ufw(installed=True, enabled=False, status="inactive")

    assert ask(rules.manager_beside_docker, host(ufw=quiet)) == []


def test_own_rules_that_a_published_port_passes_are_told() -> None:
    assert ask(rules.published_bypass, host(CLOSED)) == [
        Fail("iptables filter drops 8080/tcp (web), but they are open")
    ]
    assert ask(rules.published_bypass, host()) == []


@pytest.mark.parametrize(
    ("unit", "flushing", "answers"),
    [
        (Unit(enabled=True), ("/etc/nftables.conf:3:flush ruleset",), 1),
        (Unit(active=True, flushes=True), (), 1),
        (Unit(enabled=True), (), 0),
        (Unit(flushes=True), ("/etc/nftables.conf:3:flush ruleset",), 0),
    ],
)
def test_nftables_is_a_time_bomb_only_where_it_runs(
    unit: Unit, flushing: tuple[str, ...], answers: int
) -> None:
    found = ask(upkeep.flushes_docker, host(units={"nftables": unit}, flushing=flushing))

    assert [type(answer) for answer in found] == [Fail] * answers


def test_services_that_could_not_be_asked_are_unknown() -> None:
    found = host(units=None, gaps={"units": "no systemd"})

    assert ask(upkeep.flushes_docker, found) == [Unknown("no systemd")]


def test_restored_dumps_replace_docker_s_chains() -> None:
    (answer,) = ask(upkeep.flushes_docker, host(units={"netfilter-persistent": Unit(enabled=True)}))

    assert isinstance(answer, Fail)
    assert answer.severity is Severity.MEDIUM


def test_a_published_port_without_translation_means_wiped_rules() -> None:
    assert ask(upkeep.docker_rules_missing, host()) == []
    assert ask(upkeep.docker_rules_missing, host("")) == [Fail("no rule translates 8080/tcp (web)")]


def test_a_daemon_that_makes_no_rules_misses_none() -> None:
    seen = host("")
    told = Host(
        "h",
        sockets=seen.sockets,
        firewall=seen.firewall,
        daemon=Daemon(root="/var/lib/docker", flags={"iptables": ("false",)}),
    )

    assert ask(upkeep.docker_rules_missing, told) == []


def test_rules_out_of_sight_are_not_called_wiped() -> None:
    assert ask(upkeep.docker_rules_missing, host("", gaps={"hidden": "cut"})) == [Unknown("cut")]


def test_a_host_without_a_filter_leaves_it_unknown() -> None:
    (answer,) = ask(rules.none, host())

    assert isinstance(answer, Unknown)
    assert "--probe" in answer.reason
    assert ask(rules.none, host(CLOSED)) == []


def test_ipv6_without_a_filter_is_told_beside_a_filter_of_ipv4() -> None:
    both = Socket("tcp", ANY6, 9000, "x", dual=True)

    assert ask(rules.ipv6_open, host(CLOSED, both)) == [
        Fail("closed by IPv4 and open by IPv6: 9000/tcp (x)")
    ]
    assert ask(rules.ipv6_open, host(DOCKER, both)) == []
    six = (*tables(CLOSED), *tables(CLOSED[CLOSED.index("*filter") :], "ip6"))
    assert ask(rules.ipv6_open, host(tables=six)) == []


def test_a_port_for_the_host_alone_is_open_to_neighbours_before_docker_28() -> None:
    local = Container("db", id="2" * 64, ports=(Port(80, address="127.0.0.1", public=8080),))
    text = DOCKER.replace("! -i docker0 -p tcp", "-d 127.0.0.1/32 ! -i docker0 -p tcp", 1)
    raw = (
        "*raw\n:PREROUTING ACCEPT [0:0]\n"
        "-A PREROUTING -d 127.0.0.1/32 ! -i lo -p tcp -m tcp --dport 8080 -j DROP\nCOMMIT\n"
    )
    proxy = Socket("tcp", "127.0.0.1", 8080, "docker-proxy")

    assert ask(rules.neighbour_reach, host(text, proxy), local) == [
        Fail("8080/tcp (db): open to hosts on the link of eth0")
    ]
    assert ask(rules.neighbour_reach, host(raw + text, proxy), local) == []


_MATCHES = st.builds(
    Match,
    st.sampled_from(
        ["always", "iif", "oif", "protocol", "saddr", "daddr", "dport", "ctstate", "mark", "rpath",
         "tcpflags", "unknown", "origdport", "daddrtype", "nonsense"]
    ),
    st.lists(
        st.sampled_from(["eth0", "tcp", "22", "1-9000", "10.0.0.0/8", "new", "x", "::/0", "local"])
        | st.text(max_size=4), max_size=2,
    ).map(tuple),
    st.booleans(),
)  # fmt: skip
_RULES = st.builds(
    FilterRule,
    st.lists(_MATCHES, max_size=2).map(tuple),
    st.sampled_from(["accept", "drop", "return", "jump", "goto", "dnat", "mark", "unknown", "?"]),
    st.sampled_from(["a", "b", "", "10.0.0.9 80", "x y"]),
)
_CHAINS = st.builds(
    Chain,
    st.sampled_from(["a", "b"]),
    st.lists(_RULES, max_size=4).map(tuple),
    st.sampled_from(["", "prerouting", "input", "forward"]),
    st.sampled_from(["filter", "nat"]),
    st.integers(-300, 300),
    st.sampled_from(["accept", "drop"]),
)


@settings(deadline=None)
@given(st.lists(_CHAINS, max_size=4))
def test_no_ruleset_breaks_the_table(chains: list[Chain]) -> None:
    found = host(tables=(Table("inet", "t", tuple(chains)),))

    assert len(table(found)) == 2
    for rule in (port_policy.unintended_open, rules.ipv6_open, upkeep.docker_rules_missing):
        ask(rule, found)


@settings(deadline=None)
@given(st.lists(_CHAINS, max_size=3))
def test_a_drop_of_everything_first_closes_whatever_comes_later(chains: list[Chain]) -> None:
    wall = Chain("wall", (FilterRule((), "drop"),), "prerouting", priority=-400)
    found = host(tables=(Table("inet", "t", (wall, *chains)),))

    assert {row.reach for row in table(found).values()} == {Reach.BLOCKED}
