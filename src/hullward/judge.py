"""Rules over a snapshot: one verdict for each rule and subject, waivers applied and shown."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from typing import TypeVarTuple, Unpack

from msgspec.structs import replace

from hullward.model.facts import Container, Snapshot, Unread
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

Facts = TypeVarTuple("Facts")

ENGINE, HOST = "engine", "host"

# What the four criteria say already, or what only joins other findings.
_SAID = frozenset(
    {"container-privileged", "container-dangerous-capability", "container-attack-path"}
)


def judge(
    snapshot: Snapshot,
    rules: Iterable[Rule],
    waivers: Sequence[Waiver],
    today: date,
    *,
    asked: Collection[str] | None = None,
) -> HostReport:
    """Ask every rule; a rule that crashes is broken and keeps no other from its answer.

    Verdicts are given for the rules `asked` for by id, None for all of them. Whether a container
    is well-behaved is judged by every rule, whatever was asked, and whatever was waived.
    """
    current = [waiver for waiver in waivers if not waiver.expired(today)]
    milder = [grants.weakened(container, snapshot) for container in snapshot.containers]
    verdicts: list[Verdict] = []
    failed: list[list[Verdict]] = [[] for _ in snapshot.containers]
    for rule in rules:
        wanted = asked is None or rule.id in asked
        if isinstance(rule, EngineRule) and wanted:
            verdict = _verdict(rule, ENGINE, rule.check, snapshot)
            verdicts.append(_waived(verdict, snapshot.target, current))
        elif isinstance(rule, HostRule) and wanted:
            verdict = _verdict(rule, HOST, _for_host, rule, snapshot)
            verdicts.append(_waived(verdict, snapshot.target, current))
        elif isinstance(rule, ContainerRule):
            for container, why, fails in zip(snapshot.containers, milder, failed, strict=True):
                verdict = _verdict(rule, container.name, rule.check, container, snapshot)
                if verdict.outcome is Outcome.FAIL:
                    verdict = _lowered(verdict, why) if rule.host_risk and why else verdict
                    verdict = _waived(verdict, snapshot.target, current)
                    fails.append(verdict)
                if wanted:
                    verdicts.append(verdict)
            if wanted:
                verdicts += [_unread(rule, unread) for unread in snapshot.unread]
    return HostReport(snapshot.target, snapshot, _rows(snapshot, failed), tuple(verdicts))


def waiver_notes(
    hosts: Iterable[HostReport], waivers: Collection[Waiver], today: date
) -> tuple[str, ...]:
    """Say which waivers are over, and which cover nothing."""
    if not waivers:
        return ()
    hosts = tuple(hosts)
    asked = {verdict.rule for host in hosts for verdict in host.verdicts}
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
        elif waiver.rule in asked and not _covers_any(waiver, failed):
            notes.append(f"{name} covers no finding.")
    return tuple(notes)


def _covers_any(waiver: Waiver, failed: Iterable[tuple[str, Verdict]]) -> bool:
    return any(waiver.covers(verdict.rule, host, verdict.subject) for host, verdict in failed)


def _for_host(rule: HostRule, snapshot: Snapshot) -> Answers:
    """Ask a rule about the host, once the area that it needs is there."""
    host = snapshot.host
    if host is None:
        yield Unknown(snapshot.gaps.get("host", "the host was not looked at"))
    elif getattr(host, rule.needs) is None:
        yield Unknown(host.gaps.get(rule.needs, "the host was not asked for it"))
    else:
        yield from rule.check(host, snapshot)


def _verdict(
    rule: Rule, subject: str, check: Callable[[Unpack[Facts]], Answers], *facts: *Facts
) -> Verdict:
    """Join the answers for one subject: a fail beats an unknown, which beats silence."""
    try:
        answers = list(check(*facts))
    except Exception as error:  # noqa: BLE001 - a broken rule is a verdict of its own
        return _say(rule, Outcome.BROKEN, subject, f"{type(error).__name__}: {error}")
    if not answers:
        return Verdict(rule.id, rule.severity, Outcome.PASS, subject, references=rule.refs)
    only = answers[0]
    if len(answers) == 1 and isinstance(only, Fail):
        grade, remedy = only.severity or rule.severity, only.remedy or rule.remedy
        return Verdict(
            rule.id, grade, Outcome.FAIL, subject, only.evidence, None, remedy, rule.refs
        )
    fails = [answer for answer in answers if isinstance(answer, Fail)]
    unclear = "; ".join(dict.fromkeys(a.reason for a in answers if isinstance(a, Unknown)))
    if not fails:
        return _say(rule, Outcome.UNKNOWN, subject, unclear)
    return Verdict(
        rule.id,
        _worst(fail.severity or rule.severity for fail in fails),
        Outcome.FAIL,
        subject,
        "; ".join(dict.fromkeys(fail.evidence for fail in fails)),
        unclear or None,
        "\n".join(dict.fromkeys(fail.remedy or rule.remedy for fail in fails)),
        rule.refs,
    )


def _say(rule: Rule, outcome: Outcome, subject: str, reason: str) -> Verdict:
    return Verdict(rule.id, rule.severity, outcome, subject, "", reason, rule.remedy, rule.refs)


def _unread(rule: Rule, unread: Unread) -> Verdict:
    return _say(rule, Outcome.UNKNOWN, unread.name, unread.reason)


def _lowered(verdict: Verdict, why: str) -> Verdict:
    return replace(
        verdict,
        severity=verdict.severity.lowered(),
        evidence=f"{verdict.evidence} (one grade milder: {why})",
    )


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


def _rows(snapshot: Snapshot, failed: Iterable[list[Verdict]]) -> tuple[Row, ...]:
    rows = [_row(c, snapshot, fails) for c, fails in zip(snapshot.containers, failed, strict=True)]
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
    open_ = [verdict for verdict in failed if verdict.outcome is Outcome.FAIL]
    worst = _worst(verdict.severity for verdict in open_) if open_ else None
    return Row(container.name, container.id, container, state, reasons, worst, len(open_))
