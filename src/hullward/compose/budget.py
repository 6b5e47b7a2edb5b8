"""How much work reading may be, so that no file exhausts its reader by what it repeats."""

from hullward.compose.model import Place
from hullward.model.errors import HullwardError

# In values or hundreds of characters; the largest projects that people write take some thousands.
LIMIT = 1_000_000


class Budget:
    """What is left for one project: includes, extended services, ranges of ports, variables."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        """Start with all of it."""
        self.left = LIMIT

    def spend(self, count: int, place: Place) -> None:
        """Take some; raises HullwardError when none is left."""
        self.left -= count
        if self.left < 0:
            raise HullwardError(
                f"{place}: from here on, the files stand for more than {LIMIT} values",
                "Write out what is needed; such files are made to exhaust their readers.",
            )
