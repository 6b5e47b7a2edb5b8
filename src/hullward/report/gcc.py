"""Findings in files as compilers write them, one a line, for editors."""

from collections.abc import Iterator

from hullward.model.report import HostReport, Located, Outcome, Report
from hullward.model.severity import Severity
from hullward.report.text import visible

_WORDS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}

_FEW = 10


def render(report: Report) -> str:
    """Write `file:line:column: word: message [rule]`, in the order of the files and lines."""
    placed = [line for host in report.hosts for line in _host(host)]
    return "".join(f"{text}\n" for _, text in sorted(placed, key=lambda line: line[0]))


_Key = tuple[str, int, int, int]


def _host(host: HostReport) -> Iterator[tuple[_Key, str]]:
    unknown: dict[tuple[_Key, str], list[str]] = {}
    for verdict in host.verdicts:
        if not isinstance(verdict, Located) or not verdict.line:
            continue
        key = (verdict.file, verdict.line, verdict.column, -verdict.severity.rank)
        if verdict.outcome is Outcome.FAIL:
            said = f"{_WORDS[verdict.severity]}: {verdict.subject}: {verdict.evidence}"
            yield key, _line(verdict, f"{said} ({verdict.severity.value})", verdict.rule)
        elif verdict.outcome is Outcome.UNKNOWN:
            said = _line(verdict, f"note: {verdict.subject}: unknown: {verdict.reason or ''}", "")
            unknown.setdefault(((*key[:3], 0), said), []).append(verdict.rule)
    for (key, said), rules in unknown.items():
        more = f", and {len(rules) - _FEW} more" if len(rules) > _FEW else ""
        yield key, f"{said[:-2]}[{', '.join(rules[:_FEW])}{more}]"


def _line(verdict: Located, said: str, rule: str) -> str:
    return f"{visible(verdict.place)}: {visible(said)} [{rule}]"
