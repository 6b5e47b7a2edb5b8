"""What `hullward audit` makes of what was seen: rules, waivers, report, exit status."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from hullward import flow
from hullward.cli import diff
from hullward.cli.main import say, show
from hullward.model.errors import HullwardError
from hullward.model.facts import Snapshot
from hullward.model.report import HostReport, Outcome, Report
from hullward.model.rule import Rule
from hullward.model.severity import Severity
from hullward.report.difference import compare, paired
from hullward.rules import ALL, profiles
from hullward.rules.image_files import answerable
from hullward.rules.selection import select

_RENDERERS = {
    "json": "json_report",
    "html": "html",
    "sarif": "sarif",
    "junit": "junit",
    "markdown": "markdown",
    "csv": "csv_report",
    "prometheus": "prometheus",
}
# Formats for people say nothing of nothing; those for programs always give a document.
_FOR_PEOPLE = frozenset({"table", "markdown", "csv"})
_FINDINGS, _CANNOT = 1, 2


def tell(values: dict[str, Any], looks: Sequence[Snapshot | flow.Failure]) -> int:
    """Judge what was seen, print the report, and give the exit status."""
    rules = chosen(values)
    owner = flow.owner_settings(values["config"])
    base = values["baseline"]
    before = diff.load(base, values["config"], rules) if base else None
    # What only --deep can answer is no gap of every other audit; who names a rule asks for it.
    rules = rules if values["ids"] else answerable(rules, looks)
    report = flow.report(looks, rules, owner)
    if values["form"] not in _FOR_PEOPLE or any(host.snapshot for host in report.hosts):
        show(_render(report, values))
    for host in report.hosts:
        _complain(host)
    return _status(report, values["fail_on"], before)


def chosen(values: dict[str, Any]) -> tuple[Rule, ...]:
    """Choose the rules: those that are named, of the profile; who names some means all of them."""
    areas, ids = values["area"], values["ids"]
    named = select(ALL, areas=areas, ids=ids, excluded=values["exclude"])
    profile = values["profile"] or ("" if areas or ids else profiles.DEFAULT)
    found = profiles.apply(profile, named) if profile else named
    if not found:
        raise HullwardError("No rule is chosen.", "Name fewer of --profile, --area and --rule.")
    return found


def _render(report: Report, values: dict[str, Any]) -> str:
    if values["form"] == "table":
        from hullward.report import table  # noqa: PLC0415 - only what is asked for is loaded

        terminal = sys.stdout.isatty()
        style = table.Style(
            columns=shutil.get_terminal_size((120, 24)).columns,
            colour=terminal and not os.environ.get("NO_COLOR"),
            wide=values["wide"],
            by_risk=values["order"] == "risk",
        )
        return table.render(report, style)
    module = import_module(f"hullward.report.{_RENDERERS[values['form']]}")
    render: Callable[[Report], str] = module.render
    return render(report)


def _complain(host: HostReport) -> None:
    """Tell on stderr what could not be looked at."""
    if host.error:
        say(f"{host.target}: {host.error}", host.advice)
    for unread in host.snapshot.unread if host.snapshot else ():
        say(
            f"{host.target}: the container {unread.name} is unknown: {unread.reason}.",
            "Run the audit again; if it stays so, look at the engine's log.",
        )
    for verdict in host.verdicts:
        if verdict.outcome is Outcome.BROKEN:
            say(
                f"The rule {verdict.rule} broke on {verdict.subject}: {verdict.reason}.",
                "That is a fault of hullward: please report it, with a snapshot if you can.",
            )


def _status(report: Report, fail_on: str, before: Report | None) -> int:
    if any(host.incomplete for host in report.hosts):
        return _CANNOT
    return _FINDINGS if fail_on != "never" and _found(report, Severity(fail_on), before) else 0


def _found(report: Report, grade: Severity, before: Report | None) -> bool:
    """Whether there are findings, or new ones where there is something to compare with."""
    if before is None:
        return bool(report.failed(grade))
    old, _ = paired(before, report)
    return bool(compare(old, report).new(grade))
