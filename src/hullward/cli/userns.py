"""`hullward userns`: root in a container becomes nobody on the host, and back."""

from typing import Any

import click

from hullward.cli import changing
from hullward.cli.main import show
from hullward.fixes.userns import OFF, ON, outlook
from hullward.host import reader
from hullward.jobs import userns
from hullward.report import remap

_FINDINGS = 1


@click.group("userns", short_help="Make root in a container nobody on the host.")
def command() -> None:
    """Remap the users of containers, so that their root is nobody on the host."""


@command.command("check")
@click.argument("target", nargs=-1)
@changing.machine_options
def check(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - what the options hold
    """Say what is in effect, by the engine's own word; nothing is written.

    Exit status: 0 the engine remaps, 1 it does not, 2 it could not be looked at.
    """
    machine = changing.machine(values, target)

    def ask(script: str) -> bytes:
        if values["ask_become_pass"]:
            return machine.journal.hands.run(script, 60).out.encode()
        return reader.ask_host(machine.target, script, machine.access)

    found, _ = userns.gathered(machine, ask)
    show(remap.render(found, outlook(found), changing.style()))
    return 0 if found.on else _FINDINGS


@command.command("on")
@click.argument("target", nargs=-1)
@changing.options
def on(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - what the options hold
    """Switch the remapping on: every container stops, images and volumes move out of sight."""
    return _switch(ON, target, values)


@command.command("off")
@click.argument("target", nargs=-1)
@changing.options
def off(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - what the options hold
    """Switch the remapping off: what was there before comes back into sight."""
    return _switch(OFF, target, values)


def _switch(way: str, target: tuple[str, ...], values: dict[str, Any]) -> int:
    machine = changing.machine(values, target)
    person = changing.person(values, machine.target.name)
    if userns.switch(machine, way, values["within"], person):
        click.echo(f"userns-remap is {way}, as the engine and a real container say.")
    return 0
