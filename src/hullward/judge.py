"""Rules over a snapshot: one verdict for each rule and subject, waivers applied and shown."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import partial

from msgspec.structs import replace

from hullward.model.facts import Container, Snapshot
from hullward.model.report import Behaviour, HostReport, Outcome, Row, Verdict
from hullward.model.rule import (
    Answers,
    ContainerRule,
    EngineRule,
    Fail,
    HostRule,
    Rule,
    Unknown,
)
from hullward.model.severity import Severity
from hullward.model.waiver import Waiver
from hullward.rules import behaviour, grants

ENGINE, HOST = "engine", "host"

# What the four criteria say already, or what only joins other findings.
_SAID = frozenset(
    {"container-privileged", "container-dangerous-capability", "container-attack-path"}
)


def judge(
    snapshot: Snapshot, rules: Iterable[Rule], waivers: Sequence[Waiver], today: date
) -> HostReport:
    """Ask every rule; a rule that crashes is broken and keeps no other from its answer."""
    current = [waiver for waiver in waivers if not waiver.expired(today)]
    verdicts = tuple(
        _waived(verdict, snapshot.target, current)
        for rule in rules
        for verdict in _verdicts(rule, snapshot)
    )
    return HostReport(snapshot.target, snapshot, _rows(snapshot, verdicts), verdicts)


def waiver_notes(
    hosts: Iterable[HostReport], waivers: Iterable[Waiver], today: date
) -> tuple[str, ...]:
    """Say which waivers are over, and which cover nothing."""
    failed = [
        (host.target, verdict)
        for host in hosts
        for verdict in host.verdicts
        if verdict.outcome in {Outcome.FAIL, Outcome.WAIVED}
    ]
    notes = []
    for waiver in waivers:
        name = f"The waiver of {waiver.rule} for {waiver.target}"
        if waiver.expired(today):
            notes.append(f"{name} expired on {waiver.expires} and counts no more.")
        elif not any(waiver.covers(v.rule, host, v.subject) for host, v in failed):
            notes.append(f"{name} covers no finding.")
    return tuple(notes)


def _verdicts(rule: Rule, snapshot: Snapshot) -> Iterator[Verdict]:
    if isinstance(rule, EngineRule):
        yield _verdict(rule, ENGINE, lambda: rule.check(snapshot))
    if isinstance(rule, HostRule):
        yield _verdict(rule, HOST, lambda: _for_host(rule, snapshot))
    if not isinstance(rule, ContainerRule):
        return
    for container in snapshot.containers:
        yield _for_container(rule, container, snapshot)
    for unread in snapshot.unread:
        yield _verdict(rule, unread.name, partial(iter, [Unknown(unread.reason)]))


def _for_host(rule: HostRule, snapshot: Snapshot) -> Answers:
    """Ask a rule about the host, once the area that it needs is there."""
    host = snapshot.host
    if host is None:
        yield Unknown(snapshot.gaps.get("host", "the host was not looked at"))
    elif getattr(host, rule.needs) is None:
        yield Unknown(host.gaps.get(rule.needs, "the host was not asked for it"))
    else:
        yield from rule.check(host, snapshot)


def _for_container(rule: ContainerRule, container: Container, snapshot: Snapshot) -> Verdict:
    verdict = _verdict(rule, container.name, lambda: rule.check(container, snapshot))
    milder = grants.weakened(container, snapshot) if rule.host_risk else ""
    if not milder or verdict.outcome is not Outcome.FAIL:
        return verdict
    return replace(
        verdict,
        severity=verdict.severity.lowered(),
        evidence=f"{verdict.evidence} (one grade milder: {milder})",
    )


def _verdict(rule: Rule, subject: str, ask: Callable[[], Answers]) -> Verdict:
    """Join the answers for one subject: a fail beats an unknown, which beats silence."""

    def say(outcome: Outcome, **more: object) -> Verdict:
        base = Verdict(rule.id, rule.severity, outcome, subject, "", None, rule.remedy, rule.refs)
        return replace(base, **more)

    try:
        answers = list(ask())
    except Exception as error:  # noqa: BLE001 - a broken rule is a verdict of its own
        return say(Outcome.BROKEN, reason=f"{type(error).__name__}: {error}")
    fails = [answer for answer in answers if isinstance(answer, Fail)]
    unclear = "; ".join(dict.fromkeys(a.reason for a in answers if isinstance(a, Unknown)))
    if fails:
        return say(
            Outcome.FAIL,
            severity=_worst(fail.severity or rule.severity for fail in fails),
            evidence="; ".join(dict.fromkeys(fail.evidence for fail in fails)),
            reason=unclear or None,
            remedy="\n".join(dict.fromkeys(fail.remedy or rule.remedy for fail in fails)),
        )
    return say(Outcome.UNKNOWN, reason=unclear) if unclear else say(Outcome.PASS)


def _worst(severities: Iterable[Severity]) -> Severity:
    return max(severities, key=lambda severity: severity.rank)


def _waived(verdict: Verdict, host: str, waivers: Iterable[Waiver]) -> Verdict:
    if verdict.outcome is not Outcome.FAIL:
        return verdict
    for waiver in waivers:
        if waiver.covers(verdict.rule, host, verdict.subject):
            until = f" until {waiver.expires}" if waiver.expires else ""
            return replace(
                verdict, outcome=Outcome.WAIVED, reason=f"waived{until}: {waiver.reason}"
            )
    return verdict


def _rows(snapshot: Snapshot, verdicts: Iterable[Verdict]) -> tuple[Row, ...]:
    failed: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.outcome is Outcome.FAIL:
            failed.setdefault(verdict.subject, []).append(verdict)
    rows = [_row(c, snapshot, failed.get(c.name, [])) for c in snapshot.containers]
    rows += [
        Row(unread.name, unread.id, None, Behaviour.UNKNOWN, (unread.reason,))
        for unread in snapshot.unread
    ]
    return tuple(sorted(rows, key=lambda row: row.name))


def _row(container: Container, snapshot: Snapshot, failed: list[Verdict]) -> Row:
    state, reasons = behaviour.judge(container, snapshot)
    grave = tuple(
        verdict.rule.removeprefix("container-")
        for verdict in failed
        if verdict.severity.rank >= Severity.HIGH.rank and verdict.rule not in _SAID
    )
    if grave:
        state, reasons = Behaviour.NO, (*(reasons if state is Behaviour.NO else ()), *grave)
    worst = _worst(verdict.severity for verdict in failed) if failed else None
    return Row(container.name, container.id, container, state, reasons, worst, len(failed))
