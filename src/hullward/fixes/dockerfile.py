"""An unprivileged user with a uid of its own, for an image that would start as root."""

from collections.abc import Collection, Iterator
from zlib import crc32

from msgspec import Struct

from hullward.compose import new_user
from hullward.compose.changes import Piece, spliced
from hullward.compose.dockerfile import Dockerfile, Instruction, Stage, parse
from hullward.compose.recipe import recipe, stage_index
from hullward.model.errors import HullwardError
from hullward.model.recipe import Recipe

# Above what distributions give to people and services, below nobody (65534) and subordinate uids.
_FIRST, _COUNT = 50_000, 10_000
# What only describes the image, and may follow the change of the user.
_TRAILING = frozenset(
    {"CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER", "STOPSIGNAL"}
)
_COMMENT = "# hullward: a user of its own, without privileges"
_UNPRIVILEGED = 1024
_LAST = 1 << 30


class UserProposal(Struct, frozen=True):
    """Lines for a Dockerfile, after its line `after`; `cautions` say what a trial must show."""

    path: str
    uid: int
    after: int
    lines: tuple[str, ...]
    pieces: tuple[Piece, ...]
    cautions: tuple[str, ...]


class Declined(Struct, frozen=True):
    """Why nothing is proposed, and the line that it is about."""

    line: int
    reason: str


def own_uid(name: str, taken: Collection[int] = ()) -> int:
    """Choose a uid for a service by its name, the same every time, that nobody else has.

    `taken` are uids of other services; at most 10,000 of them leave none.
    """
    start = crc32(name.encode())
    numbers = (_FIRST + (start + step) % _COUNT for step in range(_COUNT))
    free = next((number for number in numbers if number not in taken), None)
    if free is None:
        raise HullwardError("No uid between 50000 and 59999 is free.", "Choose one by hand.")
    return free


def unprivileged_user(text: str, path: str, uid: int, target: str = "") -> UserProposal | Declined:
    """Propose the lines that make the image of `target` start as `uid`.

    They are proposed only where reading the text with them gives the same image but for its user.
    Raises HullwardError for a text that is no Dockerfile, or has no such target.
    """
    file = parse(text, path)
    before = recipe(file, target)
    if before.uid is None:
        return Declined(before.user_line, before.uid_gap)
    if before.uid != 0:
        return Declined(before.user_line, f"it starts as uid {before.uid}")
    index = stage_index(file, target)
    stage = file.stages[index]
    if heir := _heir(file, index):
        return Declined(heir, f"another stage stands on {stage.name}, and would change its user")
    after = _last_step(stage)
    lines = (_COMMENT, *new_user.lines(before.base.reference, uid))
    piece = _piece(text, after, lines)
    changed = parse(spliced(text, (piece,)), path)
    if recipe(changed, target).uid != uid or not _proven(file, changed, after, lines):
        return Declined(after, "the file cannot be changed there without changing more")
    return UserProposal(path, uid, after, lines, (piece,), tuple(_cautions(before, stage, uid)))


def _heir(file: Dockerfile, index: int) -> int:
    """Find the line of a stage that is built on this one, 0 for none."""
    name = file.stages[index].name
    heirs = (s.line for s in file.stages[index + 1 :] if name and s.base.lower() == name)
    return next(heirs, 0)


def _last_step(stage: Stage) -> int:
    """Give the last line that may need root: only what describes the image follows it."""
    steps = [i.end for i in stage.instructions if i.keyword not in _TRAILING]
    return max([stage.line, *steps])


def _cautions(made: Recipe, stage: Stage, uid: int) -> Iterator[str]:
    yield f"what it writes must belong to {uid}: COPY --chown={uid}:{uid}, or volumes chowned once"
    if not new_user.programs(made.base.reference):
        yield "its base may lack the programs that make users, so the number stands without a name"
    for volume in made.volumes:
        yield f"the volume {volume} belongs to root unless it is chowned before VOLUME"
    low = [port for port in made.exposed if _low(port)]
    if low:
        yield (
            f"ports below 1024 ({', '.join(low)}) are open to it in a network of its own since "
            "Docker 20.10, but not on the host's network"
        )
    if any(i.keyword in {"ENTRYPOINT", "CMD"} and "gosu" in i.rest for i in stage.instructions):
        yield "its entrypoint changes the user by itself, which only root can"


def _low(port: str) -> bool:
    number = port.partition("/")[0].partition("-")[0]
    return number.isascii() and number.isdecimal() and int(number[:6]) < _UNPRIVILEGED


def _piece(text: str, after: int, lines: tuple[str, ...]) -> Piece:
    """Put the lines behind a line, with that line's own ending."""
    rows = text.split("\n")
    ending = "\r\n" if rows[after - 1].endswith("\r") else "\n"
    offset = sum(len(row) + 1 for row in rows[:after])
    block = ending.join(lines)
    if offset > len(text):
        return Piece(len(text), len(text), ending + block)
    return Piece(offset, offset, block + ending)


def _proven(old: Dockerfile, new: Dockerfile, after: int, lines: tuple[str, ...]) -> bool:
    """Whether the new file says what the old one does, and these lines behind that line."""
    own = parse("\n".join(["FROM scratch", *lines]), old.path)
    before, behind = _rows(old, last=after), _rows(old, first=after + 1)
    return _rows(new) == [*before, *_rows(own, first=2), *behind]


def _rows(file: Dockerfile, first: int = 1, last: int = _LAST) -> list[tuple[object, ...]]:
    """Give what the lines from the first to the last say, without where."""
    rows: list[tuple[int, tuple[object, ...]]] = [(i.line, _row(i)) for i in file.arguments]
    for stage in file.stages:
        rows.append((stage.line, ("FROM", stage.base, stage.name)))
        rows += [(i.line, _row(i)) for i in stage.instructions]
    return [row for line, row in rows if first <= line <= last]


def _row(instruction: Instruction) -> tuple[object, ...]:
    return instruction.keyword, instruction.rest, instruction.flags, instruction.heredocs
