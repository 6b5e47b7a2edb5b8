"""The state of the walls from recorded answers."""

import json

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hullward.collect import walls
from hullward.collect.bundle import Said
from hullward.model.facts import Container, Network, Port, Snapshot
from hullward.model.firewall import Firewall, Link
from hullward.model.host import Host
from hullward.model.sockets import Socket, Sockets
from hullward.model.walls import ISOLATION, Ground, Loaded, Proxy, Publication, Session

ID = "0" * 63 + "1"
LINKS = (
    Link("lo", role="loopback", addresses=("127.0.0.1/8",)),
    Link("eth0", role="outside", addresses=("192.0.2.1/24", "fe80::1/64")),
    Link("docker0", "bridge", "container", ("172.17.0.1/16",)),
    Link("tap0", "tun", master="br0"),
)
SOCKETS = Sockets(
    (
        Socket("tcp", "0.0.0.0", 2222, "sshd", 1, "ssh.service"),  # noqa: S104 - recorded
        Socket("tcp", "::", 443, "nginx", 10, "nginx.service"),
        Socket("tcp", "::", 80, "traefik", 20, container=ID),
        Socket("tcp", "::", 8443, "caddy", 30, "cron.service"),
    )
)
SNAPSHOT = Snapshot(
    "web1",
    containers=(
        Container(
            "proxy", ID, network_mode="host",
            ports=(Port(80, "tcp", "::", 8080), Port(80, "tcp", "127.0.0.1", 8888), Port(81)),
        ),
    ),
    networks=(
        Network("bridge", bridge="docker0"),
        Network("wide", bridge="br-1", gateway_modes=("routed",), subnets=("2001:db8:1::/64",)),
    ),
    host=Host(firewall=Firewall(links=LINKS), sockets=SOCKETS),
)  # fmt: skip
TABLES = """\
== nft
/usr/sbin/nft
nftables v1.0.6 (Lester Gooch #5)
== text-hullward_isolation
table inet hullward_isolation {
    chain made_by_hullward {
    }
}
== hullward_isolation
%s
== text-hullward_firewall
== hullward_firewall
== end
"""
OBJECTS = {
    "nftables": [
        {"metainfo": {"version": "1.0.6"}},
        {"table": {"family": "inet", "name": ISOLATION}},
        {"set": {"name": "allowed_uids", "table": ISOLATION, "elem": [0, 1001]}},
        {"set": {"name": "host_bridges", "table": ISOLATION}},
        {"set": {"name": "guarded4_tcp", "elem": [{"concat": ["127.0.0.1", 8888]}]}},
        {"chain": {"name": "output", "table": ISOLATION}},
        {"rule": {"chain": "output", "expr": []}},
        {"rule": {"chain": "output", "expr": []}},
        {"counter": {"name": "denied_out", "packets": 7}},
    ]
}
GROUND = f"""\
== uid
0
== here
SSH_CONNECTION=198.51.100.7 50000 192.0.2.1 2222
== sessions
0 0 192.0.2.1:2222 198.51.100.7:50000
0 0 [::ffff:192.0.2.1]:2222 [::ffff:198.51.100.8]:50001
0 0 [fe80::1]%eth0:2222 [fe80::9]:50002
0 0 192.0.2.1:443 198.51.100.9:50003
== init
systemd
== unprivileged
1024
== bridged
1
== proxies
/proc/10/status:Name:\tnginx
/proc/10/status:Uid:\t0\t0\t0\t0
/proc/10/cgroup:0::/system.slice/nginx.service
/proc/11/status:Name:\tnginx
/proc/11/status:Uid:\t33\t33\t33\t33
/proc/11/cgroup:0::/system.slice/nginx.service
/proc/20/status:Name:\ttraefik
/proc/20/status:Uid:\t1001\t1001\t1001\t1001
/proc/20/cgroup:0::/system.slice/docker-{ID}.scope
/proc/30/status:Name:\tcaddy
/proc/30/status:Uid:\t1000\t1000\t1000\t1000
/proc/30/cgroup:0::/system.slice/cron.service
/proc/31/status:Name:\tnginx
/proc/31/status:Uid:\t1000\t1000\t1000\t1000
/proc/31/cgroup:0::/user.slice/user-1000.slice/session-1.scope
/proc/32/status:Name:\tnginx
/proc/32/status:Uid:\t1000\t1000\t1000\t1000
/proc/32/cgroup:0::/user.slice/user-1000.slice/user@1000.service/app.slice/nginx.service
== end
"""


def parsed(tables: str = TABLES % json.dumps(OBJECTS), ground: str = GROUND) -> Ground:
    answers = {"walls-tables": Said(tables), "walls-ground": Said(ground)}
    return walls.parse(answers, SNAPSHOT)


def test_the_ground_of_a_host() -> None:
    found = parsed()

    assert (found.nft, found.version, found.init, found.root) == (
        "/usr/sbin/nft", (1, 0, 6), "systemd", True,
    )  # fmt: skip
    assert found.bridges == {"docker0", "br-1"}
    assert found.routed == ("2001:db8:1::/64",)
    assert found.published == (
        Publication("tcp", 8080, "", "proxy"),
        Publication("tcp", 8888, "127.0.0.1", "proxy"),
    )
    assert found.ssh_ports == {2222}
    assert found.filtered == ("br0",)
    assert found.gaps == {}


def test_the_present_connection_of_ssh_and_all_others() -> None:
    found = parsed()

    assert found.here == Session("192.0.2.1", 2222, "198.51.100.7", "eth0")
    assert found.sessions == (
        Session("192.0.2.1", 2222, "198.51.100.7", "eth0"),
        Session("192.0.2.1", 2222, "198.51.100.8", "eth0"),
        Session("fe80::1", 2222, "fe80::9", "eth0"),
    )


def test_a_proxy_is_one_that_listens_where_only_the_trusted_may() -> None:
    assert parsed().proxies == (
        Proxy("nginx", 0, "nginx.service"),
        Proxy("nginx", 33, "nginx.service"),
        Proxy("traefik", 1001, "proxy"),
    )


def test_where_everybody_may_bind_low_ports_no_proxy_is_believed() -> None:
    assert parsed(ground=GROUND.replace("\n1024\n", "\n0\n")).proxies == ()


def test_a_loaded_table_of_ours_is_read_with_sets_rules_and_counters() -> None:
    assert parsed().loaded == {
        ISOLATION: Loaded(
            ours=True,
            sets={
                "allowed_uids": frozenset({"0", "1001"}),
                "host_bridges": frozenset(),
                "guarded4_tcp": frozenset({"127.0.0.1 . 8888"}),
            },
            rules={"output": 2},
            counters={"denied_out": 7},
        )
    }


def test_a_table_of_our_name_without_the_mark_is_not_ours() -> None:
    text = (TABLES % "").replace("chain made_by_hullward", "chain theirs")

    assert parsed(tables=text).loaded == {ISOLATION: Loaded(ours=False)}


def test_an_answer_that_is_cut_off_is_a_gap() -> None:
    found = walls.parse({"walls-ground": Said(GROUND[:50])}, replace(SNAPSHOT, networks=None))

    assert set(found.gaps) == {"walls-tables", "walls-ground", "networks"}


def test_a_host_without_nft_says_so() -> None:
    assert parsed(tables="== nft\n== end\n").nft == ""


@given(st.text(), st.text())
def test_no_answer_is_so_odd_that_it_cannot_be_read(tables: str, ground: str) -> None:
    marks = ("== nft\n", "== hullward_isolation\n", "== here\n", "== sessions\n", "== proxies\n")

    found = parsed("".join(m + tables + "\n" for m in marks), "".join(m + ground for m in marks))

    assert isinstance(found, Ground)
