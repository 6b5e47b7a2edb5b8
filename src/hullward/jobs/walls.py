"""What both walls have in common: planned, carried out, compared with the kernel, taken away."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from hullward import flow
from hullward.apply.journal import Entry
from hullward.fixes import nft, standing
from hullward.fixes.standing import Standing
from hullward.jobs import ground as grounds
from hullward.jobs.ground import Ask, Look
from hullward.jobs.machine import Machine
from hullward.model.errors import HullwardError
from hullward.model.plan import Plan
from hullward.model.walls import Ground

_NOTHING = "Nothing was changed."


class Kind(Struct, frozen=True):
    """One of the walls.

    `make` gives its text for a ground and its owner's wishes, and what a person must know;
    `wished` reads the wishes back from a text, None where they cannot be read; `ended` says what
    its end means; `prove` raises HullwardError where it does not hold; `limits` says where it ends.
    """

    standing: Standing
    make: Callable[[Look, Any], tuple[str, tuple[str, ...]]]
    wished: Callable[[str | None], object | None]
    ended: str
    prove: Callable[[Machine, Look, Ask], None]
    limits: Callable[[Look], tuple[str, ...]]


def planned(kind: Kind, machine: Machine, seen: Look, wishes: object | None) -> Plan:
    """Plan the wall by these wishes, or by those of the wall that stands; raises HullwardError."""
    wishes = wishes or kind.wished(seen.text)
    if wishes is None:
        raise HullwardError(
            f"There is nothing to refresh: {kind.standing.what} was not made.",
            f"`hullward {kind.standing.command} apply` makes it.",
        )
    refuse_wiped(seen.ground)
    text, notes = kind.make(seen, wishes)
    plan = standing.plan(kind.standing, seen.ground, text, seen.files, machine.journal.folder)
    return replace(plan, forth=replace(plan.forth, notes=(*plan.forth.notes, *notes)))


def ended(kind: Kind, machine: Machine, seen: Look) -> Plan:
    """Plan the end of the wall."""
    plan = standing.plan(kind.standing, seen.ground, None, seen.files, machine.journal.folder)
    return replace(plan, forth=replace(plan.forth, notes=(kind.ended,)))


def change(kind: Kind, machine: Machine, plan: Plan, person: flow.Person) -> bool:
    """Carry a plan out; False where the person does not agree."""
    return flow.change(machine.journal, plan, work(kind, machine, plan), person) is not None


def work(kind: Kind, machine: Machine, plan: Plan) -> flow.Work:
    """Say how a plan is proven; that ssh still works, the connection that confirms it proves."""
    ask = grounds.hands(machine)
    edit = plan.edit(kind.standing.text)
    after = edit.after if edit else None

    def rehearse(entry: Entry) -> None:
        del entry
        wishes = kind.wished(after)
        if wishes is not None and not plan.undoes:
            again, _ = kind.make(grounds.look(machine, kind.standing, ask), wishes)
            _same(kind.standing.text, after, again)

    def prove(entry: Entry) -> None:
        del entry
        seen = grounds.look(machine, kind.standing, ask)
        wrong = drift(seen.ground, kind.standing.table, after)
        if wrong:
            raise HullwardError(f"The kernel did not take the wall: {wrong[0]}.", "")
        if after is not None and not plan.undoes:
            kind.prove(machine, seen, ask)

    return flow.Work(rehearse=rehearse, prove=prove)


def _same(path: str, before: str | None, after: str | None) -> None:
    if before != after:
        raise HullwardError(
            f"The host changed while you read the plan: {path} would be another one now.",
            "Look at the new plan.",
        )


def refuse_wiped(ground: Ground) -> None:
    """Raise HullwardError where somebody has deleted Docker's rules: no wall replaces them."""
    if ground.wiped:
        raise HullwardError(
            f"Docker's own rules are gone from the kernel: {ground.wiped}.",
            "Something ran `nft flush ruleset`, as a restart of nftables.service does. "
            f"`systemctl restart docker` makes them again; then repeat this. {_NOTHING}",
        )


def behind(kind: Kind, seen: Look) -> tuple[str, ...]:
    """Say in what the wall in the kernel is not what it would be if it were made now."""
    wishes = kind.wished(seen.text)
    if wishes is None:
        if seen.text is None:
            return drift(seen.ground, kind.standing.table, None)
        return (f"{kind.standing.text} was edited: what was wished cannot be read",)
    try:
        text, _ = kind.make(seen, wishes)
    except HullwardError as error:
        return (f"it could not be made now: {error.what}",)
    found = drift(seen.ground, kind.standing.table, text)
    if seen.ground.wiped:
        found = (*found, f"Docker's own rules are gone: {seen.ground.wiped}")
    if not found and seen.text != text:
        found = (f"{kind.standing.text}, which is loaded at boot, is behind",)
    unit = kind.standing.unit(seen.ground.init)
    if unit and any(file.text is None for file in seen.files):
        found = (*found, f"what loads it at boot is not there: {unit}")
    return found


def drift(ground: Ground, table: str, text: str | None) -> tuple[str, ...]:
    """Say in what the kernel's table differs from a text; nothing where both agree."""
    loaded = ground.loaded.get(table)
    if text is None or loaded is None:
        both = (text is None) == (loaded is None)
        return () if both else (f"the table {table} is {'not ' if text else 'still '}loaded",)
    if not loaded.rules:
        return ("this nft does not show the table as JSON, so it cannot be compared",)
    found = [
        f"{word} {', '.join(sorted(some)[:10])}{' …' if some[10:] else ''} in {name}"
        for name, wanted in nft.elements(text).items()
        for word, some in (
            ("missing:", sorted(wanted - loaded.sets.get(name, frozenset()))),
            ("too much:", sorted(loaded.sets.get(name, frozenset()) - wanted)),
        )
        if some
    ]
    wanted_rules = nft.rules(text)
    found += [
        f"chain {chain} has {loaded.rules.get(chain, 0)} rules, not {wanted_rules.get(chain, 0)}"
        for chain in sorted({*wanted_rules, *loaded.rules})
        if wanted_rules.get(chain, 0) != loaded.rules.get(chain, 0)
    ]
    return tuple(found)


def counters(ground: Ground, table: str) -> dict[str, int]:
    """Give what the wall has counted."""
    loaded = ground.loaded.get(table)
    return dict(loaded.counters) if loaded else {}
