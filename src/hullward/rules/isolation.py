"""What stands between the people of a host and its containers."""

from collections.abc import Iterator

from hullward.model.facts import Snapshot
from hullward.model.firewall import Chain, Firewall
from hullward.model.host import Host
from hullward.model.rule import Answers, Fail, Unknown, host_rule
from hullward.model.severity import Severity
from hullward.model.users import Users
from hullward.model.walls import ISOLATION
from hullward.rules.users import powerful

_STOPS = frozenset({"drop", "unknown", "jump", "goto"})
_MOST = 5


@host_rule(
    id="users-reach-containers",
    title="Every user of the host reaches every container",
    severity=Severity.MEDIUM,
    rationale=(
        "The host has an address in every container network: whoever runs a program on it connects "
        "to the unpublished ports of all containers, past the reverse proxy and what it asks for, "
        "and to every port that is published on 127.0.0.1."
    ),
    remedy="`hullward isolate plan` shows a wall of nftables; `hullward isolate apply` makes it.",
    refs=("guide: Container isolation", "nft(8)"),
    needs="users",
)
def reach_containers(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for people without the power of root beside containers, and no wall between them."""
    users = host.users or Users()
    if snapshot.engine is not None and snapshot.engine.option("rootless"):
        return
    containers = [c.name for c in snapshot.containers if c.running and _apart(c.network_mode)]
    if not containers:
        return
    if users.accounts is None:
        yield Unknown(users.gaps.get("accounts", "the accounts were not read"))
        return
    people = sorted(a.name for a in users.accounts if a.person and a.name not in powerful(users))
    if not people or _walled(host.firewall):
        return
    names = f"{', '.join(people[:_MOST])}{' and others' if people[_MOST:] else ''}"
    lack = _lack(host)
    if lack:
        yield Unknown(f"{lack}, and {names} may log in")
    else:
        yield Fail(f"{names}: nothing stands before the {len(containers)} running containers")


def _apart(mode: str) -> bool:
    return mode not in {"host", "none"}


def _walled(firewall: Firewall | None) -> bool:
    return any(
        table.name == ISOLATION and any(chain.hook == "output" for chain in table.chains)
        for table in (firewall.tables or () if firewall else ())
    )


def _lack(host: Host) -> str:
    """Say why nobody can tell whether another filter stands there, "" where none does."""
    firewall = host.firewall
    if firewall is None:
        return host.gaps.get("firewall", "the rules of the host were not read")
    if firewall.tables is None or "hidden" in firewall.gaps:
        gaps = firewall.gaps
        return gaps.get("tables") or gaps.get("hidden") or "the rules could not be read"
    stopping = [chain.name for chain in _outgoing(firewall) if _stops(chain)]
    return f"what {stopping[0]} stops for whom cannot be judged" if stopping else ""


def _outgoing(firewall: Firewall) -> Iterator[Chain]:
    for table in firewall.tables or ():
        yield from (c for c in table.chains if c.hook == "output" and c.kind == "filter")


def _stops(chain: Chain) -> bool:
    """Whether a chain of the host's own packets may end one by what cannot be judged here."""
    return any(
        rule.verdict in _STOPS and any(match.key == "unknown" for match in rule.matches)
        for rule in chain.rules
    )
