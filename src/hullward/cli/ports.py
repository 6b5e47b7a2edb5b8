"""`hullward ports`: who listens, which firewall claims to close it, and what is true."""

import shutil
from typing import Any

import click
from msgspec.structs import replace

from hullward import fleet, flow
from hullward.cli import targets
from hullward.cli.main import say
from hullward.host import probe
from hullward.host.contexts import Target
from hullward.model.errors import HullwardError
from hullward.model.facts import Snapshot
from hullward.model.policy import Policy
from hullward.report import ports
from hullward.report.ports import Ports, Probe
from hullward.rules import port_table

_FINDINGS, _CANNOT = 1, 2
# What is tried beside the ports in the table and those of the policy: the engine's own.
_ENGINE = frozenset({2375, 2376})


@click.command("ports", short_help="Say which ports are open, whatever a firewall claims.")
@targets.options
@click.option("--from", "saved", multiple=True, metavar="FILE", help="A snapshot, not an engine.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
@click.option("--probe", "probing", is_flag=True, help="Try real TCP connections from here.")
@click.option("--address", multiple=True, metavar="ADDR", help="Probe this address or name.")
@click.option("--config", default="", metavar="FILE", help="Settings, instead of hullward.toml.")
@click.option(
    "--wait",
    default=2.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True, max=60),
    help="Seconds that a connection of --probe may take.",
)
def command(**values: Any) -> int:  # noqa: ANN401 - click hands over what the options hold
    """Say for every port who listens, which firewall claims to close it, and what is true.

    The truth is worked out from the kernel's own rules; what cannot be judged is unknown. A
    firewall of the provider is not in them: --probe tries real connections, so run it on another
    machine than the target.

    Exit status: 0 every claim is true, 1 a port is open that a firewall claims to close, or was
    reached although the policy closes it, 2 something could not be looked at. The policy leaves
    22, 80 and 443 open, or what `[firewall]` of hullward.toml names.
    """
    policy = flow.owner_settings(values["config"]).firewall
    if values["probing"]:
        found = _probed(values, policy)
    else:
        found = tuple(_ports(look, policy) for look in _looks(values))
    tables = [table for table in found if isinstance(table, Ports)]
    if values["form"] == "json":
        click.echo(ports.render_json(tables), nl=False)
    else:
        columns = shutil.get_terminal_size((100, 24)).columns
        click.echo("\n".join(ports.render(table, columns) for table in tables), nl=False)
    for failure in found:
        if isinstance(failure, flow.Failure):
            say(f"{failure.target}: {failure.what}", failure.advice)
    if len(tables) < len(found):
        return _CANNOT
    wrong = any(ports.surprises(t) or any(row.deceived for row in t.rows) for t in tables)
    return _FINDINGS if wrong else 0


def _looks(values: dict[str, Any]) -> tuple[Snapshot | flow.Failure, ...]:
    if values["address"] and not values["probing"]:
        raise HullwardError("--address was given without --probe.", "Add --probe.")
    if not values["saved"]:
        choice = targets.chosen(values)
        return fleet.collect(choice.targets, choice.access, flow.Wanted(choice.stopped))
    if values["target"] or values["host"] or values["context"] or values["all_contexts"]:
        raise HullwardError("--from was given together with a target.", "Keep one of them.")
    return flow.load(values["saved"])


def _ports(look: Snapshot | flow.Failure, policy: Policy) -> Ports | flow.Failure:
    if isinstance(look, flow.Failure):
        return look
    return Ports(look.target, port_table.table(look), port_table.gap(look), policy=policy)


def _probed(values: dict[str, Any], policy: Policy) -> tuple[Ports | flow.Failure, ...]:
    """Look at one target, then try its ports from here."""
    named = tuple(a for word in values["address"] for a in probe.resolve(word))
    if not named:
        named = _addresses(values)
    looks = _looks(values)
    if len(looks) != 1:
        raise HullwardError("--probe is for one target at a time.", "Name one TARGET.")
    table = _ports(looks[0], policy)
    if isinstance(table, flow.Failure):
        return (table,)
    tried = {row.port for row in table.rows if row.protocol == "tcp"} | policy.open_tcp | _ENGINE
    answers = probe.probe(named, tried, values["wait"])
    return (replace(table, probe=Probe(named, answers)),)


def _addresses(values: dict[str, Any]) -> tuple[str, ...]:
    if values["saved"]:
        raise HullwardError("A snapshot does not say where its host is.", "Name it by --address.")
    choice = targets.chosen(values)
    only: tuple[Target, ...] = choice.targets
    if len(only) != 1:
        raise HullwardError("--probe is for one target at a time.", "Name one TARGET.")
    return probe.addresses(only[0], choice.access.config)
