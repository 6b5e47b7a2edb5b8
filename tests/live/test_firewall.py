import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from firewall_lab import Lab, lab
from hullward import flow, judge
from hullward.model.report import Outcome, Verdict
from hullward.model.severity import Severity
from hullward.rules import ALL
from hullward.rules.port_rows import ANY4, ANY6
from hullward.rules.port_table import Reach, Row

pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces and an engine need root"),
    pytest.mark.skipif(not shutil.which("ip"), reason="the program ip is not installed"),
]

PORTGUARD = """
table inet portguard {
  set wan { type ifname; elements = { "ext0" }; }
  set open_tcp { type inet_service; flags interval; elements = { 22, 443, 8080 }; }
  chain inbound {
    type filter hook prerouting priority -150; policy accept;
    iifname != @wan accept
    ct state established,related accept
    icmpv6 type { echo-request, nd-neighbor-solicit, nd-neighbor-advert } accept
    ip daddr 127.0.0.0/8 drop
    fib daddr type local tcp dport @open_tcp accept
    limit rate 10/minute log prefix "portguard "
    counter drop
  }
}
"""
INPUT_DROP = """
table inet mine {
  chain input {
    type filter hook input priority 0; policy drop;
    iifname "lo" accept
    ct state vmap { established : accept, related : accept, invalid : drop }
    meta l4proto { icmp, ipv6-icmp } accept
    tcp dport { 22, 8090 } accept
    ip saddr 10.0.0.0/8 tcp dport 9000 accept
  }
}
"""
# The shape of firewalld's own table: one zone for each link, and answers by reverse path.
FIREWALLD = """
table inet firewalld {
  chain filter_PREROUTING {
    type filter hook prerouting priority 10; policy accept;
    meta nfproto ipv6 fib saddr . mark . iif oif missing drop
  }
  chain filter_INPUT {
    type filter hook input priority 10; policy accept;
    ct state { established, related } accept
    ct status dnat accept
    iifname "lo" accept
    ct state invalid drop
    jump filter_INPUT_ZONES
    reject with icmpx admin-prohibited
  }
  chain filter_FORWARD {
    type filter hook forward priority 10; policy accept;
    ct state { established, related } accept
    ct status dnat accept
    iifname "lo" accept
    reject with icmpx admin-prohibited
  }
  chain filter_INPUT_ZONES {
    iifname vmap { "docker0" : goto filter_IN_docker, "ext0" : goto filter_IN_public }
    goto filter_IN_public
  }
  chain filter_IN_docker {
    accept
  }
  chain filter_IN_public {
    jump filter_IN_public_allow
    meta l4proto { icmp, ipv6-icmp } accept
  }
  chain filter_IN_public_allow {
    tcp dport 22 ct state { new, untracked } accept
    ip6 daddr fe80::/64 udp dport 546 ct state { new, untracked } accept
  }
}
"""


UFW_DOCKER = """
# BEGIN UFW AND DOCKER
*filter
:ufw-user-forward - [0:0]
:ufw-docker-logging-deny - [0:0]
:DOCKER-USER - [0:0]
-A DOCKER-USER -j ufw-user-forward
-A DOCKER-USER -j RETURN -s 10.0.0.0/8
-A DOCKER-USER -j RETURN -s 172.16.0.0/12
-A DOCKER-USER -j RETURN -s 192.168.0.0/16
-A DOCKER-USER -p udp -m udp --sport 53 --dport 1024:65535 -j RETURN
-A DOCKER-USER -j ufw-docker-logging-deny -p tcp -m tcp --syn -d 192.168.0.0/16
-A DOCKER-USER -j ufw-docker-logging-deny -p tcp -m tcp --syn -d 10.0.0.0/8
-A DOCKER-USER -j ufw-docker-logging-deny -p tcp -m tcp --syn -d 172.16.0.0/12
-A DOCKER-USER -j ufw-docker-logging-deny -p udp -m udp --dport 0:32767 -d 192.168.0.0/16
-A DOCKER-USER -j ufw-docker-logging-deny -p udp -m udp --dport 0:32767 -d 10.0.0.0/8
-A DOCKER-USER -j ufw-docker-logging-deny -p udp -m udp --dport 0:32767 -d 172.16.0.0/12
-A DOCKER-USER -j RETURN
-A ufw-docker-logging-deny -m limit --limit 3/min --limit-burst 10 -j LOG
-A ufw-docker-logging-deny -j DROP
COMMIT
# END UFW AND DOCKER
"""
ODD = """
table inet odd {
  chain c {
    type filter hook prerouting priority -160; policy accept;
    tcp dport 22 meta hour 0-1 drop
    tcp dport 8080 ip ttl lt 3 drop
  }
}
"""


@pytest.fixture(scope="module", params=["26.1", "28.5"])
def host(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with lab(f"live-fw-{request.param[:2]}", request.param) as made:
        yield made


def reach(rows: tuple[Row, ...], port: int, *, protocol: str = "tcp") -> dict[str, Reach]:
    return {r.address: r.reach for r in rows if (r.port, r.protocol) == (port, protocol)}


def unknown(rows: tuple[Row, ...]) -> list[Row]:
    return [row for row in rows if row.reach is Reach.UNKNOWN]


def test_without_rules_everything_that_is_bound_to_all_addresses_is_open(host: Lab) -> None:
    rows, wrong = host.compare()

    assert wrong == []
    assert unknown(rows) == []
    assert {r.reach for r in rows if r.everywhere} == {Reach.OPEN}
    assert reach(rows, 9001) == {"127.0.0.1": Reach.LOCAL}


@pytest.mark.skipif(bool(shutil.which("nft")), reason="this machine has nft itself")
def test_a_host_without_nft_may_have_rules_that_nobody_sees(host: Lab) -> None:
    path, host.path = host.path, os.environ["PATH"]
    try:
        rows, _ = host.compare()
    finally:
        host.path = path

    assert {row.reach for row in rows} == {Reach.UNKNOWN, Reach.LOCAL}


def test_a_policy_of_input_closes_host_services_and_no_published_port(host: Lab) -> None:
    host.nft(INPUT_DROP)
    try:
        rows, wrong = host.compare()
    finally:
        host.nft("delete table inet mine")

    assert wrong == []
    assert unknown(rows) == []
    assert reach(rows, 22) == {ANY4: Reach.OPEN, ANY6: Reach.OPEN}
    assert reach(rows, 9000) == {ANY4: Reach.LIMITED}
    deceived = {row.port for row in rows if row.deceived}
    assert {8080, 8082, 8083, 5300} <= deceived


def test_a_drop_before_translation_closes_published_ports(host: Lab) -> None:
    host.nft(PORTGUARD)
    try:
        rows, wrong = host.compare()
    finally:
        host.nft("delete table inet portguard")

    assert wrong == []
    assert unknown(rows) == []
    assert reach(rows, 8080) == {ANY4: Reach.OPEN, ANY6: Reach.OPEN}
    assert set(reach(rows, 8082).values()) == {Reach.BLOCKED}
    assert not any(row.deceived for row in rows)


def test_a_probe_from_outside_reaches_what_a_wall_leaves_open(host: Lab, tmp_path: Path) -> None:
    flow.save(str(tmp_path / "snapshot"), [host.look()])
    host.nft(PORTGUARD)
    try:
        status, said = host.probe(tmp_path / "snapshot")
    finally:
        host.nft("delete table inet portguard")

    assert status == 1
    assert said.splitlines()[-2:] == [
        "Reachable: 192.0.2.1:22, 192.0.2.1:8080, [2001:db8::1]:22, [2001:db8::1]:8080",
        "Reachable beside the policy: 192.0.2.1:8080, [2001:db8::1]:8080",
    ]


def test_rules_for_docker_user_close_ipv4_and_let_private_sources_in(host: Lab) -> None:
    before = "DOCKER-USER -i ext0 -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"
    rules = (
        before,
        "DOCKER-USER -i ext0 -s 10.0.0.0/8 -j RETURN",
        "DOCKER-USER -i ext0 -m conntrack --ctorigdstport 8080 -j RETURN",
        "DOCKER-USER -i ext0 -j DROP",
    )
    for number, rule in enumerate(rules, 1):
        host.iptables(f"-I {rule.replace('DOCKER-USER', f'DOCKER-USER {number}', 1)}")
    try:
        rows, wrong = host.compare()
    finally:
        host.iptables(*(f"-D {rule}" for rule in rules))

    assert wrong == []
    assert unknown(rows) == []
    assert reach(rows, 8082)[ANY4] is Reach.LIMITED
    assert reach(rows, 8082)[ANY6] is Reach.OPEN
    assert reach(rows, 8080)[ANY4] is Reach.OPEN


def test_the_rules_of_firewalld_close_only_what_is_not_translated(host: Lab) -> None:
    host.nft(FIREWALLD)
    try:
        rows, wrong = host.compare()
    finally:
        host.nft("delete table inet firewalld")

    assert wrong == []
    assert unknown(rows) == []
    assert reach(rows, 9000) == {ANY4: Reach.BLOCKED}
    assert reach(rows, 8080)[ANY4] is Reach.OPEN


def test_a_filter_of_ipv4_alone_leaves_ipv6_open(host: Lab) -> None:
    host.iptables("-I INPUT 1 -i ext0 -p tcp -m multiport --dports 22,8090,9000 -j DROP")
    try:
        rows, wrong = host.compare()
    finally:
        host.iptables("-D INPUT -i ext0 -p tcp -m multiport --dports 22,8090,9000 -j DROP")

    assert wrong == []
    assert reach(rows, 22) == {ANY4: Reach.BLOCKED, ANY6: Reach.OPEN}


def test_a_rule_that_nobody_can_judge_gives_unknown(host: Lab) -> None:
    host.nft(ODD)
    try:
        rows, wrong = host.compare()
    finally:
        host.nft("delete table inet odd")

    assert wrong == []
    assert {row.port for row in unknown(rows)} == {22, 8080}


def test_the_real_ufw_closes_host_services_and_is_deceived_by_docker(host: Lab) -> None:
    host.install_ufw()
    host.shell("ufw --force enable && ufw allow 22/tcp && ufw limit 8090/tcp")
    host.shell("ufw allow from 10.0.0.0/8 to any port 9000 proto tcp")
    try:
        rows, wrong = host.compare()
        failed = verdicts(host, "firewall-manager-beside-docker")
    finally:
        host.shell("ufw disable")

    assert wrong == []
    assert unknown(rows) == []
    assert reach(rows, 22) == {ANY4: Reach.OPEN, ANY6: Reach.OPEN}
    # Where the kernel has no REJECT for IPv6, ufw itself leaves its limit for IPv6 unfinished.
    assert reach(rows, 8090)[ANY4] is Reach.OPEN
    assert reach(rows, 9000) == {ANY4: Reach.LIMITED}
    assert reach(rows, 8080)[ANY4] is Reach.OPEN
    assert [(v.severity, v.outcome) for v in failed] == [(Severity.HIGH, Outcome.FAIL)]


def test_the_block_of_ufw_docker_keeps_strangers_out_and_trusts_private_sources(host: Lab) -> None:
    host.install_ufw()
    host.shell("cat >>/etc/ufw/after.rules", UFW_DOCKER)
    host.shell("ufw --force enable")
    try:
        rows, wrong = host.compare()
        found = host.look().host
    finally:
        host.shell("ufw disable")

    assert wrong == []
    assert unknown(rows) == []
    assert reach(rows, 8080)[ANY4] is Reach.LIMITED
    assert found is not None
    assert found.firewall is not None
    assert found.firewall.ufw is not None
    assert found.firewall.ufw.docker_block is True


def verdicts(host: Lab, rule: str) -> list[Verdict]:
    chosen = [found for found in ALL if found.id == rule]
    today = datetime.now(UTC).date()
    return list(judge.judge(host.look(), chosen, [], today).verdicts)


def test_wiped_rules_leave_published_ports_to_docker_proxy_and_so_to_input(host: Lab) -> None:
    host.nft("flush ruleset")
    wiped, wrong_wiped = host.compare()
    host.nft(INPUT_DROP)
    closed, wrong_closed = host.compare()
    missing = verdicts(host, "firewall-docker-rules-missing")

    assert (wrong_wiped, wrong_closed) == ([], [])
    assert [v.outcome for v in missing] == [Outcome.FAIL]
    assert unknown(wiped) == unknown(closed) == []
    assert reach(wiped, 8080) == {ANY4: Reach.OPEN, ANY6: Reach.OPEN}
    assert reach(closed, 8080) == {ANY4: Reach.BLOCKED, ANY6: Reach.BLOCKED}
