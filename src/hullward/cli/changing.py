"""The options of commands that change one machine, and the person who is asked."""

import getpass
import os
import shutil
import socket
import sys
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import click
from msgspec import Struct

from hullward.apply.journal import Journal
from hullward.cli import targets
from hullward.flow import Person
from hullward.host.hands import Hands
from hullward.jobs.machine import Machine
from hullward.model.errors import HullwardError
from hullward.model.plan import Plan
from hullward.report import preview
from hullward.report.terminal import Style

_F = TypeVar("_F", bound=Callable[..., Any])
_LEAST, _MOST = 10, 24 * 60 * 60

_MACHINE = (
    click.option("-H", "--host", default="", metavar="URL", help="An engine's address."),
    click.option("-c", "--context", default="", metavar="NAME", help="A docker context."),
    click.option(
        "--timeout",
        default=30.0,
        show_default=True,
        type=click.FloatRange(min=0, min_open=True, max=_MOST),
        help="Seconds that an answer may take.",
    ),
    click.option("--ssh-config", default="", metavar="FILE", help="Handed to ssh as -F FILE."),
    click.option(
        "--ask-become-pass", is_flag=True, help="Ask here for the password of sudo there."
    ),
)
_CHANGE = (
    click.option("--dry-run", is_flag=True, help="Show what would be done, and stop."),
    click.option("-y", "--yes", is_flag=True, help="Do not ask."),
)
_WITHIN = click.option(
    "--confirm-within",
    "within",
    type=click.IntRange(_LEAST, 3600),
    metavar="SECONDS",
    help="The host takes a change back that is not proven by then.",
)


class Wish(Struct, frozen=True):
    """Whether to stop after the preview, and whether to ask."""

    dry: bool = False
    yes: bool = False


def machine_options(function: _F) -> _F:
    """Add the options that name one machine to a command."""
    for option in reversed(_MACHINE):
        function = option(function)
    return function


def options(function: _F) -> _F:
    """Add the options of a command that changes one machine."""
    for option in reversed((*_MACHINE, *_CHANGE, _WITHIN)):
        function = option(function)
    return function


def machine(values: dict[str, Any], words: tuple[str, ...]) -> Machine:
    """Resolve the one machine; raises HullwardError for none, several, and unknown names."""
    if len(words) > 1:
        raise HullwardError("A change is made on one target at a time.", "Name one TARGET.")
    choice = targets.chosen(
        {
            "target": words,
            "all_contexts": False,
            "stopped": True,
            "tlsverify": False,
            "tlscacert": "",
            "tlscert": "",
            "tlskey": "",
            **{name: values[name] for name in ("host", "context", "timeout", "ssh_config")},
        }
    )
    (target,) = choice.targets
    password = _password(target.name) if values["ask_become_pass"] else None
    return Machine(target, choice.access, Journal(Hands(target, choice.access, password)))


def person(values: dict[str, Any], target: str) -> Person:
    """Give the person who is asked; raises HullwardError where there is nobody to ask."""
    wish = Wish(values["dry_run"], values["yes"])
    if not (wish.dry or wish.yes or sys.stdin.isatty()):
        raise HullwardError(
            "There is no terminal to ask at.", "--dry-run shows the change, --yes makes it."
        )

    def agrees(plan: Plan) -> bool:
        click.echo(preview.render(plan, target, style()), nl=False)
        if wish.dry:
            return False
        agreed = wish.yes or click.confirm("Do it?", default=False, err=True)
        if not agreed:
            click.echo("Nothing was changed.", err=True)
        return agreed

    return Person(_name(), agrees, lambda step: click.echo(f"{step} …", err=True))


def style() -> Style:
    """Say how wide the terminal is, and whether it wants colour."""
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return Style(shutil.get_terminal_size((80, 24)).columns, colour)


def _name() -> str:
    try:
        name = getpass.getuser()
    except (OSError, KeyError):
        name = "somebody"
    return f"{name}@{socket.gethostname()}"


def _password(target: str) -> Callable[[], str]:
    if not sys.stdin.isatty():
        raise HullwardError(
            "There is no terminal to ask for a password at.",
            "Use a login that needs none for sudo.",
        )

    @cache
    def ask() -> str:
        typed: str = click.prompt(f"Password of sudo on {target}", hide_input=True, err=True)
        return typed

    return ask
