"""What real connections have shown."""

from msgspec import Struct

from hullward.model.report import Outcome


class Knock(Struct, frozen=True):
    """One real attempt: who tried what, what should have happened, and what did.

    `wanted` is open or closed; `found` is open, refused, silent, unreachable, or why it was not
    tried. `outcome` is unknown, for the reason `why`, where nothing is proven.
    """

    who: str
    what: str
    place: str
    wanted: str
    found: str
    outcome: Outcome
    why: str = ""


class Proof(Struct, frozen=True):
    """All attempts of one verification; `notes` say what was left out, and why."""

    knocks: tuple[Knock, ...] = ()
    notes: tuple[str, ...] = ()

    def count(self, outcome: Outcome) -> int:
        """Count the attempts that ended like this."""
        return sum(knock.outcome is outcome for knock in self.knocks)
