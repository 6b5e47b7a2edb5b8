"""An answer about sshd, taken apart into sections by their `== WORD` lines."""

import re
from itertools import pairwise

from msgspec import Struct

from hullward.collect.bundle import Said

CUT = "the answer ends before its end"

# Far above what the script can say of a real host, and small enough to be judged at once.
_MOST_SECTIONS, _MOST_LINES, _LONGEST = 2000, 40_000, 8000


class Section(Struct, frozen=True):
    """A line `== WORD REST` of an answer, and the lines below it."""

    word: str
    rest: str = ""
    lines: tuple[str, ...] = ()

    def fields(self, count: int) -> list[str]:
        """Give so many words of the header, "" for those that are missing, the last one whole."""
        words = self.rest.split(" ", count - 1)
        return words + [""] * (count - len(words))

    @property
    def complaint(self) -> str:
        """What went wrong here, in the words of the program that was asked."""
        said = (line.removeprefix("! ").strip() for line in self.lines if line.startswith("! "))
        return "; ".join(said)[:300]


class Answer(Struct, frozen=True):
    """One answer by its sections; `problem` says why it is not whole."""

    sections: tuple[Section, ...] = ()
    problem: str = ""

    def all(self, word: str) -> list[Section]:
        """Give every section of this name."""
        return [section for section in self.sections if section.word == word]

    def first(self, word: str) -> Section | None:
        """Give the first section of this name."""
        return next(iter(self.all(word)), None)


def answer(said: Said) -> Answer:
    """Take an answer apart; without its last line it was cut off, and too much is no answer."""
    lines = said.text.split("\n")[:-1]
    headers = [i for i, line in enumerate(lines) if line.startswith("== ")]
    long = max((len(line) for line in lines), default=0) > _LONGEST
    if len(headers) > _MOST_SECTIONS or len(lines) > _MOST_LINES or long:
        return Answer(problem="the answer is too long to be one")
    sections = []
    for start, end in pairwise([*headers, len(lines)]):
        word, _, rest = lines[start].removeprefix("== ").partition(" ")
        sections.append(Section(word, rest, tuple(lines[start + 1 : end])))
    whole = any(section.word == "end" for section in sections)
    return Answer(tuple(sections), said.problem or ("" if whole else CUT))


def number(text: str) -> int:
    """Read a number; 0 for anything else."""
    return int(text) if re.fullmatch(r"[0-9]{1,18}", text) else 0
