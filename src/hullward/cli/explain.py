"""`hullward explain`: a rule or a capability on one screen."""

import click

from hullward.cli.main import show
from hullward.report import explain
from hullward.rules import ALL


@click.command("explain", short_help="Explain a rule or a capability.")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """Explain a rule or a capability, offline; without a NAME list them all."""
    show(explain.render(name, ALL) if name else explain.contents(ALL))
