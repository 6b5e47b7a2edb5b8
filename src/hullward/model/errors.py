"""The one error that a user may see: what went wrong, and what to do about it."""


class HullwardError(Exception):
    """Work that could not be done; printed as two lines, exit code 2."""

    def __init__(self, what: str, advice: str) -> None:
        """Take one line for what happened and one line of advice."""
        super().__init__(what)
        self.what = what
        self.advice = advice
