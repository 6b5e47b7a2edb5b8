"""`hullward audit`: collect, judge, report."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import click

from hullward import fleet, flow
from hullward.cli import diff, targets
from hullward.cli.main import say, show
from hullward.model.errors import HullwardError
from hullward.model.report import HostReport, Outcome, Report
from hullward.model.rule import Rule
from hullward.model.severity import Severity
from hullward.report.difference import compare, paired
from hullward.rules import ALL, profiles
from hullward.rules.image_files import answerable
from hullward.rules.selection import select

_FORMATS = ("table", "json", "html", "sarif", "junit", "markdown", "csv", "prometheus")
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


@click.command("audit", short_help="Say what every container may do.")
@targets.options
@click.option("--from", "saved", multiple=True, metavar="FILE", help="A snapshot, not an engine.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="table")
@click.option("--wide", is_flag=True, help="One long line a container, and every finding in full.")
@click.option("--sort", "order", type=click.Choice(["name", "risk"]), default="name")
@click.option(
    "--fail-on",
    type=click.Choice([*(grade.value for grade in Severity), "never"]),
    default="high",
    show_default=True,
    help="Exit 1 for findings as grave as this.",
)
@click.option("--baseline", default="", metavar="FILE", help="Exit 1 only for what is new since.")
@click.option(
    "--profile",
    type=click.Choice(list(profiles.PROFILES)),
    help="Which rules, and how grave; guide, unless areas or rules are named.",
)
@click.option("--area", multiple=True, metavar="AREA", help="Only rules of this area.")
@click.option("--rule", "ids", multiple=True, metavar="RULE", help="Only this rule; may be a glob.")
@click.option("--exclude", multiple=True, metavar="RULE", help="Not this rule; may be a glob.")
@click.option(
    "--deep",
    is_flag=True,
    help="Read the content of images too. The engine writes a copy of each for the time.",
)
@click.option("--show-commands", is_flag=True, help="Print what would run on the host, and stop.")
@click.option("--config", default="", metavar="FILE", help="Settings, instead of hullward.toml.")
def command(**values: Any) -> int:  # noqa: ANN401 - click hands over what the options hold
    """Say what every container may do, and what should be taken away.

    A TARGET is the name of a docker context, or an address: unix://PATH, tcp://HOST:PORT,
    ssh://USER@HOST. Without one, the engine is the one that the docker command would use.

    --baseline takes a snapshot, or a report of --format json.

    Exit status: 0 nothing as grave as --fail-on, 1 findings, 2 something could not be audited.
    """
    if values["show_commands"]:
        click.echo(flow.host_script(), nl=False)
        return 0
    rules = _rules(values)
    accepted = flow.waivers(values["config"])
    base = values["baseline"]
    before = diff.load(base, values["config"], rules) if base else None
    looks = _looks(values, rules)
    # What only --deep can answer is no gap of every other audit; who names a rule asks for it.
    rules = rules if values["ids"] else answerable(rules, looks)
    report = flow.report(looks, rules, accepted)
    if values["form"] not in _FOR_PEOPLE or any(host.snapshot for host in report.hosts):
        show(_render(report, values))
    for host in report.hosts:
        _complain(host)
    return _status(report, values["fail_on"], before)


def _rules(values: dict[str, Any]) -> tuple[Rule, ...]:
    """Choose the rules: those that are named, of the profile; who names some means all of them."""
    areas, ids = values["area"], values["ids"]
    chosen = select(ALL, areas=areas, ids=ids, excluded=values["exclude"])
    profile = values["profile"] or ("" if areas or ids else profiles.DEFAULT)
    found = profiles.apply(profile, chosen) if profile else chosen
    if not found:
        raise HullwardError("No rule is chosen.", "Name fewer of --profile, --area and --rule.")
    return found


def _looks(values: dict[str, Any], rules: Sequence[Rule]) -> tuple[Any, ...]:
    if not values["saved"]:
        choice = targets.chosen(values)
        whole = flow.needs_host(rules)
        wanted = flow.Wanted(choice.stopped, whole, values["deep"])
        return fleet.collect(choice.targets, choice.access, wanted)
    if values["target"] or values["host"] or values["context"] or values["all_contexts"]:
        raise HullwardError("--from was given together with a target.", "Keep one of them.")
    return flow.load(values["saved"])


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
