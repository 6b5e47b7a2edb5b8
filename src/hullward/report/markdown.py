"""The report as markdown, for an issue or a wiki."""

import re
from collections.abc import Iterator

from hullward.model.report import HostReport, Located, Outcome, Report, Verdict
from hullward.model.severity import Severity
from hullward.report import cells
from hullward.report.text import visible

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")


def render(report: Report) -> str:
    """Write the table and the findings of every host."""
    lines = [line for host in report.hosts for line in _host(host)]
    lines += [f"> {escape(note)}" for note in report.notes]
    return "\n".join(lines).rstrip() + "\n"


def escape(text: str) -> str:
    """Make text that markdown, and the HTML in it, shows as it is."""
    return _SPECIAL.sub(r"\\\1", visible(text))


def _host(host: HostReport) -> Iterator[str]:
    yield f"## {escape(host.target)}"
    yield ""
    if host.snapshot is None:
        yield f"Not audited: {escape(host.error or '')}"
        yield ""
        return
    yield "| " + " | ".join(name.replace("_", r"\_") for name in cells.COLUMNS) + " |"
    yield "|" + " --- |" * len(cells.COLUMNS)
    for row in host.rows:
        written = cells.of(row, host.snapshot)
        lists = (
            written.cap_add, written.cap_drop, written.security, written.binds, written.ports,
        )  # fmt: skip
        parts = [escape(written.name), escape(written.user)]
        parts += ["<br>".join(map(escape, items)) for items in lists]
        yield "| " + " | ".join([*parts, escape(written.verdict)]) + " |"
    yield ""
    yield from _findings(host)


def _findings(host: HostReport) -> Iterator[str]:
    for severity in Severity:
        found = [v for v in host.verdicts if v.outcome is Outcome.FAIL and v.severity is severity]
        if found:
            yield f"### {severity.value.capitalize()}"
            yield ""
        for v in found:
            yield f"- **{escape(v.rule)}** {_subject(v)}: {escape(v.evidence)}"
            yield from (f"  {escape(line)}  " for line in v.remedy.split("\n"))
        if found:
            yield ""
    for outcome in (Outcome.UNKNOWN, Outcome.BROKEN, Outcome.WAIVED):
        found = [v for v in host.verdicts if v.outcome is outcome]
        if found:
            yield f"### {outcome.value.capitalize()}"
            yield ""
            for v in found:
                yield f"- **{escape(v.rule)}** {_subject(v)}: {escape(v.reason or '')}"
            yield ""


def _subject(verdict: Verdict) -> str:
    place = verdict.place if isinstance(verdict, Located) else ""
    return escape(f"{verdict.subject} ({place})" if place else verdict.subject)
