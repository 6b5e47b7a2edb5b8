"""What "it still works" means: a life of the container, compared with what all good lives share.

One baseline would prove nonsense: two runs of the same thing differ by a process that comes and
goes, or a file named by chance. So only what was the same in every baseline is asked for, and only
what no baseline had is held against a trial.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from hullward.minimize.observe import Trace

# Kinds of facts whose absence alone says nothing: a life that logs fewer errors is no worse.
_ONLY_NEW = frozenset({"log", "refusal"})
_TROUBLE = re.compile(
    r"denied|not permitted|permission|eperm|eacces|cannot|can.t |could not|fail|error|warn|unable"
    r"|fatal|refus|invalid|panic|abort|critical|emerg",
    re.IGNORECASE,
)
_CHANGING = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8,}|\d+|\x1b\[[0-9;]*m", re.IGNORECASE)
_SHOWN = 5
# How a trial says that the container ended; its exit code follows.
ENDED = "it ended with exit code"
_LINE_LIMIT = 300


class Phase(Struct, frozen=True):
    """One start of the container up to its end, as seen from outside.

    `tree` holds "UID COMM" of each process, `listeners` "PROTOCOL ADDRESS:PORT", `replies` what
    probes that take note of the answer were told; `slow` says that it had to be killed to stop.
    """

    name: str
    seconds: float
    tree: frozenset[str] = frozenset()
    listeners: frozenset[str] = frozenset()
    exit_code: int | None = None
    slow: bool = False
    stop_seconds: float = 0.0


class Life(Struct, frozen=True):
    """One trial: whether every probe passed in every phase, or `why` not; and what was left.

    `files` maps each path that was written to "MODE UID GID", `sizes` to its bytes. Of a `job`,
    which ends by itself, all that it says counts, not its troubles alone.
    """

    ok: bool
    why: str = ""
    phases: tuple[Phase, ...] = ()
    log: str = ""
    files: Mapping[str, str] = {}
    sizes: Mapping[str, str] = {}
    trace: Trace = Trace()
    seconds: float = 0.0
    job: bool = False

    @property
    def ended_well(self) -> bool:
        """Whether it failed as a service because it ended with success, as a job does."""
        return not self.ok and f"{ENDED} 0" in self.why


class Difference(Struct, frozen=True):
    """How a life differs from the baselines: a kind of fact, where, what was and what is."""

    kind: str
    place: str
    before: str
    after: str

    def __str__(self) -> str:
        """Write it on one line."""
        match self.kind, self.before, self.after:
            case "log", _, text:
                return f"new in the log: {text}"
            case "refusal", _, _:
                return f"refused by the kernel: {self.place}"
            case _, "", after:
                return f"{self.kind} {self.place}: new{f' ({after})' if after != _THERE else ''}"
            case _, before, "":
                shown = f" ({before})" if before != _THERE else ""
                return f"{self.kind} {self.place}: missing{shown}"
            case _, before, after:
                return f"{self.kind} {self.place}: {before} became {after}"


_THERE = "there"


class Norm(Struct, frozen=True):
    """What the baselines share, and what varied between them, by kind and place."""

    steady: Mapping[str, Mapping[str, str]]
    seen: Mapping[str, frozenset[str]]
    restless: frozenset[str]
    ready: float
    stop: float


def norm(baselines: Sequence[Life]) -> Norm:
    """Learn from lives with every capability; what differs between them is noise."""
    facts = [_facts(life) for life in baselines]
    kinds = sorted({kind for fact in facts for kind in fact})
    steady: dict[str, Mapping[str, str]] = {}
    seen: dict[str, frozenset[str]] = {}
    restless: set[str] = set()
    for kind in kinds:
        every = [fact.get(kind, {}) for fact in facts]
        places = frozenset(place for found in every for place in found)
        seen[kind] = places
        steady[kind] = {
            place: every[0][place]
            for place in places
            if len({found.get(place) for found in every}) == 1
        }
        if kind == "file":
            restless |= {_folder(p) for p in places if any(p not in found for found in every)}
    phases = [phase for life in baselines for phase in life.phases]
    return Norm(
        steady,
        seen,
        frozenset(restless),
        max((phase.seconds for phase in phases), default=0.0),
        max((phase.stop_seconds for phase in phases if not phase.slow), default=0.0),
    )


def differences(learned: Norm, life: Life) -> tuple[Difference, ...]:
    """Say how a life that passed its probes is not what the baselines were."""
    found = _facts(life)
    result = []
    for kind in sorted({*learned.steady, *found}):
        now = found.get(kind, {})
        if kind not in _ONLY_NEW:
            result += list(_changed(kind, learned.steady.get(kind, {}), now))
        if kind != "size":
            result += list(_new(kind, learned, now))
    return tuple(result)


def _changed(kind: str, steady: Mapping[str, str], now: Mapping[str, str]) -> Iterator[Difference]:
    for place, value in sorted(steady.items()):
        if now.get(place) != value:
            yield Difference(kind, place, value, now.get(place, ""))


def _new(kind: str, learned: Norm, now: Mapping[str, str]) -> Iterator[Difference]:
    seen = learned.seen.get(kind, frozenset())
    for place, value in sorted(now.items()):
        if place not in seen and not (kind == "file" and _folder(place) in learned.restless):
            yield Difference(kind, place, "", value)


def _facts(life: Life) -> Mapping[str, Mapping[str, str]]:
    """Write a life as places and values, by kind."""
    facts: dict[str, dict[str, str]] = {"log": dict(_troubles(life.log))}
    for phase in life.phases:
        at = phase.name
        facts[f"process on {at} start"] = dict.fromkeys(phase.tree, _THERE)
        facts[f"listener on {at} start"] = dict.fromkeys(phase.listeners, _THERE)
        stop = {"exit code": str(phase.exit_code), "ends by itself": "no" if phase.slow else "yes"}
        facts[f"stop after {at} start"] = stop
    if life.job:
        facts["output"] = {masked(line.strip()): _THERE for line in life.log.splitlines()}
    facts["file"] = {masked(path): value for path, value in life.files.items()}
    facts["size"] = {masked(path): value for path, value in life.sizes.items()}
    facts["refusal"] = {f"{one.call} ({one.error})": _THERE for one in life.trace.refusals}
    return facts


def _troubles(log: str) -> Iterator[tuple[str, str]]:
    """Give each line that speaks of trouble, known again by what does not change in it."""
    for line in log.splitlines():
        if _TROUBLE.search(line):
            yield masked(line.strip()[:_LINE_LIMIT]), line.strip()[:_LINE_LIMIT]


def masked(text: str) -> str:
    """Write # for numbers and identifiers, which differ from run to run."""
    return _CHANGING.sub("#", text)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def summary(found: Iterable[Difference]) -> tuple[str, ...]:
    """Give the first few differences as text; they are the evidence in a certificate."""
    lines = [str(difference) for difference in found]
    more = len(lines) - _SHOWN
    return (*lines[:_SHOWN], *((f"and {more} more",) if more > 0 else ()))
