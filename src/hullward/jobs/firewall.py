"""The wall to the outside: planned from live state, proven by real connections from outside."""

from msgspec import Struct
from msgspec.structs import replace

from hullward.fixes import firewall, knocks, wall_notes
from hullward.fixes.firewall import Wall, Wishes
from hullward.fixes.standing import Standing
from hullward.host import probe
from hullward.host.endpoints import UnixEndpoint
from hullward.jobs import ground as grounds
from hullward.jobs.ground import Ask, Look
from hullward.jobs.machine import Machine
from hullward.jobs.walls import Kind
from hullward.model.errors import HullwardError
from hullward.model.proof import Proof
from hullward.model.walls import FIREWALL
from hullward.rules import port_table

_STANDING = Standing(FIREWALL, firewall.COMMAND, "the wall to the outside")
JOB = firewall.COMMAND
_SECONDS = 1.5


def _make(seen: Look, wishes: Wishes) -> tuple[str, tuple[str, ...]]:
    wall = firewall.plan(seen.ground, wishes)
    notes = wall_notes.firewall(seen.ground, wall, wishes, seen.snapshot)
    return firewall.text(wall, wishes), notes


class _Errand(Struct, frozen=True):
    """What is sent to the host: places that may be alive, and addresses to listen on."""

    what: str
    nft: str
    table: str
    ordinary: int
    places: tuple[tuple[str, int], ...]
    addresses: tuple[str, ...]


def verify(machine: Machine, seen: Look, ask: Ask, addresses: tuple[str, ...]) -> Proof:
    """Knock from here at every port, those that must be closed too; keep what it shows."""
    if not addresses:
        if isinstance(machine.target.endpoint, UnixEndpoint):
            raise HullwardError(
                "Connections from the host to itself do not meet this wall.",
                "Verify from another machine (`hullward firewall verify ssh://…`), or name the "
                "address that this host is to be tried at with --address.",
            )
        addresses = probe.addresses(machine.target, machine.access.config)
    wishes = firewall.wished(seen.text) or Wishes()
    wall = firewall.plan(seen.ground, wishes)
    ports = _ports(seen, wall)
    mine = {address: knocks.local(seen.ground, address) for address in addresses}
    errand = _Errand(
        "outside",
        seen.ground.nft,
        FIREWALL,
        knocks.ordinary(seen.ground.accounts, (0,)),
        tuple((address, port) for address in dict.fromkeys(mine.values()) for port in ports),
        tuple(dict.fromkeys(mine.values())),
    )
    told = grounds.knock(ask, errand)
    found = probe.probe(addresses, (*ports, int(told["port"])), _SECONDS)
    after = grounds.knock(ask, replace(errand, what="counters"))
    alive = {(str(a), int(p)): result == "open" for (a, p), result in told["alive"]}
    grown = after["before"].get("denied", 0) - told["before"].get("denied", 0)
    proof = knocks.outside(
        {(a, p): (word, alive.get((mine[a], p), False)) for (a, p), word in found.items()},
        wall.open["tcp"],
        int(told["port"]),
        grown,
    )
    if FIREWALL in seen.ground.loaded:
        grounds.keep(machine, _STANDING, proof)
    return proof


def _ports(seen: Look, wall: Wall) -> tuple[int, ...]:
    """Give the ports to try; one that is open to some only may be open to us or not."""
    some = [opening for opening in wall.openings if opening.protocol == "tcp"]
    rows = port_table.table(seen.snapshot)
    ports = {row.port for row in rows if row.protocol == "tcp"} | wall.open["tcp"]
    return tuple(sorted(port for port in ports if not any(o.holds(port) for o in some)))


def _loaded(machine: Machine, seen: Look, ask: Ask) -> None:
    """Prove no more than that the kernel has the wall, and ssh a new connection."""
    del machine, seen, ask


def _limits(seen: Look) -> tuple[str, ...]:
    wishes = firewall.wished(seen.text) or Wishes()
    return wall_notes.outer_limits(seen.ground, wishes)


KIND = Kind(
    _STANDING,
    _make,
    firewall.wished,
    "what nothing else closes is open to the outside again",
    _loaded,
    _limits,
)
