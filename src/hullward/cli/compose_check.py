"""`hullward compose check`: read, judge, report."""

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import click

from hullward.cli.main import say, show
from hullward.model.errors import HullwardError
from hullward.model.report import HostReport, Outcome, Report
from hullward.model.severity import Severity

_RENDERERS = {
    "json": "json_report",
    "sarif": "sarif",
    "gcc": "gcc",
    "junit": "junit",
    "markdown": "markdown",
}
_PROFILES = ("guide", "cis-1", "cis-2", "homelab")
_FINDINGS, _CANNOT = 1, 2
_INCOMPLETE = "compose-incomplete"


@click.command("check", short_help="Judge compose files by the rules for running containers.")
@click.argument("paths", nargs=-1, metavar="[FILE|FOLDER]...")
@click.option("-f", "--file", "together", multiple=True, metavar="FILE", help="Merge these files.")
@click.option("--env-file", "env_files", multiple=True, metavar="FILE", help="Instead of .env.")
@click.option(
    "--service-profile",
    "profiles",
    multiple=True,
    metavar="NAME",
    help="Only services that compose starts with this profile; all services without it.",
)
@click.option("--format", "form", type=click.Choice(["table", *_RENDERERS]), default="table")
@click.option("--wide", is_flag=True, help="One long line a service, and every finding in full.")
@click.option(
    "--fail-on",
    type=click.Choice([*(grade.value for grade in Severity), "never"]),
    default="high",
    show_default=True,
    help="Exit 1 for findings as grave as this.",
)
@click.option("--profile", type=click.Choice(_PROFILES), help="Which rules, and how grave.")
@click.option("--rule", "ids", multiple=True, metavar="RULE", help="Only this rule; may be a glob.")
@click.option("--exclude", multiple=True, metavar="RULE", help="Not this rule; may be a glob.")
@click.option(
    "--guess", is_flag=True, help="Offer fixes in SARIF that may break a service; each says so."
)
@click.option("--config", default="", metavar="FILE", help="Settings, instead of hullward.toml.")
def command(**values: Any) -> int:  # noqa: ANN401 - click hands over what the options hold
    """Judge compose files by the rules for running containers, before anything runs.

    A FILE that has one of compose's own names is read with its override file; in a FOLDER every
    compose file is found; without either, the folder is this one. -f takes exactly the files that
    are given, one over the other, as docker compose does.

    A comment `# hullward: ignore[RULE] reason` accepts a finding on its line and below it.

    Exit status: 0 nothing as grave as --fail-on, 1 findings, 2 something could not be read.
    """
    from hullward import check, owner  # noqa: PLC0415 - --help needs none of it

    rules, settings = _rules(values), owner.settings(values["config"])
    wanted = _groups(values)
    fixes = values["form"] == "sarif"
    choice = check.Choice(rules, settings, values["profiles"], fixes, values["guess"])
    around = check.Surroundings(os.environ, values["env_files"])
    report = check.check(wanted, choice, around, _progress(len(wanted)))
    show(_render(report, values))
    for host in report.hosts:
        _complain(host)
    return _status(report, values["fail_on"])


def _rules(values: dict[str, Any]) -> tuple[Any, ...]:
    """Choose the rules that can be asked of files."""
    from hullward import judge_compose  # noqa: PLC0415 - as above
    from hullward.rules import ALL, profiles  # noqa: PLC0415 - as above
    from hullward.rules.selection import select  # noqa: PLC0415 - as above

    catalogue = [rule for rule in ALL if judge_compose.answers(rule)]
    found = select(catalogue, ids=values["ids"], excluded=values["exclude"])
    if values["profile"]:
        found = profiles.apply(values["profile"], found)
    if not found:
        raise HullwardError("No rule is chosen.", "Name fewer of --profile and --rule.")
    return found


def _groups(values: dict[str, Any]) -> Sequence[Any]:
    from hullward import check  # noqa: PLC0415 - as above

    if values["together"] and values["paths"]:
        raise HullwardError(
            "Files were named in more than one way.", "Give FILEs and FOLDERs, or -f."
        )
    if values["together"]:
        return [check.Group(values["together"])]
    paths = values["paths"] or (".",)
    found = check.groups(paths)
    if not found:
        raise HullwardError(
            f"There is no compose file in {', '.join(paths)}.",
            "Name the file, or a folder that holds some.",
        )
    return found


def _progress(count: int) -> Callable[[int], None]:
    """Count on a terminal where there is something to wait for, and nowhere else."""
    if count < 2 or not sys.stderr.isatty():  # noqa: PLR2004 - one is no progress
        return lambda _: None

    def tell(done: int) -> None:
        click.echo(
            f"\r{done} of {count} projects" if done < count else "\r\x1b[K", err=True, nl=False
        )

    return tell


def _render(report: Report, values: dict[str, Any]) -> str:
    if values["form"] == "table":
        from hullward.report import table  # noqa: PLC0415 - only what is asked for is loaded

        style = table.Style(
            columns=shutil.get_terminal_size((120, 24)).columns,
            colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR"),
            wide=values["wide"],
        )
        return table.render(report, style)
    module = import_module(f"hullward.report.{_RENDERERS[values['form']]}")
    render: Callable[[Report], str] = module.render
    return render(report)


def _complain(host: HostReport) -> None:
    """Tell on stderr what could not be read."""
    if host.error:
        say(host.error, host.advice)
    for verdict in host.verdicts:
        if verdict.outcome is Outcome.BROKEN:
            say(
                f"The rule {verdict.rule} broke on {verdict.subject}: {verdict.reason}.",
                "That is a fault of hullward: please report it, with the file if you can.",
            )


def _status(report: Report, fail_on: str) -> int:
    incomplete = any(
        host.incomplete
        or any(v.rule == _INCOMPLETE and v.outcome is Outcome.UNKNOWN for v in host.verdicts)
        for host in report.hosts
    )
    if incomplete:
        return _CANNOT
    return _FINDINGS if fail_on != "never" and report.failed(Severity(fail_on)) else 0
