"""How bad a finding is: five grades that can be compared."""

from enum import StrEnum


class Severity(StrEnum):
    """What an attacker gains; `rank` orders them, 4 for critical down to 0 for info."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """Position on the scale: a larger number is worse."""
        return _RANKS[self]

    def lowered(self) -> "Severity":
        """One grade milder; info stays info."""
        grades = list(Severity)
        return grades[min(grades.index(self) + 1, len(grades) - 1)]


_RANKS = {severity: rank for rank, severity in enumerate(reversed(Severity))}
