"""What keeps strangers from the host's ports, and what only claims to."""

from collections.abc import Collection, Iterable, Iterator

from hullward.model.facts import Snapshot
from hullward.model.firewall import Firewall
from hullward.model.host import Host
from hullward.model.rule import Answers, Fail, Unknown, host_rule
from hullward.model.severity import Severity
from hullward.rules import port_table, walls
from hullward.rules.port_table import Reach, Row

PROBE = "`hullward ports TARGET --probe` from another machine"
_MANAGERS = ("ufw", "firewalld")


@host_rule(
    id="firewall-manager-beside-docker",
    title="A firewall manager runs beside Docker",
    severity=Severity.MEDIUM,
    rationale=(
        "ufw and firewalld filter what comes for the host itself. Docker translates the address of "
        "published ports before that, so they stay open while the manager says they are closed."
    ),
    remedy=(
        "Close ports at the firewall of your hosting provider (open: 22, 80, 443, or what your "
        f"policy names), prove it with {PROBE}, and publish on 127.0.0.1 what only the host needs."
    ),
    refs=("guide: Hosted Firewall", "docs.docker.com/engine/network/packet-filtering-firewalls"),
    needs="firewall",
)
def manager_beside_docker(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for an active ufw or firewalld; high where one of its claims is false."""
    firewall = _of(host)
    rows = port_table.table(snapshot)
    for name in _MANAGERS:
        found = active(firewall, name)
        if found is None:
            yield Unknown(firewall.gaps.get(name, f"whether {name} is active is not known"))
        elif found:
            deceived = [row for row in rows if _claims_falsely(row, (name,))]
            if deceived:
                yield Fail(
                    f"{name} is active and claims to close {port_table.names(deceived)}: "
                    "Docker leads packets past its rules, so they are open",
                    Severity.HIGH,
                )
            else:
                yield Fail(f"{name} is active; no published port escapes its claims now")
            yield from unclear(host, [row for row in rows if row.published])


def _of(host: Host) -> Firewall:
    return host.firewall or Firewall()


def active(firewall: Firewall, name: str) -> bool | None:
    """Whether a manager's rules are in force, by its own word or by its chains in the kernel."""
    if name == "ufw":
        if port_table.uses_ufw(firewall):
            return True
        if firewall.ufw is None:
            return None
        return firewall.ufw.status == "active" or (
            firewall.ufw.enabled is True and firewall.ufw.status != "inactive"
        )
    if any(table.name == "firewalld" for table in firewall.tables or ()):
        return True
    return None if firewall.firewalld is None else firewall.firewalld.running


def _claims_falsely(row: Row, names: Collection[str]) -> bool:
    return any(claim.holds is False and claim.firewall in names for claim in row.claims)


@host_rule(
    id="firewall-published-bypass",
    title="Rules that close a published port do not see its packets",
    severity=Severity.HIGH,
    rationale=(
        "A filter at INPUT sees what comes for the host itself; packets for a published port are "
        "translated first and then forwarded to the container."
    ),
    remedy=(
        "Publish on 127.0.0.1 what only the host needs, or drop before the translation, as "
        "`hullward firewall apply` does: `type filter hook prerouting priority -150`."
    ),
    refs=("guide: Hosted Firewall", "moby#22054", "moby#4737"),
    needs="firewall",
)
def published_bypass(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for rules other than those of ufw and firewalld, which have a rule of their own."""
    yield from _gap(snapshot)
    by_name: dict[str, list[Row]] = {}
    published: list[Row] = []
    for row in port_table.table(snapshot):
        published += [row] if row.published else []
        for claim in row.claims:
            if claim.holds is False and claim.firewall not in _MANAGERS:
                by_name.setdefault(claim.firewall, []).append(row)
    yield from unclear(host, published)
    for name, rows in by_name.items():
        yield Fail(f"{name} drops {port_table.names(rows)}, but they are open")


def _gap(snapshot: Snapshot) -> Iterator[Unknown]:
    reason = port_table.gap(snapshot)
    if reason:
        yield Unknown(reason)


def unclear(host: Host, rows: Iterable[Row]) -> Iterator[Unknown]:
    """Say once for each reason which rows are not known."""
    gaps = _of(host).gaps
    by_reason: dict[str, list[Row]] = {}
    for row in rows:
        if row.reach is Reach.UNKNOWN:
            by_reason.setdefault(gaps.get("hidden", row.reason), []).append(row)
    for reason, unknown in by_reason.items():
        yield Unknown(f"{reason}: {port_table.names(unknown)}")


@host_rule(
    id="firewall-none",
    title="No filter of the host stands before its services",
    severity=Severity.INFO,
    rationale=(
        "The guide filters at the provider, where Docker cannot open anything. Such a firewall "
        "cannot be seen from inside: only a connection from outside proves it."
    ),
    remedy=f"Prove what is open with {PROBE}.",
    refs=("guide: Hosted Firewall",),
    needs="firewall",
)
def none(host: Host, snapshot: Snapshot) -> Answers:
    """Answer unknown where the host denies nothing by itself."""
    del snapshot
    firewall = _of(host)
    denies = walls.denies_by_default(firewall, 4)
    if denies is None:
        yield Unknown(_why(firewall))
    elif not denies:
        yield Unknown(
            "the host itself filters nothing by default, and a firewall of the provider cannot be "
            f"seen from inside; prove it with {PROBE}"
        )


def _why(firewall: Firewall) -> str:
    known = (firewall.gaps.get(name) for name in ("tables", "links", "hidden"))
    return next(filter(None, known), "the rules cannot be judged")


@host_rule(
    id="firewall-ipv6-open",
    title="IPv4 is filtered, IPv6 is not",
    severity=Severity.HIGH,
    rationale="The same services answer on IPv6 addresses, where no rule stops strangers.",
    remedy=(
        "Filter both families in one table (table inet), or with ip6tables beside iptables; with "
        "ufw: IPV6=yes in /etc/default/ufw, then `ufw reload`."
    ),
    refs=("nft(8)", "ufw(8)", "guide: Hosted Firewall"),
    needs="firewall",
)
def ipv6_open(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for ports that are closed by IPv4 and open by IPv6, or a policy for IPv4 alone."""
    firewall = _of(host)
    rows = port_table.table(snapshot)
    closed = {
        (row.protocol, row.port)
        for row in rows
        if row.version == 4 and row.reach in {Reach.BLOCKED, Reach.LIMITED}  # noqa: PLR2004 - IPv4
    }
    open_ = [
        row
        for row in rows
        if row.version == 6  # noqa: PLR2004 - IPv6
        and row.reach is Reach.OPEN
        and (row.protocol, row.port) in closed
    ]
    if open_:
        yield Fail(f"closed by IPv4 and open by IPv6: {port_table.names(open_)}")
    four, six = (walls.denies_by_default(firewall, version) for version in (4, 6))
    if four is None or six is None:
        yield Unknown(_why(firewall))
    elif four and not six and walls.has_ipv6(firewall) and not open_:
        yield Fail("a filter denies by default for IPv4, none for IPv6", Severity.MEDIUM)


@host_rule(
    id="firewall-neighbour-reach",
    title="Neighbours on the network reach what is published for the host alone",
    severity=Severity.MEDIUM,
    rationale=(
        "Before Docker 28 a packet that a neighbour on the same link sends to 127.0.0.1 is "
        "translated like any other, and reaches a port that was published on the loopback address."
    ),
    remedy="Update Docker to 28 or later, which drops such packets.",
    refs=("moby#45610", "docs.docker.com/engine/network/port-publishing"),
    needs="firewall",
)
def neighbour_reach(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for ports published on 127.0.0.1 that packets from the link reach."""
    mine = [row for row in port_table.table(snapshot) if row.published and row.loopback]
    for row in mine:
        if row.reach in {Reach.LIMITED, Reach.OPEN}:
            yield Fail(f"{port_table.names([row])}: {row.reason}")
    yield from unclear(host, mine)
