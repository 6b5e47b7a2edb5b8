"""What an audit says: one verdict for each rule and subject, and the table's rows."""

from enum import StrEnum

from msgspec import Struct, field

from hullward.model.facts import Container, Snapshot
from hullward.model.policy import GUIDE, Policy
from hullward.model.severity import Severity


class Outcome(StrEnum):
    """The answer of a rule; `broken` is a rule that crashed, `waived` a fail that was accepted."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    BROKEN = "broken"
    WAIVED = "waived"


class Verdict(Struct, frozen=True):
    """What one rule found at one subject: a container's name, "engine" or "host".

    It is encoded as it is: names and order of the fields are those of the JSON contract.
    """

    rule: str
    severity: Severity
    outcome: Outcome = field(name="verdict")
    subject: str
    evidence: str = ""
    reason: str | None = None
    remedy: str = ""
    references: tuple[str, ...] = ()


class Behaviour(StrEnum):
    """Whether a container is a well-behaved process by the four criteria of the guide."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Row(Struct, frozen=True):
    """A line of the privileges table; `container` is None where the engine did not describe it."""

    name: str
    id: str
    container: Container | None
    behaviour: Behaviour
    reasons: tuple[str, ...] = ()
    worst: Severity | None = None
    failed: int = 0


class HostReport(Struct, frozen=True):
    """An audited target, or the error that kept it from being audited."""

    target: str
    snapshot: Snapshot | None = None
    rows: tuple[Row, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    error: str | None = None
    advice: str = ""

    @property
    def incomplete(self) -> bool:
        """Whether something that was asked for could not be judged at all."""
        broken = any([v.outcome is Outcome.BROKEN for v in self.verdicts])  # noqa: C419 - faster
        return self.error is not None or broken or bool(self.snapshot and self.snapshot.unread)


class Report(Struct, frozen=True):
    """One audit of one or many targets, by this policy; `notes` are remarks on the audit itself."""

    collected_at: str
    hosts: tuple[HostReport, ...]
    notes: tuple[str, ...] = ()
    policy: Policy = GUIDE

    def failed(self, at_least: Severity = Severity.INFO) -> tuple[Verdict, ...]:
        """Every fail that no waiver covers, at this severity or worse."""
        return tuple(
            verdict
            for host in self.hosts
            for verdict in host.verdicts
            if verdict.outcome is Outcome.FAIL and verdict.severity.rank >= at_least.rank
        )
