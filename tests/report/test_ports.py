import json

from hullward.model.policy import Policy
from hullward.report import ports
from hullward.report.ports import Ports, Probe
from hullward.rules.port_rows import ANY4, ANY6, Claim, Reach, Row

WEB = Row(
    "tcp",
    ANY4,
    8080,
    "web",
    container="web",
    private=80,
    published=True,
    claims=(Claim("ufw", holds=False),),
    reach=Reach.OPEN,
    reason="translated and forwarded",
)
SSH = Row("tcp", ANY6, 22, "sshd", program="sshd", reach=Reach.UNKNOWN, reason="not root")


def test_the_table_names_who_what_is_claimed_and_what_is_true() -> None:
    assert ports.render(Ports("prod", (SSH, WEB))) == (
        "prod · 2 ports\n"
        "\n"
        "PORT      BOUND TO            WHO       CLAIMED CLOSED BY  TRUTH    POLICY\n"
        "22/tcp    every IPv6 address  sshd      -                  unknown  open\n"
        "    not root\n"
        "8080/tcp  every IPv4 address  web → 80  ufw: FALSE         open     closed\n"
        "    translated and forwarded\n"
        "\n"
        "Claimed to be closed, and open: 8080/tcp\n"
        "A firewall of the provider cannot be seen from inside. Prove what is open from\n"
        "another machine: hullward ports TARGET --probe\n"
    )


def test_a_probe_stands_beside_the_truth_and_names_what_the_policy_closes() -> None:
    answers = {("192.0.2.1", 22): "reachable", ("192.0.2.1", 8080): "reachable"}
    told = Ports("prod", (WEB,), probe=Probe(("192.0.2.1",), answers))

    assert ports.surprises(told) == (("192.0.2.1", 8080),)
    assert "Reachable beside the policy: 192.0.2.1:8080\n" in ports.render(told)
    assert told.probe is not None
    assert told.probe.of(WEB) == "reachable"
    assert told.probe.of(SSH) == ""


def test_a_name_from_outside_cannot_reach_the_terminal() -> None:
    row = Row("tcp", ANY4, 1, "a\x1b[31m", reason="b\x1b")

    assert "\x1b" not in ports.render(Ports("t\x1b", (row,), "c\x1b"))


def test_missing_sockets_are_told_below_the_table() -> None:
    assert "Ports may be missing: cut.\n" in ports.render(Ports("t", (), "cut"))


def test_json_has_null_for_what_was_not_looked_at() -> None:
    (host,) = json.loads(ports.render_json([Ports("prod", (WEB,))]))["hosts"]

    assert (host["gap"], host["probe"], host["ports"][0]["probe"]) == (None, None, None)
    assert host["ports"][0]["claims"] == [{"firewall": "ufw", "holds": False}]
    assert host["ports"][0]["intended"] is False


def test_the_owners_policy_stands_in_every_column_that_speaks_of_it() -> None:
    probe = Probe(("192.0.2.1",), {("192.0.2.1", n): "reachable" for n in (22, 443, 8080)})
    told = Ports("prod", (WEB,), probe=probe, policy=Policy(frozenset({8080, 22})))
    (host,) = json.loads(ports.render_json([told]))["hosts"]

    assert ports.surprises(told) == (("192.0.2.1", 443),)
    assert host["policy"] == {"open_tcp": [22, 8080], "open_udp": [443]}
    assert host["ports"][0]["intended"] is True
    assert "reachable  open\n" in ports.render(told)
