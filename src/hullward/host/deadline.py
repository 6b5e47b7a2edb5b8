"""A point in time by which all the work on one target must be done."""

import time


class Deadline:
    """Counts down from `seconds`, by the monotonic clock."""

    def __init__(self, seconds: float) -> None:
        """Start to count."""
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left; raises TimeoutError when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left
