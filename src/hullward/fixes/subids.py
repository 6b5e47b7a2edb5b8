"""The ranges of subordinate uids and gids that a remapped engine uses: subuid(5), subgid(5)."""

from collections.abc import Iterator

from msgspec import Struct

NAME = "dockremap"
COUNT = 65536
_FIRST = 100000
_LAST = 2**32 - 2


class Range(Struct, frozen=True):
    """So many ids from `start` on, for a user by name or by number."""

    user: str
    start: int
    count: int

    @property
    def end(self) -> int:
        """The first id behind it."""
        return self.start + self.count

    def overlaps(self, other: "Range") -> bool:
        """Whether both hold the same id."""
        return self.start < other.end and other.start < self.end


def parse(text: str | None) -> tuple[Range, ...]:
    """Read a file; a line that is no range is none."""
    return tuple(_ranges(text or ""))


def _ranges(text: str) -> Iterator[Range]:
    for line in text.splitlines():
        user, _, rest = line.strip().partition(":")
        start, _, count = rest.partition(":")
        if user and not user.startswith("#") and start.isdecimal() and count.isdecimal():
            yield Range(user, int(start[:15]), int(count[:15]))


def mine(ranges: tuple[Range, ...], user: str = NAME) -> tuple[Range, ...]:
    """Find those of a user."""
    return tuple(found for found in ranges if found.user == user)


def free(*files: tuple[Range, ...], taken: frozenset[int] = frozenset()) -> int:
    """Find where 65536 ids begin that no line of the files gives away, and no account uses."""
    ends = [found.end for ranges in files for found in ranges]
    start = max([_FIRST, *ends])
    while any(start <= uid < start + COUNT for uid in taken):
        start += COUNT
    return start if start + COUNT <= _LAST else 0


def added(text: str | None, start: int) -> str:
    """Append the range to the text of a file."""
    before = text or ""
    newline = "" if not before or before.endswith("\n") else "\n"
    return f"{before}{newline}{NAME}:{start}:{COUNT}\n"


def faults(uids: tuple[Range, ...], gids: tuple[Range, ...]) -> Iterator[str]:
    """Say what is wrong with the ranges that are there."""
    for name, ranges in (("/etc/subuid", uids), ("/etc/subgid", gids)):
        own = mine(ranges)
        if own and sum(found.count for found in own) < COUNT:
            yield f"{name} gives {NAME} fewer than {COUNT} ids"
        for found in own:
            for other in ranges:
                if other.user != NAME and found.overlaps(other):
                    yield f"{name} gives ids of {NAME} to {other.user} as well"
    if bool(mine(uids)) != bool(mine(gids)):
        missing = "/etc/subgid" if mine(uids) else "/etc/subuid"
        yield f"{missing} gives {NAME} nothing, and the other file does"
