"""`hullward ssh`: the ssh server of a host, looked at and hardened."""

from typing import Any

import click

from hullward import fleet
from hullward.cli import changing, targets, verdicts
from hullward.cli.audit import FORMATS
from hullward.cli.main import show
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
def harden(target: tuple[str, ...], **values: Any) -> int:  # noqa: ANN401 - what the options hold
    """Let nobody in by password: keys only, root by key.

    A key login is proven first, and a login to the new files is rehearsed before anything changes.
    sshd is reloaded, no session is cut, and the host takes the change back by itself unless a new
    login proves that it works.
    """
    machine = changing.machine(values, target)
    person = changing.person(values, machine.target.name)
    if ssh.harden(machine, values["within"], person):
        show("sshd takes keys only, as a new login and its own offer say.\n")
    return 0
