"""`hullward firewall`: the wall between the outside and a host with its published ports."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from hullward import owner
from hullward.cli import changing, standing
from hullward.cli.main import show
from hullward.fixes import exports, nft
from hullward.fixes import firewall as fixes
from hullward.fixes.firewall import Wishes
from hullward.host import probe
from hullward.jobs import firewall

_F = TypeVar("_F", bound=Callable[..., Any])
_KIND = firewall.KIND
_WISHES = (
    click.option(
        "--open",
        "opens",
        multiple=True,
        metavar="PORT",
        help='Open beside the policy: 25/tcp, "5432/tcp from 10.0.0.0/8", "9090/tcp on eth1".',
    ),
    click.option(
        "--trust", multiple=True, metavar="LINK", help="Everything may come in over this interface."
    ),
    click.option("--outside", multiple=True, metavar="LINK", help="This interface leads outside."),
    click.option("--config", default="", metavar="FILE", help="Settings, not hullward.toml."),
)


def _wishes(function: _F) -> _F:
    for option in reversed(_WISHES):
        function = option(function)
    return function


def _asked(values: dict[str, Any]) -> Wishes:
    policy = owner.settings(values["config"]).firewall
    for text in (*policy.open, *values["opens"]):
        nft.opening(text)
    return fixes.wishes(policy, values["opens"], values["trust"], values["outside"])


@click.group("firewall", short_help="Close all ports to the outside but those that are named.")
def command() -> None:
    """Close every port of a host to the outside, published ones too, but those that are named.

    Open are 22, the port that sshd really listens on, 80 and 443, or what `[firewall]` of
    hullward.toml names. Where your provider has a firewall, use that one; this is for the rest.
    """


@command.command("plan")
@click.argument("target", nargs=-1)
@_wishes
@click.option(
    "--export",
    "form",
    type=click.Choice(["nft", *exports.FORMATS]),
    help="Print the policy alone, for a provider's firewall or as nft's text.",
)
@changing.machine_options
def plan(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - what the options hold
    """Show the ruleset for the host as it is now, and what it would close."""
    wishes, machine = _asked(values), changing.machine(values, target)
    if not values["form"]:
        return standing.plan(_KIND, machine, values, wishes)
    wall = fixes.plan(standing.look(_KIND, machine, values).ground, wishes)
    form = values["form"]
    show(fixes.text(wall, wishes) if form == "nft" else exports.render(wall, form))
    return 0


@command.command("apply")
@click.argument("target", nargs=-1)
@_wishes
@changing.options
def apply(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - what the options hold
    """Make the wall, confirm it over a new connection, and keep it across restarts."""
    return standing.change(_KIND, target, values, _asked(values))


@command.command("refresh")
@click.argument("target", nargs=-1)
@changing.options
def refresh(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - likewise
    """Bring the wall up to date with links and sshd as they are now."""
    return standing.change(_KIND, target, values, None)


@command.command("off")
@click.argument("target", nargs=-1)
@changing.options
def off(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - likewise
    """Take the wall away, and what loads it at boot."""
    return standing.off(_KIND, target, values)


@command.command("verify")
@click.argument("target", nargs=-1)
@click.option("--address", multiple=True, metavar="ADDR", help="Try this address or name.")
@standing.FORMAT
@changing.machine_options
def verify(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - likewise
    """Knock at every port from here, also at one where hullward itself listens meanwhile.

    Exit status: 0 all is as it should be, 1 something is not, 2 something could not be proven.
    """
    machine = changing.machine(values, target)
    addresses = tuple(found for word in values["address"] for found in probe.resolve(word))
    ask, seen = standing.ask(machine, values), standing.look(_KIND, machine, values)
    return standing.proof(firewall.verify(machine, seen, ask, addresses), machine, values)


@command.command("status")
@click.argument("target", nargs=-1)
@standing.FORMAT
@changing.machine_options
def status(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - likewise
    """Say whether the wall stands, how every link is classified, and what has changed.

    Exit status: 0 it stands as it should, 1 it does not, 2 it could not be looked at.
    """
    return standing.status(_KIND, target, values)
