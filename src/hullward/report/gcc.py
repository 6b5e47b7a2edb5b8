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


def render(report: Report) -> str:
    """Write `file:line:column: word: message [rule]`, in the order of the files and lines."""
    return "".join(f"{line}\n" for host in report.hosts for line in _host(host))


def _host(host: HostReport) -> Iterator[str]:
    placed = [v for v in host.verdicts if isinstance(v, Located) and v.line]
    for verdict in sorted(placed, key=_by_place):
        where = f"{visible(verdict.file)}:{verdict.line}:{verdict.column}"
        mark = f"[{verdict.rule}]"
        if verdict.outcome is Outcome.FAIL:
            said = f"{visible(verdict.subject)}: {visible(verdict.evidence)}"
            yield f"{where}: {_WORDS[verdict.severity]}: {said} ({verdict.severity.value}) {mark}"
        elif verdict.outcome is Outcome.UNKNOWN:
            said = f"{visible(verdict.subject)}: unknown: {visible(verdict.reason or '')}"
            yield f"{where}: note: {said} {mark}"


def _by_place(verdict: Located) -> tuple[str, int, int, int, str]:
    return verdict.file, verdict.line, verdict.column, -verdict.severity.rank, verdict.rule
