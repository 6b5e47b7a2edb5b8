"""Rules on compose files: asked of a service, of a whole project, or of the text of one file."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from hullward.compose.model import Place, Project, Service
from hullward.compose.nodes import Node
from hullward.model.rule import Fail, Rule, Unknown
from hullward.model.severity import Severity


class Spot(Struct, frozen=True):
    """An answer and where it stands; a rule on a project or text also names the subject.

    Without a place, the service's own key stands for it.
    """

    answer: Fail | Unknown
    place: Place | None = None
    subject: str = ""


class Document(Struct, frozen=True):
    """One file as it is written, before anything is merged into it."""

    path: str
    root: Node
    text: str = ""


Spots = Iterator[Spot]
ServiceCheck = Callable[[Service, Project], Spots]
ProjectCheck = Callable[[Project], Spots]
TextCheck = Callable[[Document], Spots]


class ServiceRule(Rule, frozen=True, kw_only=True):
    """A rule that is asked once for every service."""

    check: ServiceCheck


class ProjectRule(Rule, frozen=True, kw_only=True):
    """A rule that is asked once for all files of a project together."""

    check: ProjectCheck


class TextRule(Rule, frozen=True, kw_only=True):
    """A rule that is asked once for every file as it is written."""

    check: TextCheck


WrittenRule = ServiceRule | ProjectRule | TextRule


def service_rule(  # noqa: PLR0913 - every field of the rule's page is required
    *,
    id: str,  # noqa: A002 - the word that every user of the id sees
    title: str,
    severity: Severity,
    rationale: str,
    remedy: str,
    refs: tuple[str, ...],
) -> Callable[[ServiceCheck], ServiceRule]:
    """Make a rule of a function that answers for one service at a time."""

    def decorate(check: ServiceCheck) -> ServiceRule:
        return ServiceRule(
            id=id,
            title=title,
            severity=severity,
            rationale=rationale,
            remedy=remedy,
            refs=refs,
            check=check,
        )

    return decorate


def project_rule(  # noqa: PLR0913 - every field of the rule's page is required
    *,
    id: str,  # noqa: A002 - the word that every user of the id sees
    title: str,
    severity: Severity,
    rationale: str,
    remedy: str,
    refs: tuple[str, ...],
) -> Callable[[ProjectCheck], ProjectRule]:
    """Make a rule of a function that answers once for the whole project."""

    def decorate(check: ProjectCheck) -> ProjectRule:
        return ProjectRule(
            id=id,
            title=title,
            severity=severity,
            rationale=rationale,
            remedy=remedy,
            refs=refs,
            check=check,
        )

    return decorate


def text_rule(  # noqa: PLR0913 - every field of the rule's page is required
    *,
    id: str,  # noqa: A002 - the word that every user of the id sees
    title: str,
    severity: Severity,
    rationale: str,
    remedy: str,
    refs: tuple[str, ...],
) -> Callable[[TextCheck], TextRule]:
    """Make a rule of a function that answers for the text of one file."""

    def decorate(check: TextCheck) -> TextRule:
        return TextRule(
            id=id,
            title=title,
            severity=severity,
            rationale=rationale,
            remedy=remedy,
            refs=refs,
            check=check,
        )

    return decorate
