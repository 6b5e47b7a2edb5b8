"""What the rules of a host do as a whole, whatever listens on it."""

from ipaddress import ip_address

from hullward.model.firewall import Firewall, Link
from hullward.rules import conditions, packets, port_table
from hullward.rules.conditions import Address, Budget, Packet
from hullward.rules.port_rows import Row

# A port that no service is known for.
_UNUSED = 47_811


def translated(row: Row, firewall: Firewall) -> bool:
    """Whether any rule gives packets for the port another destination."""
    return any(
        rule.verdict in {"dnat", "unknown"} and conditions.names_port(rule, row.protocol, row.port)
        for table in firewall.tables or ()
        for chain in table.chains
        for rule in chain.rules
    )


def denies_by_default(firewall: Firewall, version: int) -> bool | None:
    """Whether every link outside is closed where no service is; None where nobody can say."""
    if port_table.lack(firewall):
        return None
    anybody = port_table.stranger(conditions.prefixes(firewall.tables or (), version), version)
    addresses = [(link, _any_address(link, version)) for link in port_table.outside(firewall)]
    if anybody is None:
        return None
    closed = [
        bool(packets.claims(firewall, Packet("tcp", anybody, address, _UNUSED, link), Budget()))
        for link, address in addresses
        if address is not None
    ]
    return None if "hidden" in firewall.gaps else all(closed)


def _any_address(link: Link, version: int) -> Address | None:
    found = (ip_address(text.partition("/")[0]) for text in link.addresses)
    return next((a for a in found if a.version == version and not a.is_link_local), None)


def has_ipv6(firewall: Firewall) -> bool:
    """Whether a link outside has an address of IPv6 that is more than link-local."""
    return any(_any_address(link, 6) for link in port_table.outside(firewall))
