"""A change: a plan that was begun, as the host's journal knows it."""

from msgspec import Struct

OVER = frozenset({"confirmed", "reverted"})


class About(Struct, frozen=True):
    """What the journal tells of a plan without its texts; `who` began it, and from where."""

    title: str
    who: str
    job: str = ""
    paths: tuple[str, ...] = ()
    undoes: int = 0


class Change(Struct, frozen=True):
    """An entry of the journal.

    `state` is one of those that apply/hand.sh describes. `files` says what is true of the files
    now: old, new, mixed, or other where somebody else has written one. `began` counts seconds
    since 1970, `age` and `left` (until the host takes it back, None without a timer) are seconds.
    `words` are those of the programs that failed on the way back.
    """

    number: int
    about: About
    state: str
    files: str = "old"
    began: int = 0
    age: int = 0
    left: int | None = None
    words: str = ""

    @property
    def over(self) -> bool:
        """Whether it is finished, one way or the other."""
        return self.state in OVER


class FileNow(Struct, frozen=True):
    """A file as it is: `path` without any link, `text` None where there is none."""

    path: str
    text: str | None = None
    uid: int = 0
    gid: int = 0
    mode: int = 0o644
