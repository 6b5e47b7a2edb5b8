"""What people must know before they agree to a wall, and where it ends."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from hullward.fixes import firewall as outer
from hullward.fixes import isolation as fixes
from hullward.fixes.firewall import Wall
from hullward.fixes.isolation import Isolation
from hullward.model.facts import Snapshot
from hullward.model.walls import Ground
from hullward.rules import port_table
from hullward.rules.port_table import Reach, Row

_FEW = 8
_SWARM = {("tcp", 2377), ("tcp", 7946), ("udp", 7946), ("udp", 4789)}


def names(ground: Ground, found: Isolation, ordinary: int) -> Mapping[int, str]:
    """Name the users by whom connections are tried."""
    known = {account.uid: account.name for account in reversed(ground.accounts)}
    proxies = {proxy.uid: proxy.program for proxy in ground.proxies}
    wanted = {*found.uids, ordinary}
    named = {uid: known.get(uid) or proxies.get(uid, "") for uid in wanted}
    return {uid: f"{name} (uid {uid})".strip() if uid else "root" for uid, name in named.items()}


def isolation(ground: Ground, found: Isolation, snapshot: Snapshot) -> tuple[str, ...]:
    """Say whom the wall lets through, what it closes, and where it ends."""
    return tuple(_isolation(ground, found, snapshot))


def _isolation(ground: Ground, found: Isolation, snapshot: Snapshot) -> Iterator[str]:
    homes = {proxy.uid: f"{proxy.program} of {proxy.home}" for proxy in ground.proxies}
    known = {account.uid: account for account in ground.accounts}
    for uid in sorted(found.uids - {0}):
        account = known.get(uid)
        name = account.name if account else "a uid without an account"
        why = f", for {homes[uid]}" if uid in homes else ""
        login = "; somebody can log in as this user" if account and account.person else ""
        yield f"may reach containers beside root: {name} (uid {uid}){why}{login}"
    bridges = fixes.container_bridges(ground)
    yield f"bridges of containers now: {', '.join(sorted(bridges)) or 'none'}; later ones count too"
    if found.host_bridges:
        yield f"the host's own bridges, left alone: {', '.join(sorted(found.host_bridges))}"
    closed = _closed(ground, found)
    if closed:
        yield (
            f"containers reach these services of the host no more: {_some(closed)}; "
            "--open PORT/tcp leaves one open"
        )
    unguarded = [p for p in ground.published if p.protocol not in {"tcp", "udp"}]
    if unguarded:
        yield f"published by a protocol that the wall does not know: {unguarded[0].protocol}"
    yield "an open connection of a user who is not allowed ends with its next packet"
    yield from limits(snapshot)


def _closed(ground: Ground, found: Isolation) -> tuple[str, ...]:
    """Name the services that containers can reach today, and will not."""
    inward = {
        address.partition("/")[0]
        for link in ground.links
        if link.name in fixes.container_bridges(ground)
        for address in link.addresses
    }
    names: dict[str, None] = {}
    for socket in ground.listening:
        reachable = socket.address in {"0.0.0.0", "::", *inward}  # noqa: S104 - compared
        published = socket.program == "docker-proxy"
        if reachable and not published and socket.port not in found.open.get(socket.protocol, ()):
            program = f" ({socket.program})" if socket.program else ""
            names[f"{socket.port}/{socket.protocol}{program}"] = None
    return tuple(names)


def limits(snapshot: Snapshot) -> tuple[str, ...]:
    """Say what of this host the wall between users and containers cannot hold."""
    return tuple(_limits(snapshot))


def _limits(snapshot: Snapshot) -> Iterator[str]:
    users = snapshot.host.users if snapshot.host else None
    group = users.group("docker") if users else None
    if group and group.members:
        yield (
            f"out of its reach: {_some(group.members)} of the group docker, who can start a "
            "container of their own in any network"
        )
    yield (
        "out of its reach: programs that are setuid root, such as some builds of ping; the kernel "
        "takes their packets for root's"
    )
    shared = [c.name for c in snapshot.containers if c.network_mode == "host" and c.running]
    if shared:
        yield f"judged by their uid, as programs of the host are: {_some(shared)} (network host)"
    if snapshot.engine is not None and snapshot.engine.option("rootless"):
        yield "this engine runs rootless: its traffic is its user's own, and crosses no bridge"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _FEW} more" if names[_FEW:] else ""
    return f"{', '.join(names[:_FEW])}{more}"


def firewall(
    ground: Ground, wall: Wall, wishes: outer.Wishes, snapshot: Snapshot
) -> tuple[str, ...]:
    """Say what the wall to the outside leaves open, what it closes, and who else decides."""
    return tuple(_firewall(ground, wall, wishes, snapshot))


def _firewall(
    ground: Ground, wall: Wall, wishes: outer.Wishes, snapshot: Snapshot
) -> Iterator[str]:
    kinds = outer.kinds(ground, wishes)
    for kind in (outer.OUTSIDE, outer.TRUSTED, outer.CONTAINER):
        links = sorted(name for name, found in kinds.items() if found == kind)
        if links:
            yield f"{kind}: {_some(links)}"
    ports = [f"{port}/{protocol}" for protocol, some in wall.open.items() for port in sorted(some)]
    yield f"open to everybody: {', '.join(ports)}"
    if wall.openings:
        yield f"open beside that: {', '.join(map(str, wall.openings))}"
    yield from _changes(wall, port_table.table(snapshot))
    for manager in ground.managers:
        yield (
            f"{manager} is active, and filters behind this wall: a port of the host is open only "
            "where both let it in, and published ports are decided by this wall alone"
        )
    swarm = snapshot.engine is not None and snapshot.engine.swarm == "active"
    missing = [f"{port}/{protocol}" for protocol, port in sorted(_SWARM) if swarm]
    if missing:
        yield f'the other nodes of the swarm need {", ".join(missing)}: --open "PORT from THEM"'
    yield "a link that comes later counts as outside, unless it is a bridge of containers"


def _changes(wall: Wall, rows: Iterable[Row]) -> Iterator[str]:
    """Say for each port what is true now, and what will be."""
    closing: dict[str, None] = {}
    staying: dict[str, None] = {}
    for row in rows:
        if row.reach not in {Reach.OPEN, Reach.LIMITED, Reach.UNKNOWN}:
            continue
        holders = [o for o in wall.openings if o.protocol == row.protocol and o.holds(row.port)]
        who = f" ({row.who})" if row.who else ""
        name = f"{row.port}/{row.protocol}{who}"
        if row.port in wall.open.get(row.protocol, ()):
            staying[f"{name}: {row.reach}"] = None
        else:
            after = f"{holders[0]}" if holders else "closed"
            closing[f"{name}: {row.reach} → {after}"] = None
    for title, found in (("it closes", closing), ("it leaves as they are", staying)):
        if found:
            yield f"{title}: {', '.join(found)}"


def outer_limits(ground: Ground, wishes: outer.Wishes) -> tuple[str, ...]:
    """Say what of this host the wall to the outside does not decide."""
    kinds = outer.kinds(ground, wishes)
    found = []
    for kind in (outer.OUTSIDE, outer.TRUSTED, outer.CONTAINER, outer.UNKNOWN):
        links = sorted(name for name, one in kinds.items() if one == kind)
        if links:
            word = "counts as outside until it is named" if kind == outer.UNKNOWN else kind
            found.append(f"{word}: {_some(links)}")
    found += [f"{manager} filters behind it, and may close more" for manager in ground.managers]
    return tuple(found)
