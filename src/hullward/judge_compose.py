"""Rules over compose files: one verdict for each thing found, with its line; waivers applied."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial

from msgspec import Struct, field
from msgspec.structs import replace

from hullward import judge
from hullward.compose import built
from hullward.compose.comments import Ignore, Misread
from hullward.compose.model import Build, Place, Project, Service
from hullward.model.recipe import Recipe
from hullward.model.report import HostReport, Located, Outcome
from hullward.model.rule import ContainerRule, EngineRule, Fail, Rule, Unknown
from hullward.model.waiver import Waiver
from hullward.rules import ALL
from hullward.rules.compose import decided
from hullward.rules.compose.rule import Document, ProjectRule, ServiceRule, Spot, TextRule
from hullward.rules.compose.services import Services
from hullward.rules.dockerfiles import DockerfileRule

ASSUMED = "on an engine with Docker's own defaults"
UNDECIDED = "a file does not decide it: `hullward audit` looks at what runs"
NOTE = f"Files are judged as they would run {ASSUMED}: rootful, seccomp and AppArmor on."
# The subject of what belongs to no service.
PROJECT = "project"
# A service that sets a user of its own needs none of its image.
_ROOT = "dockerfile-root"

_IDS = frozenset(rule.id for rule in ALL)


class Written(Struct, frozen=True):
    """All that was read of a project: `target` names it, `documents` are its files as written.

    `recipes` are what the Dockerfiles of services make, by the service's name, or why not.
    """

    target: str
    project: Project
    documents: tuple[Document, ...] = ()
    ignores: tuple[Ignore | Misread, ...] = ()
    recipes: Mapping[str, Recipe | Unknown] = field(default_factory=dict)
    collected_at: str = ""


def answers(rule: Rule) -> bool:
    """Whether a rule is asked of files at all."""
    kinds = ContainerRule | ServiceRule | ProjectRule | TextRule | DockerfileRule
    return isinstance(rule, kinds) or rule.id in decided.NETWORKS


def check(
    written: Written,
    rules: Iterable[Rule],
    waivers: Sequence[Waiver],
    today: date,
    asked: Collection[str] | None = None,
) -> HostReport:
    """Ask every rule that files can answer, and name the others as unknown.

    Verdicts are given for the rules `asked` for by id, None for all of them.
    """
    services = Services(written.project, written.target, written.collected_at)
    containers = services.snapshot.containers
    current = [waiver for waiver in waivers if not waiver.expired(today)]
    verdicts: list[Located] = []
    failed: dict[str, list[Located]] = {container.name: [] for container in containers}
    for rule in rules:
        for found in _ask(rule, written, services):
            verdict = found
            if found.outcome is Outcome.FAIL:
                verdict = _waived(found, written, current)
                failed.get(verdict.subject, []).append(verdict)
            if asked is None or rule.id in asked:
                verdicts.append(verdict)
    by_container = [failed[container.name] for container in containers]
    rows = judge.rows(services.snapshot, by_container)
    return HostReport(written.target, services.snapshot, rows, tuple(verdicts))


def _ask(rule: Rule, written: Written, services: Services) -> Iterator[Located]:
    """Give the verdicts of one rule, whatever it is asked of."""
    project = written.project
    if isinstance(rule, ContainerRule):
        for service in project.services:
            yield from _of_container(rule, service, services)
    elif isinstance(rule, ServiceRule | DockerfileRule):
        for service in project.services:
            yield from _of_service(rule, service, written)
    elif isinstance(rule, ProjectRule):
        yield from _spots(rule, None, partial(rule.check, project))
    elif isinstance(rule, TextRule):
        asked = (spot for document in written.documents for spot in rule.check(document))
        yield from _spots(rule, None, lambda: asked)
    elif isinstance(rule, EngineRule) and rule.id in decided.NETWORKS:
        yield from _spots(rule, None, partial(services.ask_networks, rule))


def _of_service(
    rule: ServiceRule | DockerfileRule, service: Service, written: Written
) -> Iterator[Located]:
    if isinstance(rule, ServiceRule):
        yield from _spots(rule, service, partial(rule.check, service, written.project))
    elif service.build and not (rule.id == _ROOT and "user" in service.places):
        ask = partial(_build, rule, service.build, written.recipes[service.name])
        yield from _spots(rule, service, ask)


def _of_container(rule: ContainerRule, service: Service, services: Services) -> Iterator[Located]:
    if rule.id in decided.UNDECIDED:
        yield _say(rule, Outcome.UNKNOWN, service.name, None, UNDECIDED)
        return
    milder = partial(services.milder, service) if rule.host_risk else None
    yield from _spots(rule, service, partial(services.ask, rule, service), milder)


def _build(rule: DockerfileRule, build: Build, recipe: Recipe | Unknown) -> Iterator[Spot]:
    if isinstance(recipe, Unknown):
        yield Spot(recipe, build.place)
        return
    for found in rule.check(recipe):
        yield Spot(found.answer, built.place(build, found.line))


def _spots(
    rule: Rule,
    service: Service | None,
    ask: Callable[[], Iterable[Spot]],
    milder: Callable[[], str] | None = None,
) -> Iterator[Located]:
    """Make a verdict of each answer; none at all is a pass, a crash is a verdict of its own.

    `milder` says why root is less there than the host's root, "" where it is not.
    """
    name, place = (service.name, service.place) if service else (PROJECT, None)
    try:
        spots = list(ask())
    except Exception as error:  # noqa: BLE001 - a broken rule keeps no other from its answer
        said = f"{type(error).__name__}: {error}"
        yield _say(rule, Outcome.BROKEN, name, place, said)
        return
    if not spots:
        assumed = rule.id in decided.ENGINE_DECIDES
        yield _say(rule, Outcome.PASS, name, place, ASSUMED if assumed else None)
    for spot in spots:
        subject, where = spot.subject or name, spot.place or place
        if isinstance(spot.answer, Unknown):
            yield _say(rule, Outcome.UNKNOWN, subject, where, spot.answer.reason)
        else:
            yield _fail(rule, subject, where, spot.answer, milder() if milder else "")


def _fail(rule: Rule, subject: str, place: Place | None, fail: Fail, milder: str) -> Located:
    grade = fail.severity or rule.severity
    return Located(
        rule.id,
        grade.lowered() if milder else grade,
        Outcome.FAIL,
        subject,
        fail.evidence + (f" (one grade milder: {milder})" if milder else ""),
        None,
        fail.remedy or rule.remedy,
        rule.refs,
        *_where(place),
    )


def _say(
    rule: Rule, outcome: Outcome, subject: str, place: Place | None, reason: str | None
) -> Located:
    remedy = "" if outcome is Outcome.PASS else rule.remedy
    return Located(
        rule.id, rule.severity, outcome, subject, "", reason, remedy, rule.refs, *_where(place)
    )


def _where(place: Place | None) -> tuple[str, int, int]:
    return (place.file, place.line, place.column) if place else ("", 0, 0)


def _waived(verdict: Located, written: Written, waivers: Iterable[Waiver]) -> Located:
    for ignore in written.ignores:
        if isinstance(ignore, Ignore) and ignore.reason and _fits(ignore, verdict):
            reason = f"waived at {ignore.place}: {ignore.reason}"
            return replace(verdict, outcome=Outcome.WAIVED, reason=reason)
    for waiver in waivers:
        if waiver.covers(verdict.rule, written.target, verdict.subject):
            until = f" until {waiver.expires}" if waiver.expires else ""
            reason = f"waived{until}: {waiver.reason}"
            return replace(verdict, outcome=Outcome.WAIVED, reason=reason)
    return verdict


def _fits(ignore: Ignore, verdict: Located) -> bool:
    return ignore.place.file == verdict.file and ignore.covers(verdict.rule, verdict.line)


def ignore_notes(written: Written, verdicts: Sequence[Located]) -> Iterator[str]:
    """Say which comments waive nothing, and why."""
    found = [v for v in verdicts if v.outcome in {Outcome.FAIL, Outcome.WAIVED}]
    asked = {verdict.rule for verdict in verdicts}
    for ignore in written.ignores:
        where = f"{ignore.place}: "
        if isinstance(ignore, Misread):
            yield f"{where}`hullward: {ignore.text}` says nothing: write `ignore[RULE] reason`."
            continue
        if not ignore.reason:
            names = ", ".join(ignore.rules)
            yield f"{where}the waiver of {names} gives no reason, so it does not count."
        for rule in ignore.rules:
            if rule not in _IDS:
                yield f"{where}the waiver names {rule}, which is no rule."
            elif (
                ignore.reason
                and rule in asked
                and not any(v.rule == rule and _fits(ignore, v) for v in found)
            ):
                yield f"{where}the waiver of {rule} covers no finding."
