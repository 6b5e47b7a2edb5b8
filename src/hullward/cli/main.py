"""The hullward command: finds a subcommand, runs it, and maps what happened to an exit code."""

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import NoReturn, cast

import click

from hullward import __version__
from hullward.model.errors import HullwardError

_CANNOT = 2
_COMMANDS = {
    "audit": "Say what every container may do, and what should be taken away.",
    "collect": "Save a snapshot, to be audited elsewhere or later.",
    "diff": "Say what became worse, and what better, between two looks.",
    "ports": "Say which ports are open, whatever a firewall claims.",
    "compose": "Judge compose files before anything runs, and harden them.",
    "userns": "Make root in a container nobody on the host, and back.",
    "ssh": "Check and harden the ssh server of a host.",
    "isolate": "Close containers to the host's users, and the host to its containers.",
    "firewall": "Close all ports of a host to the outside but those that are named.",
    "changes": "List what hullward changed on a host; finish what was cut off.",
    "undo": "Take a change back.",
    "minimize": "Find the least privileges that a container needs, and prove it.",
    "explain": "Explain a rule or a capability.",
}


class _Lazy(click.Group):
    """Loads a command when it is asked for: what is not run need not be imported."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        return cast("click.Command", import_module(f"hullward.cli.{cmd_name}").command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="hullward %(version)s")
def hullward() -> None:
    """See what Docker containers may do, take away what they do not need, and prove it."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line; ends the process with 0, 1 or 2."""
    # What was imported lives until the end, and nearly all that is made after it.
    gc.freeze()
    gc.set_threshold(50_000)
    _open_streams()
    try:
        status = hullward.main(arguments, prog_name="hullward", standalone_mode=False)
    except HullwardError as error:
        say(error.what, error.advice)
        status = _CANNOT
    except click.ClickException as error:
        say(error.format_message(), "`hullward --help` shows the commands and options.")
        status = _CANNOT
    except (click.Abort, KeyboardInterrupt):
        say("Interrupted.", "Nothing was changed.")
        status = _CANNOT
    except SystemExit as leaving:  # of click or `show`, when nobody reads what they print
        status = _CANNOT if leaving.code else 0
    sys.exit(status if isinstance(status, int) else 0)


def run() -> NoReturn:
    """Be the program: end at once, for there is nothing that a tidy end would save."""
    try:
        main()
    except SystemExit as leaving:
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(leaving.code if isinstance(leaving.code, int) else _CANNOT)


def _open_streams() -> None:
    """Open those that the caller closed, so that no socket takes their number; escape all else."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - until the end
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def show(text: str) -> None:
    """Print a report, whole; raises HullwardError where it finds no room."""
    try:
        click.echo(text, nl=False)
    except OSError as error:
        # What is left in the buffer must not be tried again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):  # as `head` does: there is nobody left to tell
            sys.exit(_CANNOT)
        raise HullwardError(
            f"The report cannot be written: {error.strerror}.", "Make room, or write elsewhere."
        ) from error


def say(what: str, advice: str) -> None:
    """Print an error as two lines that nothing from outside can forge."""
    from hullward.report.text import visible  # noqa: PLC0415 - not needed by --version

    click.echo(f"hullward: {visible(what)}", err=True)
    if advice:
        click.echo(f"  {visible(advice)}", err=True)
