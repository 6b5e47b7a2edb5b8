"""The wall between users and containers: made from live state, proven by real connections."""

from hullward.fixes import isolation, knocks, wall_notes
from hullward.fixes.isolation import Wishes
from hullward.fixes.standing import Standing
from hullward.jobs import ground as grounds
from hullward.jobs.ground import Ask, Look
from hullward.jobs.machine import Machine
from hullward.jobs.walls import Kind
from hullward.model.errors import HullwardError
from hullward.model.proof import Proof
from hullward.model.report import Outcome
from hullward.model.walls import ISOLATION

JOB = isolation.COMMAND
_STANDING = Standing(ISOLATION, isolation.COMMAND, "the wall between users and containers")


def _make(seen: Look, wishes: Wishes) -> tuple[str, tuple[str, ...]]:
    found = isolation.plan(seen.ground, wishes)
    return isolation.text(found, wishes), wall_notes.isolation(seen.ground, found, seen.snapshot)


def verify(machine: Machine, seen: Look, ask: Ask) -> Proof:
    """Try real connections as every kind of user and from every container; keep what they show."""
    wishes = isolation.wished(seen.text) or Wishes()
    found = isolation.plan(seen.ground, wishes)
    errand = knocks.errand(seen.ground, seen.snapshot, found)
    names = wall_notes.names(seen.ground, found, errand.ordinary)
    proof = knocks.proof(grounds.knock(ask, errand), errand, names)
    if ISOLATION in seen.ground.loaded:
        grounds.keep(machine, _STANDING, proof)
    return proof


def _prove(machine: Machine, seen: Look, ask: Ask) -> None:
    """Raise HullwardError where a connection shows that the wall does not do what it should."""
    for knock in verify(machine, seen, ask).knocks:
        if knock.outcome is Outcome.FAIL:
            raise HullwardError(
                f"The wall does not hold: {knock.who} → {knock.what} ({knock.place}) is "
                f"{knock.found}, and should be {knock.wanted}.",
                "",
            )


KIND = Kind(
    _STANDING,
    _make,
    isolation.wished,
    "every user of the host reaches every container again",
    _prove,
    lambda seen: wall_notes.limits(seen.snapshot),
)
