"""The policy of a wall to the outside, in the words of a provider's own firewall.

Formats: `hcloud firewall create --rules-file`, POST /v2/firewalls of DigitalOcean,
`aws ec2 authorize-security-group-ingress --ip-permissions`, and HCL for Terraform.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import ip_network
from typing import Any

import msgspec

from hullward.fixes.firewall import Wall
from hullward.model.errors import HullwardError
from hullward.model.walls import Opening

_ALL4, _ALL6 = "0.0.0.0/0", "::/0"
_NAME = "hullward"


def render(wall: Wall, form: str) -> str:
    """Write the policy in one of FORMATS."""
    return FORMATS[form](openings(wall))


def openings(wall: Wall) -> tuple[Opening, ...]:
    """Give all that is open; raises HullwardError for what no provider can tell apart."""
    bound = [o for o in wall.openings if o.link]
    if bound:
        raise HullwardError(
            f"A provider's firewall knows no interfaces of the host: {bound[0]}.",
            "Leave it out here, or write it with `from` in place of `on`.",
        )
    plain = (Opening(protocol, port) for protocol in wall.open for port in wall.open[protocol])
    return tuple(sorted({*plain, *wall.openings}))


def _sources(opening: Opening) -> list[str]:
    return [opening.source] if opening.source else [_ALL4, _ALL6]


def _ports(opening: Opening) -> str:
    return f"{opening.first}-{opening.last}" if opening.last else f"{opening.first}"


def _hcloud(found: Iterable[Opening]) -> str:
    rules: list[Mapping[str, Any]] = [
        {
            "direction": "in",
            "protocol": opening.protocol,
            "port": _ports(opening),
            "source_ips": _sources(opening),
        }
        for opening in found
    ]
    ping = {"direction": "in", "protocol": "icmp", "source_ips": [_ALL4, _ALL6]}
    return _json([*rules, ping])


def _digitalocean(found: Iterable[Opening]) -> str:
    inbound: list[Mapping[str, Any]] = [
        {
            "protocol": opening.protocol,
            "ports": _ports(opening),
            "sources": {"addresses": _sources(opening)},
        }
        for opening in found
    ]
    inbound.append({"protocol": "icmp", "sources": {"addresses": [_ALL4, _ALL6]}})
    everywhere = {"addresses": [_ALL4, _ALL6]}
    outbound: list[Mapping[str, Any]] = [
        {"protocol": protocol, "ports": "all", "destinations": everywhere}
        for protocol in ("tcp", "udp")
    ]
    outbound.append({"protocol": "icmp", "destinations": everywhere})
    return _json({"name": _NAME, "inbound_rules": inbound, "outbound_rules": outbound})


def _aws(found: Iterable[Opening]) -> str:
    rules = [
        {
            "IpProtocol": opening.protocol,
            "FromPort": opening.first,
            "ToPort": opening.last or opening.first,
            **_ranges(_sources(opening)),
        }
        for opening in found
    ]
    for protocol, source in (("icmp", _ALL4), ("icmpv6", _ALL6)):
        rules.append({"IpProtocol": protocol, "FromPort": -1, "ToPort": -1, **_ranges([source])})
    return _json(rules)


def _ranges(sources: Iterable[str]) -> Mapping[str, list[Mapping[str, str]]]:
    ranges: dict[str, list[Mapping[str, str]]] = {}
    for source in sources:
        six = ip_network(source).version == 6  # noqa: PLR2004 - IPv6
        key, field = ("Ipv6Ranges", "CidrIpv6") if six else ("IpRanges", "CidrIp")
        ranges.setdefault(key, []).append({field: source})
    return ranges


def _terraform(found: Iterable[Opening]) -> str:
    return "".join(_hcl(found))


def _hcl(found: Iterable[Opening]) -> Iterator[str]:
    yield "# Keep the resource of your provider, and attach it to the server.\nlocals {\n"
    yield "  hullward_open = [\n"
    for opening in found:
        sources = ", ".join(f'"{source}"' for source in _sources(opening))
        yield (
            f'    {{ protocol = "{opening.protocol}", first = {opening.first}, '
            f"last = {opening.last or opening.first}, sources = [{sources}] }},\n"
        )
    yield "  ]\n}\n"
    yield _RESOURCES


_RESOURCES = """
resource "hcloud_firewall" "hullward" {
  name = "hullward"
  dynamic "rule" {
    for_each = local.hullward_open
    content {
      direction  = "in"
      protocol   = rule.value.protocol
      port       = "${rule.value.first}-${rule.value.last}"
      source_ips = rule.value.sources
    }
  }
  rule {
    direction  = "in"
    protocol   = "icmp"
    source_ips = ["0.0.0.0/0", "::/0"]
  }
}

resource "digitalocean_firewall" "hullward" {
  name = "hullward"
  dynamic "inbound_rule" {
    for_each = local.hullward_open
    content {
      protocol         = inbound_rule.value.protocol
      port_range       = "${inbound_rule.value.first}-${inbound_rule.value.last}"
      source_addresses = inbound_rule.value.sources
    }
  }
  inbound_rule {
    protocol         = "icmp"
    source_addresses = ["0.0.0.0/0", "::/0"]
  }
  dynamic "outbound_rule" {
    for_each = ["tcp", "udp"]
    content {
      protocol              = outbound_rule.value
      port_range            = "1-65535"
      destination_addresses = ["0.0.0.0/0", "::/0"]
    }
  }
  outbound_rule {
    protocol              = "icmp"
    destination_addresses = ["0.0.0.0/0", "::/0"]
  }
}

resource "aws_security_group" "hullward" {
  name = "hullward"
  dynamic "ingress" {
    for_each = local.hullward_open
    content {
      protocol         = ingress.value.protocol
      from_port        = ingress.value.first
      to_port          = ingress.value.last
      cidr_blocks      = [for s in ingress.value.sources : s if !strcontains(s, ":")]
      ipv6_cidr_blocks = [for s in ingress.value.sources : s if strcontains(s, ":")]
    }
  }
  ingress {
    protocol    = "icmp"
    from_port   = -1
    to_port     = -1
    cidr_blocks = ["0.0.0.0/0"]
  }
  ingress {
    protocol         = "icmpv6"
    from_port        = -1
    to_port          = -1
    ipv6_cidr_blocks = ["::/0"]
  }
  egress {
    protocol         = "-1"
    from_port        = 0
    to_port          = 0
    cidr_blocks      = ["0.0.0.0/0"]
    ipv6_cidr_blocks = ["::/0"]
  }
}
"""


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value)).decode() + "\n"


FORMATS: Mapping[str, Callable[[Iterable[Opening]], str]] = {
    "terraform": _terraform,
    "hcloud": _hcloud,
    "digitalocean": _digitalocean,
    "aws": _aws,
}
