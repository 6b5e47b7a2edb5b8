"""`hullward collect`: save a snapshot."""

from typing import Any

import click

from hullward import fleet, flow
from hullward.cli import targets
from hullward.cli.main import say
from hullward.model.errors import HullwardError

_CANNOT = 2


@click.command("collect", short_help="Save a snapshot.")
@targets.options
@click.option("-o", "--output", default="", metavar="FILE", help="Where to write it.")
@click.option("--deep", is_flag=True, help="Read the content of images too.")
@click.option("--probe-ssh", is_flag=True, help="Ask sshd what it offers, by one more login.")
@click.option(
    "--print-script", is_flag=True, help="Print the script for a host without a connection."
)
def command(output: str, *, print_script: bool, **values: Any) -> int:  # noqa: ANN401 - what the options hold
    """Save what an audit looks at, to be audited elsewhere or later with `audit --from FILE`.

    The file holds no values of environment variables, no commands and no labels but a few of
    docker's own.

    For a host that no connection reaches: `hullward collect --print-script > c.sh`, there
    `sudo sh c.sh > bundle`, and here `hullward audit --from bundle`.
    """
    if print_script:
        click.echo(flow.script(), nl=False)
        return 0
    if not output:
        raise HullwardError("No file to write to was given.", "Name one: `-o FILE`.")
    choice = targets.chosen(values)
    offered = targets.over_ssh(choice, wanted=values["probe_ssh"])
    wanted = flow.Wanted(choice.stopped, deep=values["deep"], offered=offered)
    looks = fleet.collect(choice.targets, choice.access, wanted)
    failures = [look for look in looks if isinstance(look, flow.Failure)]
    snapshots = [look for look in looks if not isinstance(look, flow.Failure)]
    for failure in failures:
        say(f"{failure.target}: {failure.what}", failure.advice)
    if snapshots:
        flow.save(output, snapshots)
        count = sum(len(snapshot.containers) for snapshot in snapshots)
        click.echo(f"Saved {count} containers of {len(snapshots)} engines in {output}.", err=True)
    unread = any(snapshot.unread for snapshot in snapshots)
    return _CANNOT if failures or unread else 0
