"""What host/knock.py is to try on a host, and what its answers prove.

A closed place proves something only with its control: root reaches the very same place, and the
wall's own counter of refusals grew with every attempt. A service that is dead is unknown.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from msgspec import Struct

from hullward.fixes import isolation
from hullward.fixes.isolation import Isolation
from hullward.model.facts import Container, Snapshot
from hullward.model.proof import Knock, Proof
from hullward.model.report import Outcome
from hullward.model.users import Account
from hullward.model.walls import ISOLATION, Ground

NOBODY = 65534
_FIRST_PERSON = 1000
_MOST_PUBLISHED, _MOST_OPEN = 4, 20


class Errand(Struct, frozen=True):
    """What is sent to the host, as JSON; pairs are (address, port)."""

    what: str
    nft: str
    table: str
    ordinary: int
    uids: tuple[int, ...]
    containers: tuple[Mapping[str, Any], ...]
    bridges: tuple[str, ...]
    gateways: tuple[str, ...]
    outside: tuple[str, ...]
    open: tuple[int, ...]
    guarded: tuple[tuple[str, int], ...]
    published: tuple[tuple[str, int], ...]


def ordinary(accounts: Iterable[Account], allowed: Iterable[int]) -> int:
    """Choose a user who may not reach containers: a person of this host, or else nobody."""
    people = sorted(a.uid for a in accounts if a.person and a.uid not in set(allowed))
    if people:
        return people[0]
    free = (uid for uid in range(NOBODY, _FIRST_PERSON, -1) if uid not in set(allowed))
    return next(free)


def errand(ground: Ground, snapshot: Snapshot, found: Isolation) -> Errand:
    """Choose what to try on this host."""
    bridges = sorted(isolation.container_bridges(ground))
    gateways = [
        address.partition("/")[0]
        for link in ground.links
        if link.name in bridges
        for address in link.addresses
    ]
    stranger = ordinary(ground.accounts, found.uids)
    published = frozenset(p.port for p in ground.published if not p.address)
    outer = tuple(_outer(ground))
    return Errand(
        what="isolation",
        nft=ground.nft,
        table=ISOLATION,
        ordinary=stranger,
        uids=(0, *sorted(found.uids - {0}), stranger),
        containers=tuple(
            {"name": c.name, "id": c.id, "pid": c.pid, "inner": _inner(c, snapshot)}
            for c in snapshot.containers
            if _apart(c)
        ),
        bridges=tuple(bridges),
        gateways=tuple(address for address in gateways if not ip_address(address).is_link_local),
        outside=outer,
        open=tuple(sorted(found.open["tcp"] - published)[:_MOST_OPEN]),
        guarded=tuple(
            sorted(
                {
                    place
                    for (protocol, _), places in found.guarded.items()
                    if protocol == "tcp"
                    for place in places
                }
            )
        ),
        published=tuple(
            (address, port)
            for address in outer
            for port in sorted(_relayed(ground) & _published(snapshot, address))[:_MOST_PUBLISHED]
        ),
    )


def _inner(container: Container, snapshot: Snapshot) -> bool:
    """Whether it is in internal networks only, which Docker itself keeps from all the rest."""
    internal = {network.name for network in snapshot.networks or () if network.internal}
    return bool(container.networks) and set(container.networks) <= internal


def _relayed(ground: Ground) -> frozenset[int]:
    """Give the ports that docker-proxy relays: without it, Docker keeps networks apart here too."""
    return frozenset(s.port for s in ground.listening if s.program == "docker-proxy")


def _published(snapshot: Snapshot, address: str) -> frozenset[int]:
    """Give the ports that are published to all by the family of an address."""
    families = {"", "::"} if ip_address(address).version == 6 else {"", "0.0.0.0"}  # noqa: PLR2004, S104 - compared
    return frozenset(
        port.public
        for container in snapshot.containers
        for port in container.ports
        if port.protocol == "tcp" and port.public and port.address in families
    )


def _apart(container: Container) -> bool:
    """Whether it has a network of its own, which leads somewhere."""
    mode = container.network_mode
    return (
        container.state == "running"
        and container.pid > 0
        and mode not in {"host", "none"}
        and not mode.startswith("container:")
    )


def _outer(ground: Ground) -> Iterator[str]:
    """Give one address of each family by which the outside knows the host."""
    seen: set[int] = set()
    for link in ground.links:
        for text in link.addresses if link.role == "outside" else ():
            address = ip_address(text.partition("/")[0])
            if not address.is_link_local and address.version not in seen:
                seen.add(address.version)
                yield str(address)


def proof(answer: Mapping[str, Any], asked: Errand, names: Mapping[int, str]) -> Proof:
    """Judge what was tried; `names` are those of the uids."""
    knocks: Sequence[Sequence[Any]] = answer["knocks"]
    reached = {(e[4], e[5]) for e in knocks if e[0] == 0 and not e[1] and e[6] == "open"}
    rows = [_judged(entry, asked, reached, names) for entry in knocks if _wanted(entry, asked)]
    for counter, inside in (("denied_out", False), ("denied_in", True)):
        mine = [
            number
            for number, (row, home) in enumerate(rows)
            if row.wanted == "closed" and row.outcome is Outcome.PASS and bool(home) is inside
        ]
        grown = answer["after"].get(counter, 0) - answer["before"].get(counter, 0)
        if grown < len(mine):
            why = f"the wall counted {grown} refusals for {len(mine)} attempts"
            for number in mine:
                rows[number] = _doubted(rows[number], why)
    lost = [f"{name}: {told['error']}" for name, told in answer["homes"].items() if "error" in told]
    return Proof(tuple(row for row, _ in rows), tuple(lost))


def _doubted(row: tuple[Knock, str], why: str) -> tuple[Knock, str]:
    knock, home = row
    return Knock(
        knock.who, knock.what, knock.place, knock.wanted, knock.found, Outcome.UNKNOWN, why
    ), home


def _wanted(entry: Sequence[Any], asked: Errand) -> str:
    """Say what should happen; "" for a control, and for where a container has no way to."""
    uid, home, what = entry[:3]
    if home and entry[6] == "unreachable":
        return ""
    if home:
        return "closed" if what == "host" else "open"
    if what in {"host", "open", "published"}:
        return ""
    return "closed" if uid == asked.ordinary and what != "loopback" else "open"


def _judged(
    entry: Sequence[Any],
    asked: Errand,
    reached: set[tuple[str, int]],
    names: Mapping[int, str],
) -> tuple[Knock, str]:
    uid, home, what, whom, address, port, result = entry
    wanted = _wanted(entry, asked)
    alive = (address, port) in reached
    who = f"container {home}" if home else names.get(uid, f"uid {uid}")
    place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    outcome, why = _outcome(result, wanted, alive=alive)
    return Knock(who, _WHAT[what].format(whom), place, wanted, result, outcome, why), home


_WHAT = {
    "container": "container {}",
    "guarded": "a port published for the host alone",
    "loopback": "a service of the host, on loopback",
    "host": "a service of the host",
    "open": "a port that containers may use",
    "published": "a port published to all",
}
_RESULTS = frozenset({"open", "refused", "silent", "unreachable"})


def _outcome(result: str, wanted: str, *, alive: bool) -> tuple[Outcome, str]:
    if result not in _RESULTS:
        return Outcome.UNKNOWN, result
    if result == "open":
        return (Outcome.PASS if wanted == "open" else Outcome.FAIL), ""
    if not alive:
        return Outcome.UNKNOWN, "root of the host does not reach it either"
    if wanted == "open":
        return Outcome.FAIL, ""
    return Outcome.PASS, "it hangs until it gives up" if result == "silent" else ""


def local(ground: Ground, address: str) -> str:
    """Give the address by which the host itself reaches what answers at this one.

    Behind a translation of the provider, the host does not know its own public address.
    """
    version = ip_address(address).version
    own = {text.partition("/")[0] for link in ground.links for text in link.addresses}
    if address in own:
        return address
    outer = [found for found in _outer(ground) if ip_address(found).version == version]
    return outer[0] if outer else "::1" if version == 6 else "127.0.0.1"  # noqa: PLR2004 - IPv6


def outside(
    found: Mapping[tuple[str, int], tuple[str, bool]],
    open_: Iterable[int],
    listener: int,
    grown: int,
) -> Proof:
    """Judge connections from outside.

    `found` gives for each place how it answered and whether it answers the host itself; `listener`
    is the port on which we listened ourselves, `grown` how much the wall's counter grew meanwhile.
    """
    ports = frozenset(open_)
    knocks = []
    for (address, port), (word, alive) in found.items():
        wanted = "open" if port in ports else "closed"
        what = "our own listener" if port == listener else "a port of the host"
        result = "open" if word == "reachable" else word
        outcome, why = _outcome(result, wanted, alive=alive)
        place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        who = "from here" if alive or result == "open" else "from here, nobody listens"
        knocks.append(Knock(who, what, place, wanted, result, outcome, why if not alive else ""))
    closed = [k for k in knocks if k.wanted == "closed" and k.outcome is Outcome.PASS]
    if grown < len(closed):
        why = f"the wall counted {grown} drops for {len(closed)} attempts: others stopped them"
        knocks = [
            Knock(k.who, k.what, k.place, k.wanted, k.found, Outcome.UNKNOWN, why)
            if k in closed
            else k
            for k in knocks
        ]
    return Proof(tuple(knocks))
