"""`hullward isolate`: the wall between the users of a host and its containers."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from hullward.cli import changing, standing
from hullward.fixes import nft
from hullward.fixes.isolation import Wishes
from hullward.jobs import isolation
from hullward.model.errors import HullwardError

_F = TypeVar("_F", bound=Callable[..., Any])
_KIND = isolation.KIND
_WISHES = (
    click.option(
        "--allow-user",
        "users",
        multiple=True,
        metavar="USER",
        help="May reach containers, as root may; a name or a uid.",
    ),
    click.option(
        "--open",
        "opens",
        multiple=True,
        metavar="PORT",
        help="A port of the host that containers may use, such as 53/udp.",
    ),
)


def _wishes(function: _F) -> _F:
    for option in reversed(_WISHES):
        function = option(function)
    return function


def _asked(values: dict[str, Any]) -> Wishes:
    for text in values["opens"]:
        opening = nft.opening(text)
        if opening.source or opening.link:
            raise HullwardError(
                f"{text!r} has conditions, which a port for containers cannot have.",
                "Write PORT/tcp or PORT/udp.",
            )
    return Wishes(tuple(sorted(set(values["users"]))), tuple(sorted(set(values["opens"]))))


@click.group("isolate", short_help="Close containers to the host's users.")
def command() -> None:
    """Close container networks to the users of the host, and the host to its containers.

    Root and the reverse proxy of the host keep their way to containers, and containers keep theirs
    to ports that are published to all. A port published on 127.0.0.1 is for root and the allowed.
    """


@command.command("plan")
@click.argument("target", nargs=-1)
@_wishes
@changing.machine_options
def plan(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - what the options hold
    """Show the ruleset for the host as it is now; nothing is changed."""
    return standing.plan(_KIND, changing.machine(values, target), values, _asked(values))


@command.command("apply")
@click.argument("target", nargs=-1)
@_wishes
@changing.options
def apply(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - what the options hold
    """Make the wall, prove it by real connections, and keep it across restarts."""
    return standing.change(_KIND, target, values, _asked(values))


@command.command("refresh")
@click.argument("target", nargs=-1)
@changing.options
def refresh(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - likewise
    """Bring the wall up to date with networks, ports and proxies as they are now."""
    return standing.change(_KIND, target, values, None)


@command.command("off")
@click.argument("target", nargs=-1)
@changing.options
def off(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - likewise
    """Take the wall away, and what loads it at boot."""
    return standing.off(_KIND, target, values)


@command.command("verify")
@click.argument("target", nargs=-1)
@standing.FORMAT
@changing.machine_options
def verify(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - likewise
    """Try real connections as every kind of user and from every container.

    It listens by itself in every container's network, so no service is touched.

    Exit status: 0 all is as it should be, 1 something is not, 2 something could not be proven.
    """
    machine = changing.machine(values, target)
    ask, seen = standing.ask(machine, values), standing.look(_KIND, machine, values)
    return standing.proof(isolation.verify(machine, seen, ask), machine, values)


@command.command("status")
@click.argument("target", nargs=-1)
@standing.FORMAT
@changing.machine_options
def status(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - likewise
    """Say whether the wall stands, what has changed since it was made, and its limits.

    Exit status: 0 it stands as it should, 1 it does not, 2 it could not be looked at.
    """
    return standing.status(_KIND, target, values)
