"""A rule: one question with its reasons, and the answers that it may give."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from hullward.model.facts import Container, Snapshot
from hullward.model.host import Host
from hullward.model.severity import Severity


class Fail(Struct, frozen=True):
    """The rule is broken here; severity and remedy, where given, replace the rule's own."""

    evidence: str
    severity: Severity | None = None
    remedy: str = ""


class Unknown(Struct, frozen=True):
    """The rule could not look, and why."""

    reason: str


Answers = Iterator[Fail | Unknown]
ContainerCheck = Callable[[Container, Snapshot], Answers]
EngineCheck = Callable[[Snapshot], Answers]
HostCheck = Callable[[Host, Snapshot], Answers]


class Rule(Struct, frozen=True, kw_only=True):
    """All that `hullward explain` says of a rule; a check that yields nothing is a pass."""

    id: str
    title: str
    severity: Severity
    rationale: str
    remedy: str
    refs: tuple[str, ...]

    @property
    def area(self) -> str:
        """What the rule is about: the first word of its id, as `--area` takes it."""
        return self.id.partition("-")[0]


class ContainerRule(Rule, frozen=True, kw_only=True):
    """A rule that is asked once for every container.

    `host_risk` says that the severity supposes a container whose root is the host's root: behind
    a remapped user namespace, a rootless engine or a sandbox it is one grade milder.
    """

    check: ContainerCheck
    host_risk: bool = False


class EngineRule(Rule, frozen=True, kw_only=True):
    """A rule that is asked once for the whole engine."""

    check: EngineCheck


class HostRule(Rule, frozen=True, kw_only=True):
    """A rule that is asked once for the host; unknown where the area that it needs is missing."""

    needs: str
    check: HostCheck


def container_rule(  # noqa: PLR0913 - every field of the rule's page is required
    *,
    id: str,  # noqa: A002 - the word that every user of the id sees
    title: str,
    severity: Severity,
    rationale: str,
    remedy: str,
    refs: tuple[str, ...],
    host_risk: bool = False,
) -> Callable[[ContainerCheck], ContainerRule]:
    """Make a rule of a function that answers for one container at a time."""

    def decorate(check: ContainerCheck) -> ContainerRule:
        return ContainerRule(
            id=id,
            title=title,
            severity=severity,
            rationale=rationale,
            remedy=remedy,
            refs=refs,
            check=check,
            host_risk=host_risk,
        )

    return decorate


def engine_rule(  # noqa: PLR0913 - every field of the rule's page is required
    *,
    id: str,  # noqa: A002 - the word that every user of the id sees
    title: str,
    severity: Severity,
    rationale: str,
    remedy: str,
    refs: tuple[str, ...],
) -> Callable[[EngineCheck], EngineRule]:
    """Make a rule of a function that answers once for the whole engine."""

    def decorate(check: EngineCheck) -> EngineRule:
        return EngineRule(
            id=id,
            title=title,
            severity=severity,
            rationale=rationale,
            remedy=remedy,
            refs=refs,
            check=check,
        )

    return decorate


def host_rule(  # noqa: PLR0913 - every field of the rule's page is required
    *,
    id: str,  # noqa: A002 - the word that every user of the id sees
    title: str,
    severity: Severity,
    rationale: str,
    remedy: str,
    refs: tuple[str, ...],
    needs: str,
) -> Callable[[HostCheck], HostRule]:
    """Make a rule of a function that answers for the host, given the area `needs` of it."""

    def decorate(check: HostCheck) -> HostRule:
        return HostRule(
            id=id,
            title=title,
            severity=severity,
            rationale=rationale,
            remedy=remedy,
            refs=refs,
            needs=needs,
            check=check,
        )

    return decorate
