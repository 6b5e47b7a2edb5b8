"""What `hullward isolate` and `hullward firewall` have in common."""

from typing import Any

import click
from msgspec.structs import replace

from hullward.cli import changing
from hullward.cli.main import show
from hullward.jobs import ground as grounds
from hullward.jobs import walls
from hullward.jobs.ground import Ask, Look
from hullward.jobs.machine import Machine
from hullward.jobs.walls import Kind
from hullward.model.proof import Proof
from hullward.model.report import Outcome
from hullward.report import preview
from hullward.report import walls as words

FORMAT = click.option("--format", "form", type=click.Choice(["table", "json"]), default="table")
_FINDINGS, _CANNOT = 1, 2
_Values = dict[str, Any]


def ask(machine: Machine, values: _Values) -> Ask:
    """Say how a host is asked that is not changed."""
    become = values["ask_become_pass"]
    return grounds.hands(machine) if become else grounds.reading(machine)


def look(kind: Kind, machine: Machine, values: _Values) -> Look:
    """Look at a host that is not changed."""
    return grounds.look(machine, kind.standing, ask(machine, values))


def plan(kind: Kind, machine: Machine, values: _Values, wishes: object) -> int:
    """Show what `apply` would do."""
    made = walls.planned(kind, machine, look(kind, machine, values), wishes)
    show(preview.render(made, machine.target.name, changing.style()))
    return 0


def change(kind: Kind, target: tuple[str, ...], values: _Values, wishes: object | None) -> int:
    """Make the wall, or bring it up to date where there are no wishes."""
    machine = changing.machine(values, target)
    person = changing.person(values, machine.target.name)
    seen = grounds.look(machine, kind.standing, grounds.hands(machine))
    made = walls.planned(kind, machine, seen, wishes)
    if values["within"]:
        made = replace(made, within=values["within"])
    if walls.change(kind, machine, made, person):
        click.echo(f"Done: {kind.standing.what} stands.")
    return 0


def off(kind: Kind, target: tuple[str, ...], values: _Values) -> int:
    """Take the wall away."""
    machine = changing.machine(values, target)
    person = changing.person(values, machine.target.name)
    seen = grounds.look(machine, kind.standing, grounds.hands(machine))
    if walls.change(kind, machine, walls.ended(kind, machine, seen), person):
        click.echo(f"Done: {kind.standing.what} is gone.")
    return 0


def proof(found: Proof, machine: Machine, values: _Values) -> int:
    """Show what was proven, and give the exit status."""
    if values["form"] == "json":
        show(words.proof_json(found, machine.target.name))
    else:
        show(words.proof(found, changing.style()))
    if found.count(Outcome.FAIL):
        return _FINDINGS
    return _CANNOT if found.notes or found.count(Outcome.UNKNOWN) else 0


def status(kind: Kind, target: tuple[str, ...], values: _Values) -> int:
    """Show whether the wall stands, and give the exit status."""
    machine = changing.machine(values, target)
    seen = look(kind, machine, values)
    table = kind.standing.table
    drift, loaded = walls.behind(kind, seen), table in seen.ground.loaded
    counters, limits = walls.counters(seen.ground, table), kind.limits(seen)
    if values["form"] == "json":
        command, name = kind.standing.command, machine.target.name
        more = {"counters": counters, "limits": limits, "proven": seen.proven}
        show(words.status_json(command, name, drift, more, loaded=loaded))
    else:
        last = seen.proven
        facts = {
            "counted": ", ".join(f"{count} {name}" for name, count in counters.items()) or "-",
            "proven": (
                f"{last.when}: {last.passed} connections as they should be, {last.failed} not, "
                f"{last.unknown} unknown"
                if last
                else f"nothing yet; `hullward {kind.standing.command} verify` does"
            ),
            "limits": "\n".join(limits),
        }
        title = f"{kind.standing.what} of {machine.target.name}"
        show(words.status(title, drift, facts, changing.style(), loaded=loaded))
    return 0 if loaded and not drift else _FINDINGS
