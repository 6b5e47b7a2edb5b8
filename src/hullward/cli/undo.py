"""`hullward undo`: the way back of a change."""

from typing import Any

import click

from hullward.cli import changing
from hullward.jobs import undo
from hullward.model.errors import HullwardError


@click.command("undo", short_help="Take a change back.")
@click.argument("words", nargs=-1, metavar="[ID] [TARGET]")
@changing.options
@click.option("--merge", is_flag=True, help="Keep what others have written since.")
@click.option(
    "--force", is_flag=True, help="Put the files from before in place, whatever they hold."
)
def command(words: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - what the options hold
    """Take a change back: the one that is unfinished, or else the last; ID names another one.

    A file that somebody has edited since is left alone, unless --merge or --force is given.
    """
    if values["merge"] and values["force"]:
        raise HullwardError("--merge and --force were both given.", "Keep one of them.")
    number = int(words[0]) if words and words[0].isdecimal() else None
    machine = changing.machine(values, words if number is None else words[1:])
    person = changing.person(values, machine.target.name)
    drift = undo.MERGE if values["merge"] else undo.FORCE if values["force"] else undo.REFUSE
    undone = undo.undo(machine, number, drift, person)
    if undone:
        click.echo(f"Change {undone.number} is taken back.")
    return 0
