"""`hullward audit`: collect, judge, report."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from hullward import fleet, flow
from hullward.cli import targets
from hullward.model.errors import HullwardError
from hullward.model.facts import Snapshot
from hullward.model.severity import Severity

_FORMATS = ("table", "json", "html", "sarif", "junit", "markdown", "csv", "prometheus")
PROFILES = ("guide", "cis-1", "cis-2", "homelab")

# Areas whose rules need nothing but the engine's containers, and their processes.
_WITHOUT_HOST = frozenset({"container", "network"})


@click.command("audit", short_help="Say what every container may do.")
@targets.options
@click.option("--from", "saved", multiple=True, metavar="FILE", help="A snapshot, not an engine.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="table")
@click.option("--wide", is_flag=True, help="One long line a container, and every finding in full.")
@click.option("--sort", "order", type=click.Choice(["name", "risk"]), default="name")
@click.option(
    "--fail-on",
    type=click.Choice([*(grade.value for grade in Severity), "never"]),
    default="high",
    show_default=True,
    help="Exit 1 for findings as grave as this.",
)
@click.option("--baseline", default="", metavar="FILE", help="Exit 1 only for what is new since.")
@click.option(
    "--profile",
    type=click.Choice(PROFILES),
    help="Which rules, and how grave; guide, unless areas or rules are named.",
)
@click.option("--area", multiple=True, metavar="AREA", help="Only rules of this area.")
@click.option("--rule", "ids", multiple=True, metavar="RULE", help="Only this rule; may be a glob.")
@click.option("--exclude", multiple=True, metavar="RULE", help="Not this rule; may be a glob.")
@click.option(
    "--deep",
    is_flag=True,
    help="Read the content of images too. The engine writes a copy of each for the time.",
)
@click.option(
    "--probe-ssh",
    is_flag=True,
    help="Ask sshd what it offers, by one more login, which shows nothing and must fail.",
)
@click.option("--show-commands", is_flag=True, help="Print what would run on the host, and stop.")
@click.option("--config", default="", metavar="FILE", help="Settings, instead of hullward.toml.")
def command(**values: Any) -> int:  # noqa: ANN401 - click hands over what the options hold
    """Say what every container may do, and what should be taken away.

    A TARGET is the name of a docker context, or an address: unix://PATH, tcp://HOST:PORT,
    ssh://USER@HOST. Without one, the engine is the one that the docker command would use.

    --baseline takes a snapshot, or a report of --format json.

    Exit status: 0 nothing as grave as --fail-on, 1 findings, 2 something could not be audited.
    """
    if values["show_commands"]:
        click.echo(flow.host_script(), nl=False)
        return 0
    if any(values[name] for name in ("ids", "exclude", "profile", "baseline")):
        # A slip in these is told before anybody waits.
        _verdicts().chosen(values)
    looks = _looks(values)
    status: int = _verdicts().tell(values, looks)
    return status


def _verdicts() -> Any:  # noqa: ANN401 - a module
    """Load rules and reports, which takes as long as an engine takes to answer."""
    return import_module("hullward.cli.verdicts")


def _looks(values: dict[str, Any]) -> Sequence[Snapshot | flow.Failure]:
    if not values["saved"]:
        choice = targets.chosen(values)
        whole = needs_host(values["area"], values["ids"])
        offered = targets.over_ssh(choice, wanted=values["probe_ssh"])
        wanted = flow.Wanted(choice.stopped, whole, values["deep"], offered)
        return fleet.collect(choice.targets, choice.access, wanted, meanwhile=_verdicts)
    if values["target"] or values["host"] or values["context"] or values["all_contexts"]:
        raise HullwardError("--from was given together with a target.", "Keep one of them.")
    if values["probe_ssh"]:
        raise HullwardError("--probe-ssh asks a host, not a snapshot.", "Leave out one of them.")
    return flow.load(values["saved"])


def needs_host(areas: Sequence[str], ids: Sequence[str]) -> bool:
    """Whether the chosen areas or rules look at the host under the engine."""
    words = areas or [name.partition("-")[0] for name in ids]
    return not words or not _WITHOUT_HOST.issuperset(words)
