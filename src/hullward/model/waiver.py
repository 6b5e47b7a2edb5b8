"""An accepted risk: which rule, where, why, and until when."""

from datetime import date
from fnmatch import fnmatchcase

from msgspec import Struct


class Waiver(Struct, frozen=True, forbid_unknown_fields=True):
    """A finding that its owner accepts until the end of the day `expires`, None for always.

    `target` is a glob on the container's name, or on `TARGET/NAME` where it holds a slash.
    """

    rule: str
    target: str
    reason: str
    expires: date | None = None

    def covers(self, rule: str, host: str, subject: str) -> bool:
        """Whether it is meant for this rule and subject, expired or not."""
        name = f"{host}/{subject}" if "/" in self.target else subject
        return self.rule == rule and fnmatchcase(name, self.target)

    def expired(self, today: date) -> bool:
        """Whether its last day is over."""
        return self.expires is not None and self.expires < today
