import json

import pytest

from hullward.fixes import exports
from hullward.fixes.firewall import Wall
from hullward.model.errors import HullwardError
from hullward.model.walls import Opening

SOME = Opening("tcp", 5432, source="10.0.0.0/8")
WALL = Wall(
    frozenset(),
    frozenset(),
    {"tcp": frozenset({22}), "udp": frozenset({443})},
    (SOME, Opening("udp", 60000, 61000, "2001:db8::/32")),
)


def test_hcloud_takes_a_rule_for_each_opening_and_icmp() -> None:
    assert json.loads(exports.render(WALL, "hcloud")) == [
        {"direction": "in", "protocol": "tcp", "port": "22", "source_ips": ["0.0.0.0/0", "::/0"]},
        {"direction": "in", "protocol": "tcp", "port": "5432", "source_ips": ["10.0.0.0/8"]},
        {"direction": "in", "protocol": "udp", "port": "443", "source_ips": ["0.0.0.0/0", "::/0"]},
        {
            "direction": "in",
            "protocol": "udp",
            "port": "60000-61000",
            "source_ips": ["2001:db8::/32"],
        },
        {"direction": "in", "protocol": "icmp", "source_ips": ["0.0.0.0/0", "::/0"]},
    ]


def test_digitalocean_takes_inbound_rules_and_everything_outbound() -> None:
    found = json.loads(exports.render(WALL, "digitalocean"))

    assert found["inbound_rules"][1] == {
        "protocol": "tcp",
        "ports": "5432",
        "sources": {"addresses": ["10.0.0.0/8"]},
    }
    assert [rule["protocol"] for rule in found["outbound_rules"]] == ["tcp", "udp", "icmp"]


def test_aws_takes_both_families_apart() -> None:
    found = json.loads(exports.render(WALL, "aws"))

    assert found[0] == {
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
        "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
    }
    assert found[3]["ToPort"] == 61000
    assert found[3]["Ipv6Ranges"] == [{"CidrIpv6": "2001:db8::/32"}]
    assert "IpRanges" not in found[3]


def test_terraform_holds_each_opening_once_and_balanced_braces() -> None:
    text = exports.render(WALL, "terraform")

    assert text.count("{ protocol = ") == 4
    assert '{ protocol = "tcp", first = 5432, last = 5432, sources = ["10.0.0.0/8"] },' in text
    assert text.count("{") == text.count("}")


@pytest.mark.parametrize("form", exports.FORMATS)
def test_an_interface_of_the_host_means_nothing_to_a_provider(form: str) -> None:
    wall = Wall(frozenset(), frozenset(), {}, (Opening("tcp", 9090, link="eth1"),))

    with pytest.raises(HullwardError, match="9090/tcp on eth1"):
        exports.render(wall, form)
