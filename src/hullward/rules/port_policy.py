"""What is open beside the policy: the guide's, or that of `[firewall]` in hullward.toml."""

from collections.abc import Iterable
from functools import partial

from msgspec.structs import replace

from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.policy import GUIDE, Policy
from hullward.model.rule import Answers, Fail, HostRule, Rule, Unknown, host_rule
from hullward.model.severity import Severity
from hullward.rules import port_table
from hullward.rules.firewall import PROBE, unclear
from hullward.rules.port_table import Reach, Row

# Clients that wait for answers: DHCP in both families.
_CLIENTS = frozenset({("udp", 68), ("udp", 546)})


def intended(row: Row, policy: Policy) -> bool:
    """Whether the policy leaves the port open; sshd of the host may listen where it likes."""
    if row.program == "sshd" and not row.container:
        return True
    if (row.protocol, row.port) in _CLIENTS:
        return True
    return row.port in policy.ports(row.protocol)


def under(policy: Policy, rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Give the rules, the one about unintended ports asking by this policy."""
    check = partial(_beyond, policy=policy)
    return tuple(
        replace(rule, check=check)
        if isinstance(rule, HostRule) and rule.id == unintended_open.id
        else rule
        for rule in rules
    )


def _beyond(host: Host, snapshot: Snapshot, policy: Policy) -> Answers:
    reason = port_table.gap(snapshot)
    if reason:
        yield Unknown(reason)
    rows = [row for row in port_table.table(snapshot) if not intended(row, policy)]
    beyond = [row for row in rows if row.reach is Reach.OPEN]
    if beyond:
        yield Fail(f"open to everybody: {port_table.names(beyond)}")
    yield from unclear(host, rows)


@host_rule(
    id="firewall-unintended-open",
    title="A port is open that the policy does not name",
    severity=Severity.MEDIUM,
    rationale=(
        "The guide leaves 22, 80 and 443 open and denies the rest; `[firewall]` of hullward.toml "
        "says it where you mean others. As far as the host decides it, strangers reach more; only "
        "the provider's firewall can still stop them."
    ),
    remedy=(
        "Publish on 127.0.0.1 what a reverse proxy serves; close the others at the provider's "
        "firewall (`hullward firewall plan --export …` writes its rules) or, where it has none, by "
        f"`hullward firewall apply`, and prove it with {PROBE}."
    ),
    refs=("guide: Hosted Firewall", "cis-docker:5.14"),
    needs="firewall",
)
def unintended_open(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for open ports beside the policy of the guide."""
    yield from _beyond(host, snapshot, GUIDE)
