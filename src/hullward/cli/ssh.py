"""`hullward ssh`: the ssh server of a host, looked at and hardened."""

from typing import Any

import click

from hullward.cli import changing
from hullward.cli.main import show
from hullward.jobs import ssh


@click.group("ssh", short_help="Check and harden the ssh server.")
def command() -> None:
    """Check the ssh server of a host, and harden it without locking anybody out."""


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
