"""Whether the collector looked where the engine lives: in the same network namespace."""

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from msgspec.structs import replace

from hullward.model.facts import Snapshot
from hullward.model.host import Host


def only_of_engine(host: Host, snapshot: Snapshot) -> Host:
    """Leave out ports, firewall and sockets that are not the engine's, and say why.

    A rootless engine has a network of its own, but publishes its ports on the host's.
    """
    if snapshot.engine is not None and snapshot.engine.option("rootless"):
        return host
    reason = _elsewhere(host, snapshot)
    if not reason:
        return host
    users = host.users
    if users is not None:
        users = replace(users, sockets=None, gaps={**users.gaps, "sockets": reason})
    areas = {area: reason for area in ("sockets", "firewall") if getattr(host, area) is not None}
    return replace(host, users=users, sockets=None, firewall=None, gaps={**host.gaps, **areas})


def _elsewhere(host: Host, snapshot: Snapshot) -> str:
    """Say why what was seen is not the engine's network, or may not be; "" where it is."""
    network = _network(host, snapshot)
    if network == "same":
        return ""
    if network == "other":
        return "dockerd is in another network namespace than the collector"
    if _bridges(host, snapshot):
        return ""
    return (
        "whether dockerd is in the collector's network namespace is not known, and no bridge of "
        "the engine was seen there"
    )


def _network(host: Host, snapshot: Snapshot) -> str:
    """Give what is known of the network of dockerd, "" where it may not be the engine's."""
    daemon = host.daemon
    engine = snapshot.engine.root_directory if snapshot.engine else ""
    if daemon is None:
        return ""
    # With userns-remap the engine's root is a folder below, named UID.GID.
    mine = not engine or not daemon.root or f"{engine}/".startswith(f"{daemon.root.rstrip('/')}/")
    return daemon.network if mine else ""


def _bridges(host: Host, snapshot: Snapshot) -> bool:
    """Whether an interface has an address of one of the engine's bridges."""
    links = (host.firewall.links if host.firewall else None) or ()
    mine = [text.partition("/")[0] for link in links for text in link.addresses]
    subnets = [s for n in snapshot.networks or () if n.driver == "bridge" for s in n.subnets]
    return any(_inside(address, subnets) for address in mine)


def _inside(address: str, subnets: Iterable[str]) -> bool:
    for subnet in subnets:
        try:
            if ip_address(address) in ip_network(subnet, strict=False):
                return True
        except ValueError:
            continue
    return False
