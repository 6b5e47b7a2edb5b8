"""`hullward ssh`: the ssh server of a host, looked at and hardened."""

from collections.abc import Mapping
from typing import Any

import click

from hullward import fleet
from hullward.cli import changing, targets, verdicts
from hullward.cli.audit import FORMATS
from hullward.cli.main import show
from hullward.fixes.sshd_lines import Wish
from hullward.host.contexts import Contexts, TlsOptions, environment
from hullward.host.endpoints import SshEndpoint
from hullward.jobs import ssh
from hullward.model.severity import Severity

_ALL_OF_SSH = {
    "area": ("ssh",), "ids": (), "exclude": (), "profile": None, "baseline": "", "order": "name",
}  # fmt: skip


@click.group("ssh", short_help="Check and harden the ssh server.")
def command() -> None:
    """Check the ssh server of a host, and harden it without locking anybody out."""


@command.command("check")
@targets.options
@click.option("--format", "form", type=click.Choice(FORMATS), default="table")
@click.option("--wide", is_flag=True, help="Every finding in full.")
@click.option(
    "--fail-on",
    type=click.Choice([*(grade.value for grade in Severity), "never"]),
    default="high",
    show_default=True,
    help="Exit 1 for findings as grave as this.",
)
@click.option(
    "--probe-ssh",
    is_flag=True,
    help="Ask sshd what it offers, by one more login, which shows nothing and must fail.",
)
@click.option("--config", default="", metavar="FILE", help="Settings, instead of hullward.toml.")
def check(**values: Any) -> int:  # noqa: ANN401 - what the options hold
    """Judge the ssh server by the rules of its area; nothing is changed, no engine is asked.

    Exit status: 0 nothing as grave as --fail-on, 1 findings, 2 something could not be looked at.
    """
    choice = targets.chosen(values)
    offered = targets.over_ssh(choice, wanted=values["probe_ssh"])
    looks = fleet.each(
        choice.targets, lambda target: ssh.checked(target, choice.access, offered=offered)
    )
    return verdicts.tell({**values, **_ALL_OF_SSH}, looks)


@command.command("harden")
@click.argument("target", nargs=-1)
@changing.options
@click.option(
    "--host-keys", is_flag=True, help="Retire DSA and ECDSA host keys; known_hosts is seen to."
)
@click.option(
    "--without-rehearsal", is_flag=True, help="Rely on the revert timer where none is possible."
)
@click.option(
    "--strict", is_flag=True, help="No forwarding either, if nobody jumps through the host."
)
def harden(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - what the options hold
    """Let nobody in by password: keys only, root by key.

    A key login is proven first, and a login to the new files is rehearsed before anything changes.
    sshd is reloaded, no session is cut, and the host takes the change back by itself unless a new
    login proves that it works.
    """
    machine = changing.machine(values, target)
    person = changing.person(values, machine.target.name)
    wish = Wish(values["host_keys"], values["strict"])
    others = _known() if wish.strict else {}
    rehearsed = not values["without_rehearsal"]
    if ssh.harden(machine, ssh.Request(wish, values["within"], others, rehearsed), person):
        show("sshd is hardened: a new login by key works, and its own offer fits.\n")
    return 0


def _known() -> Mapping[str, SshEndpoint]:
    """Give the docker contexts behind ssh."""
    found = Contexts(environment(), TlsOptions()).everything()
    return {
        target.name: target.endpoint for target in found if isinstance(target.endpoint, SshEndpoint)
    }
