"""`hullward compose`: what files say, before anything runs."""

from importlib import import_module
from typing import cast

import click

_COMMANDS = {
    "check": "Judge compose files by the rules for running containers.",
    "harden": "Write what is safe to take away into compose files.",
}


class _Lazy(click.Group):
    """Loads a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"hullward.cli.compose_{cmd_name}")
        return cast("click.Command", module.command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group("compose", cls=_Lazy, short_help="Judge and harden compose files.")
def command() -> None:
    """Judge compose files before anything runs, and harden them."""
