"""What was found, worst first: whole findings, then what is not known."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from hullward.model.report import HostReport, Located, Outcome, Verdict
from hullward.model.severity import Severity
from hullward.report.terminal import BOLD, GRADES, YELLOW, Style, hanging, paint
from hullward.report.text import visible
from hullward.rules import ALL

_RULES = {rule.id: rule for rule in ALL}


def render(host: HostReport, style: Style) -> Iterator[str]:
    """Whole findings down to medium, one line a rule below that, then what is not known."""
    failed = [v for v in host.verdicts if v.outcome is Outcome.FAIL]
    for severity in Severity:
        graded = sorted((v for v in failed if v.severity is severity), key=_by_rule_and_subject)
        brief = severity.rank < Severity.MEDIUM.rank and not style.wide
        if brief and graded:
            yield paint(f"{severity.value.upper()} (in full with --wide)", GRADES[severity], style)
        for rule, group in groupby(graded, key=_by_rule):
            verdicts = list(group)
            yield from (
                _brief(rule, verdicts, style) if brief else _full(severity, rule, verdicts, style)
            )
        if brief and graded:
            yield ""
    yield from _others(host, style)
    counts = hanging("Findings: ", _counts(host), style)
    yield from (paint(line, BOLD, style) for line in counts)


def _counts(host: HostReport) -> str:
    outcomes = [v.outcome for v in host.verdicts]
    failed = [v.severity for v in host.verdicts if v.outcome is Outcome.FAIL]
    parts = [f"{failed.count(severity)} {severity.value}" for severity in Severity]
    rest = (Outcome.UNKNOWN, Outcome.BROKEN, Outcome.WAIVED)
    parts += [f"{outcomes.count(o)} {o.value}" for o in rest if o in outcomes]
    return ", ".join(parts)


def _by_rule(verdict: Verdict) -> str:
    return verdict.rule


def _by_rule_and_subject(verdict: Verdict) -> tuple[str, str]:
    return verdict.rule, verdict.subject


def _full(
    severity: Severity, rule: str, verdicts: Sequence[Verdict], style: Style
) -> Iterator[str]:
    """Every subject with its evidence; below high, a remedy that differs is told with --wide."""
    yield paint(f"{severity.value.upper()} {rule}", GRADES[severity], style)
    exact = style.wide or severity.rank >= Severity.HIGH.rank
    shared = len({verdict.remedy for verdict in verdicts}) == 1
    by_evidence: dict[tuple[str, str], list[str]] = {}
    for verdict in verdicts:
        key = (verdict.evidence, verdict.remedy if exact and not shared else "")
        by_evidence.setdefault(key, []).append(_subject(verdict))
    for (evidence, remedy), subjects in by_evidence.items():
        names = ", ".join(subjects)
        yield from hanging(f"  {names}: ", visible(evidence), style)
        if remedy:
            yield from _remedy(remedy, style)
    if shared:
        yield from _remedy(verdicts[0].remedy, style)
    elif not exact:
        yield from _remedy(f"{_RULES[rule].remedy} (Exact lines for each: --wide.)", style)
    yield ""


def _remedy(remedy: str, style: Style) -> Iterator[str]:
    """Lines to copy are shown as they are; a sentence is folded."""
    first, *rest = remedy.split("\n")
    yield from hanging("    → ", visible(first), style)
    yield from (f"      {visible(line)}" for line in rest)


def _brief(rule: str, verdicts: Sequence[Verdict], style: Style) -> Iterator[str]:
    names = ", ".join(dict.fromkeys(_subject(verdict, brief=True) for verdict in verdicts))
    yield from hanging(f"  {rule}: ", names, style)


def _subject(verdict: Verdict, *, brief: bool = False) -> str:
    """Name the subject, with its line where it is written in a file."""
    name = visible(verdict.subject)
    if not isinstance(verdict, Located) or not verdict.line:
        return name
    return f"{name} ({verdict.line})" if brief else f"{name} ({visible(verdict.place)})"


def _others(host: HostReport, style: Style) -> Iterator[str]:
    titles = (
        (Outcome.UNKNOWN, "UNKNOWN, because nobody could look"),
        (Outcome.BROKEN, "BROKEN rules: a fault of hullward, please report it"),
        (Outcome.WAIVED, "WAIVED"),
    )
    for outcome, title in titles:
        found = sorted((v for v in host.verdicts if v.outcome is outcome), key=_by_reason)
        if found:
            yield paint(title, YELLOW, style)
        for reason, group in groupby(found, key=_by_reason):
            pairs: dict[str, list[str]] = {}
            for verdict in group:
                pairs.setdefault(visible(verdict.subject), []).append(verdict.rule)
            yield from hanging("  ", visible(reason), style)
            yield from _subjects(pairs, style)
        if found:
            yield ""


def _subjects(pairs: dict[str, list[str]], style: Style) -> Iterator[str]:
    """Name the subjects of one reason; those with the same rules share a line."""
    by_rules: dict[str, list[str]] = {}
    for subject, rules in pairs.items():
        label = f"{len(rules)} rules" if len(rules) > 5 else ", ".join(rules)  # noqa: PLR2004
        by_rules.setdefault(label, []).append(subject)
    for label, subjects in by_rules.items():
        yield from hanging("    ", f"{', '.join(subjects)}: {label}", style)


def _by_reason(verdict: Verdict) -> str:
    return verdict.reason or ""
