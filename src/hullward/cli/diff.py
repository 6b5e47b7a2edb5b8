"""`hullward diff`: what became worse, and what better."""

import shutil
from collections.abc import Sequence
from typing import Any

import click

from hullward import flow
from hullward.cli.main import say
from hullward.host import files
from hullward.model.report import Report
from hullward.model.rule import Rule
from hullward.model.severity import Severity
from hullward.report import changes, json_reader
from hullward.report.difference import compare, paired
from hullward.rules import ALL
from hullward.rules.image_files import answerable

_FINDINGS = 1


@click.command("diff", short_help="Say what became worse and what better.")
@click.argument("old")
@click.argument("new")
@click.option("--format", "form", type=click.Choice(list(changes.RENDERERS)), default="table")
@click.option(
    "--fail-on",
    type=click.Choice([*(grade.value for grade in Severity), "never"]),
    default="info",
    show_default=True,
    help="Exit 1 for new findings as grave as this.",
)
@click.option("--config", default="", metavar="FILE", help="Settings, instead of hullward.toml.")
def command(**values: Any) -> int:  # noqa: ANN401 - click hands over what the options hold
    """Say what became worse and what better from OLD to NEW.

    Each is a snapshot of `hullward collect` or a bundle of its script, judged by the rules and
    waivers of today, or a report of `hullward audit --format json`, taken as it is.

    Exit status: 0 no new finding as grave as --fail-on, 1 new findings or graver ones, 2 a file
    that cannot be read.
    """
    old = load(values["old"], values["config"])
    new = load(values["new"], values["config"])
    old, note = paired(old, new)
    difference = compare(old, new)
    notes = [note] if note else []
    if values["form"] == "table":
        columns = shutil.get_terminal_size((100, 24)).columns
        click.echo(changes.table(difference, notes=notes, columns=columns), nl=False)
    else:
        click.echo(changes.RENDERERS[values["form"]](difference, notes=notes), nl=False)
    for host in new.hosts:
        if host.error:
            say(f"{host.target} was not audited: {host.error}", "Nothing new can be known of it.")
    grade = values["fail_on"]
    return _FINDINGS if grade != "never" and difference.new(Severity(grade)) else 0


def load(path: str, config: str = "", rules: Sequence[Rule] = ALL) -> Report:
    """Read a JSON report, or what `audit --from` reads; raises HullwardError if it is neither."""
    data = files.read(path, what="report or snapshot")
    if json_reader.recognises(data):
        return json_reader.load(data, path)
    found = flow.unpacked(data, path)
    return flow.report(found, answerable(rules, found), flow.owner_settings(config))
