"""`hullward changes`: the journal of a host, and the end of what was cut off."""

from typing import Any

import click

from hullward.cli import changing
from hullward.cli.main import show
from hullward.jobs import undo
from hullward.report import journal

_FINDINGS = 1


@click.command("changes", short_help="List what hullward changed on a host.")
@click.argument("target", nargs=-1)
@changing.options
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@click.option("--finish", type=int, metavar="ID", help="Do what is left of a change.")
def command(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - what the options hold
    """List what hullward changed on a host: when, who, what, and what has become of it.

    A change that was cut off is finished with --finish ID, or put back with `hullward undo ID`.

    Exit status: 0 every change is finished, 1 one is not, 2 the host could not be asked.
    """
    machine = changing.machine(values, target)
    if values["finish"] is not None:
        person = changing.person(values, machine.target.name)
        if undo.finish(machine, values["finish"], person):
            click.echo(f"Change {values['finish']} is done.")
        return 0
    found = machine.journal.changes()
    if values["form"] == "json":
        show(journal.render_json(found))
    else:
        show(journal.render(found, changing.style()))
    return 0 if all(change.over for change in found) else _FINDINGS
