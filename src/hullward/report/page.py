"""What the HTML report tells of one target, put in order before it is laid out."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

from markupsafe import Markup
from msgspec import Struct

from hullward.model.policy import Policy
from hullward.model.report import Behaviour, HostReport, Outcome, Verdict
from hullward.model.severity import Severity
from hullward.report import cells, map, reach, remedy  # noqa: A004 - the map of the report
from hullward.report.cells import Cells
from hullward.report.remedy import Block
from hullward.rules import ALL, port_table
from hullward.rules.port_policy import intended

_RULES = {rule.id: rule for rule in ALL}
_GAPS = (Outcome.UNKNOWN, Outcome.BROKEN)
_PATH_RULE = "container-attack-path"
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+/[\w./#-]*")
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")


class Reference(Struct, frozen=True):
    """Where a claim comes from; the link is "" for what is not on the web."""

    text: str
    link: str


class Item(Struct, frozen=True):
    """What was seen at some subjects, and what to do there; no blocks where all do the same."""

    subjects: tuple[str, ...]
    said: str
    blocks: tuple[Block, ...] = ()
    doubt: str = ""


class Finding(Struct, frozen=True):
    """One rule at one severity with everything that it found."""

    rule: str
    title: str
    why: str
    items: tuple[Item, ...]
    blocks: tuple[Block, ...]
    references: tuple[Reference, ...]
    count: int


class Reason(Struct, frozen=True):
    """Why something is unknown, broken or waived, and for which subjects and rules."""

    reason: str
    subjects: tuple[tuple[str, tuple[str, ...]], ...]


class Area(Struct, frozen=True):
    """How one area of the rules stands."""

    name: str
    failed: Mapping[Severity, int]
    unknown: int
    passed: int


class Host(Struct, frozen=True):
    """One target, ready to be laid out."""

    report: HostReport
    anchor: str
    facts: tuple[str, ...]
    counts: Mapping[Severity, int]
    outcomes: Mapping[Outcome, int]
    behaviours: Mapping[Behaviour, int]
    areas: tuple[Area, ...]
    rows: tuple[tuple[str, str, int, Cells], ...]
    ways: tuple[Verdict, ...]
    picture: Markup
    narrow_picture: Markup
    paths: tuple[reach.Node, ...]
    ports: tuple[tuple[port_table.Row, bool], ...]
    port_gap: str
    findings: tuple[tuple[Severity, tuple[Finding, ...]], ...]
    gaps: tuple[tuple[Outcome, tuple[Reason, ...]], ...]
    waived: tuple[Reason, ...]


def ordered(host: HostReport, anchor: str, policy: Policy) -> Host:
    """Order everything that is to be told of a target, beside the policy for its ports."""
    fails = [v for v in host.verdicts if v.outcome is Outcome.FAIL]
    found = reach.nodes(host)
    return Host(
        report=host,
        anchor=anchor,
        facts=_facts(host),
        counts=Counter(v.severity for v in fails),
        outcomes=Counter(v.outcome for v in host.verdicts),
        behaviours=Counter(row.behaviour for row in host.rows),
        areas=_areas(host.verdicts),
        rows=_rows(host),
        ways=tuple(v for v in fails if v.rule == _PATH_RULE),
        picture=Markup(map.draw(host)),  # noqa: S704 - escaped where it is drawn
        narrow_picture=Markup(map.draw(host, narrow=True)),  # noqa: S704 - likewise
        paths=tuple(reach.paths(found)),
        ports=_ports(host, policy),
        port_gap=port_table.gap(host.snapshot) if host.snapshot else "",
        findings=_findings(fails),
        gaps=tuple((outcome, reasons) for outcome in _GAPS if (reasons := _reasons(host, outcome))),
        waived=_reasons(host, Outcome.WAIVED),
    )


def _facts(host: HostReport) -> tuple[str, ...]:
    snapshot = host.snapshot
    if snapshot is None:
        return ()
    engine = snapshot.engine
    known = [engine.system, f"Docker {engine.version}", f"kernel {engine.kernel}"] if engine else []
    known.append(f"looked at {snapshot.collected_at.replace('T', ' ').replace('Z', ' UTC')}")
    return tuple(known)


def _areas(verdicts: Sequence[Verdict]) -> tuple[Area, ...]:
    by_area: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        by_area.setdefault(verdict.rule.partition("-")[0], []).append(verdict)
    return tuple(
        Area(
            name,
            Counter(v.severity for v in found if v.outcome is Outcome.FAIL),
            sum(v.outcome in _GAPS for v in found),
            sum(v.outcome is Outcome.PASS for v in found),
        )
        for name, found in sorted(by_area.items())
    )


def _rows(host: HostReport) -> tuple[tuple[str, str, int, Cells], ...]:
    """Give each row with its behaviour, its worst severity and a number to sort by."""
    if host.snapshot is None:
        return ()
    return tuple(
        (
            row.behaviour.value,
            row.worst.value if row.worst else "",
            1000 * (row.worst.rank + 1) + min(row.failed, 999) if row.worst else 0,
            cells.of(row, host.snapshot),
        )
        for row in host.rows
    )


def _ports(host: HostReport, policy: Policy) -> tuple[tuple[port_table.Row, bool], ...]:
    """Give each port with whether the policy leaves it open."""
    rows = port_table.table(host.snapshot) if host.snapshot else ()
    return tuple((row, intended(row, policy)) for row in rows)


def _findings(fails: Sequence[Verdict]) -> tuple[tuple[Severity, tuple[Finding, ...]], ...]:
    found = []
    for severity in Severity:
        graded = sorted((v for v in fails if v.severity is severity), key=_by_rule)
        groups = [_finding(rule, list(same)) for rule, same in groupby(graded, key=_rule)]
        if groups:
            found.append((severity, tuple(groups)))
    return tuple(found)


def _finding(rule: str, verdicts: Sequence[Verdict]) -> Finding:
    known = _RULES.get(rule)
    shared = len({verdict.remedy for verdict in verdicts}) == 1
    by_text: dict[tuple[str, str, str], list[str]] = {}
    for v in verdicts:
        key = (v.evidence, "" if shared else v.remedy, v.reason or "")
        by_text.setdefault(key, []).append(v.subject)
    return Finding(
        rule,
        known.title if known else rule,
        known.rationale if known else "",
        tuple(
            Item(tuple(subjects), evidence, remedy.blocks(fix), doubt)
            for (evidence, fix, doubt), subjects in by_text.items()
        ),
        remedy.blocks(verdicts[0].remedy) if shared else (),
        tuple(_reference(reference) for reference in verdicts[0].references),
        len(verdicts),
    )


def _reference(text: str) -> Reference:
    """Link what is surely a page on the web."""
    if _DOMAIN.fullmatch(text):
        return Reference(text, f"https://{text}")
    if _CVE.fullmatch(text):
        return Reference(text, f"https://nvd.nist.gov/vuln/detail/{text}")
    return Reference(text, "")


def _reasons(host: HostReport, outcome: Outcome) -> tuple[Reason, ...]:
    found = sorted((v for v in host.verdicts if v.outcome is outcome), key=_by_reason)
    reasons = []
    for reason, same in groupby(found, key=lambda v: v.reason or ""):
        subjects: dict[str, list[str]] = {}
        for verdict in same:
            subjects.setdefault(verdict.subject, []).append(verdict.rule)
        by_rules: dict[tuple[str, ...], list[str]] = {}
        for subject, rules in subjects.items():
            by_rules.setdefault(tuple(rules), []).append(subject)
        pairs = tuple((", ".join(names), rules) for rules, names in by_rules.items())
        reasons.append(Reason(reason, pairs))
    return tuple(reasons)


def _rule(verdict: Verdict) -> str:
    return verdict.rule


def _by_rule(verdict: Verdict) -> tuple[str, str]:
    return verdict.rule, verdict.subject


def _by_reason(verdict: Verdict) -> tuple[str, str, str]:
    return verdict.reason or "", verdict.subject, verdict.rule
