"""The options that name targets, shared by the commands that look at engines."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click
from msgspec import Struct

from hullward.host.contexts import Contexts, Target, TlsOptions, environment
from hullward.host.endpoints import SshEndpoint
from hullward.host.reader import Access
from hullward.model.errors import HullwardError

_F = TypeVar("_F", bound=Callable[..., Any])
_DAY = 24 * 60 * 60


def _seconds(context: click.Context, option: click.Parameter, value: float) -> float:
    """Refuse what no clock can count down from, "nan" included."""
    if not 0 < value <= _DAY:
        raise click.BadParameter(f"{value:g} is not between 0 and {_DAY}.", context, option)
    return value


_OPTIONS = (
    click.argument("target", nargs=-1),
    click.option("-H", "--host", default="", metavar="URL", help="An engine's address."),
    click.option("-c", "--context", default="", metavar="NAME", help="A docker context."),
    click.option("--all-contexts", is_flag=True, help="Every docker context."),
    click.option("-a", "--all", "stopped", is_flag=True, help="Stopped containers as well."),
    click.option(
        "--timeout",
        default=30.0,
        show_default=True,
        callback=_seconds,
        help="Seconds that a target may take.",
    ),
    click.option("--ssh-config", default="", metavar="FILE", help="Handed to ssh as -F FILE."),
    click.option("--tlsverify", is_flag=True, help="Use TLS and verify the engine."),
    click.option("--tlscacert", default="", metavar="FILE", help="Trust this CA only."),
    click.option("--tlscert", default="", metavar="FILE", help="The client's certificate."),
    click.option("--tlskey", default="", metavar="FILE", help="The client's key."),
)


class Choice(Struct, frozen=True):
    """What the options chose."""

    targets: tuple[Target, ...]
    access: Access
    stopped: bool


def options(function: _F) -> _F:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def chosen(values: dict[str, Any]) -> Choice:
    """Resolve the targets; raises HullwardError for names that mean nothing."""
    tls = TlsOptions(values["tlsverify"], values["tlscacert"], values["tlscert"], values["tlskey"])
    contexts = Contexts(environment(), tls)
    words, host, context = values["target"], values["host"], values["context"]
    named = [bool(words), bool(host or context), values["all_contexts"]]
    if sum(named) > 1:
        raise HullwardError(
            "Targets were named in more than one way.",
            "Give TARGETs, or --host or --context, or --all-contexts.",
        )
    if values["all_contexts"]:
        targets = contexts.everything()
    elif words:
        targets = tuple(contexts.resolve(word) for word in words)
    else:
        targets = (contexts.current(host=host, context=context),)
    interactive = len(targets) == 1 and sys.stdin.isatty() and sys.stderr.isatty()
    access = Access(values["timeout"], values["ssh_config"], interactive)
    return Choice(targets, access, values["stopped"])


def over_ssh(choice: Choice, *, wanted: bool) -> bool:
    """Say whether --probe-ssh is wanted; raises HullwardError where there is no sshd to ask."""
    if wanted and not any(isinstance(t.endpoint, SshEndpoint) for t in choice.targets):
        raise HullwardError("--probe-ssh is for ssh:// targets.", "Name one, or leave it out.")
    return wanted
