"""The whole of `hullward minimize`: baselines, observation, search, and the certificate."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from threading import Lock

from msgspec import Struct
from msgspec.structs import replace

from hullward import __version__
from hullward.host import tracing
from hullward.host.contexts import Target
from hullward.host.reader import Access
from hullward.minimize import cleaning, labs, notes, observe, oracle, probes
from hullward.minimize.beyond import Idea, Known, explore
from hullward.minimize.clone import Variant
from hullward.minimize.lab import Lab
from hullward.minimize.labs import Labs, granted_to
from hullward.minimize.looking import Look
from hullward.minimize.observe import Observation
from hullward.minimize.oracle import Life, Norm
from hullward.minimize.search import Found, Outcome, Set, Verdict, search
from hullward.minimize.trial import Asked, Timing
from hullward.model.certificate import Certificate, Need, Surroundings, Tried, Verification
from hullward.model.errors import HullwardError

BASELINES = 3
_LAST_SCRIPT = 10.0

# Called before each trial: its number, how many there are at most, and what is tried.
Tell = Callable[[int, int, str], None]


class Wanted(Struct, frozen=True):
    """What is asked for: the container, what it means to work, and how far to go."""

    container: str
    asked: Asked = Asked()
    aggressive: bool = False
    ready: float = 60.0
    jobs: int = 0


def minimise(target: Target, access: Access, wanted: Wanted, tell: Tell) -> Certificate:
    """Find and prove the least capabilities; raises HullwardError where that cannot be done.

    Nothing that was made is left behind, nothing that was there before is changed.
    """
    with labs.prepared(target, access, wanted.container, wanted.asked, wanted.jobs) as several:
        begin = time.monotonic()
        proof = Proof(several, wanted.ready, tell)
        found = proof.search(aggressive=wanted.aggressive)
        tried = proof.beyond(found.minimum)
        return proof.certificate(found, tried, time.monotonic() - begin)


def verify(
    target: Target, access: Access, wanted: Wanted, known: Certificate, tell: Tell
) -> Verification:
    """Repeat the trials that a certificate rests on, with the baselines that they need."""
    with labs.prepared(target, access, wanted.container, wanted.asked, wanted.jobs) as several:
        proof = Proof(several, wanted.ready, tell)
        minimum = frozenset(known.minimum)
        singles = [(minimum - {name}, f"without {name}") for name in known.minimum]
        whole, *others = proof.trials([(minimum, "what the certificate grants"), *singles])
        if whole.verdict is not Verdict.SAME:  # by chance, perhaps
            (whole,) = proof.trials([(minimum, "what the certificate grants, once more")])
        works = whole.verdict is Verdict.SAME
        idle = [
            name
            for name, outcome in zip(known.minimum, others, strict=True)
            if works and outcome.verdict is Verdict.SAME
        ]
        now = proof.surroundings
        return Verification(
            () if works else whole.evidence,
            tuple(idle),
            tuple(_changes(known.surroundings, now)),
            proof.count,
        )


def _changes(before: Surroundings, now: Surroundings) -> Iterator[str]:
    for what in ("image_id", "engine", "kernel"):
        old, new = getattr(before, what), getattr(now, what)
        if old != new:
            yield f"{what.removesuffix('_id')}: {old} became {new}"


def clean(target: Target, access: Access) -> tuple[int, int]:
    """Remove what trials that were killed left; give how many things, and how many runs go on.

    The shell of one that was just killed may still have to end its last script.
    """
    with labs.opened(target, access) as (engine, shell):
        removed, living = cleaning.sweep(engine, shell)
        until = time.monotonic() + _LAST_SCRIPT
        while living and time.monotonic() < until:
            time.sleep(0.2)
            more, living = cleaning.sweep(engine, shell)
            removed += more
        tracing.sweep(shell)
        return removed, living


class Proof:
    """What the baselines of one container taught, and the trials that build on it."""

    def __init__(self, several: Labs, ready: float, tell: Tell) -> None:
        """Run the baselines; raises HullwardError where they do not work, or not always."""
        self._labs, self._tell = several, tell
        subject = several.first.subject
        self._timing = Timing(ready=ready, stop=subject.stop_seconds)
        self.granted = granted_to(subject)
        self._looks: list[Look] = []
        self.count, self._most = 0, BASELINES + 2 * len(self.granted)
        self._counting = Lock()
        self._liveness = not several.first.probes and not subject.health
        self.lives = self._baselines()
        self._norm: Norm = oracle.norm(self.lives)
        self._timing = _timing(self._timing, self._norm)
        self.seen: Observation = observe.observed((life.trace for life in self.lives), self.granted)

    @property
    def start(self) -> Set:
        """What the search begins with: what was observed, or all where nothing could be."""
        able = self._labs.first.tracer.ability.capabilities
        return frozenset({*self.seen.given, *self.held}) if able else self.granted

    @property
    def held(self) -> Mapping[str, str]:
        """What processes keep for themselves when they give up the rest, each with its program.

        capset(2) demands it without a check that could be observed.
        """
        processes = [process for look in self._looks for process in look.processes]
        return {
            name: process.comm
            for process in processes
            if process.effective < self.granted
            for name in sorted(process.effective)
        }

    def search(self, *, aggressive: bool = False) -> Found:
        """Find the least capabilities."""
        self._most = self.count + 2 * len(self.start) + 2
        return search(self.start, self.granted, self.trials, aggressive=aggressive)

    def trials(self, wanted: Sequence[tuple[Set, str]]) -> Sequence[Outcome]:
        """Try sets of capabilities, several at a time."""
        return self._labs.run([self._trial(names, what) for names, what in wanted])

    def _trial(self, names: Set, what: str) -> Callable[[Lab], Outcome]:
        return lambda lab: self._outcome(self._life(lab, Variant(names), what))

    def _baselines(self) -> tuple[Life, ...]:
        """Live as the container is: once to learn its pace, and then to learn what varies."""
        labs = self._labs
        watch = self._looks.append
        first = self._life(labs.first, Variant(), "as it is", first=True, watch=watch)
        if first.ended_well and self._liveness and not labs.first.subject.restarts:
            self._timing = replace(self._timing, job=True)
            first = self._life(labs.first, Variant(), "as it is, as a job", first=True, watch=watch)
        if not first.ok:
            raise HullwardError(
                f"The container {labs.first.subject.name} does not work as it is, so nothing can "
                f"be learned: {first.why}.",
                _advice(first),
            )
        if self._looks:
            self.granted &= self._looks[-1].bounding or self.granted
        if self._looks and not labs.first.probes:
            labs.first.probes = probes.synthesised(self._looks[-1].listeners)
            tree = frozenset.intersection(*(look.tree for look in self._looks))
            self._timing = replace(self._timing, tree=tree)
        self._timing = replace(_timing(self._timing, oracle.norm([first])), ready=3 * first.seconds)
        for lab in labs.all[1:]:
            lab.share(labs.first)

        def again(lab: Lab) -> Life:
            return self._life(lab, Variant(), "as it is, once more", watch=watch)

        others = labs.run([again] * (BASELINES - 1))
        for life in others:
            if not life.ok:
                raise HullwardError(
                    "The baseline is not reproducible: the container worked once as it is, and "
                    f"then not: {life.why}.",
                    "Give it more time with --ready, or a probe that passes whenever it works.",
                )
        return (first, *others)

    def _life(
        self,
        lab: Lab,
        variant: Variant,
        what: str,
        *,
        first: bool = False,
        watch: Callable[[Look], None] | None = None,
    ) -> Life:
        with self._counting:
            self.count += 1
            self._tell(self.count, max(self._most, self.count), what)
        return lab.life(variant, self._timing, first=first, watch=watch)

    def _outcome(self, life: Life) -> Outcome:
        refused = frozenset(check.capability for check in life.trace.checks if not check.granted)
        if not life.ok:
            return Outcome(Verdict.FAILS, _reasons(life, self._norm), refused)
        found = oracle.differences(self._norm, life)
        if found:
            return Outcome(Verdict.DIFFERS, oracle.summary(found), refused)
        return Outcome(Verdict.SAME)

    def beyond(self, minimum: Set) -> tuple[Tried, ...]:
        """Try what can be done beside dropping capabilities."""
        lab = self._labs.first
        known = Known(lab.subject, self.lives, self._looks, self._norm, lab.seeded)

        def one(idea: Idea) -> Callable[[Lab], Life]:
            return lambda free: self._life(free, idea.variant, idea.what)

        def run(ideas: Sequence[Idea]) -> Sequence[Life]:
            self._most = self.count + len(ideas)
            return self._labs.run([one(idea) for idea in ideas])

        return tuple(explore(known, minimum, run, lab.ask))

    def certificate(self, found: Found, tried: tuple[Tried, ...], seconds: float) -> Certificate:
        """Write down what was found, and with what."""
        needs = tuple(
            Need(
                need.capability,
                "required" if need.verdict is Verdict.FAILS else "tolerated",
                need.evidence,
                _asked_by(self.seen, need.capability) or self._held_by(need.capability),
                need.repeated,
            )
            for need in found.needs
        )
        return Certificate(
            hullward=__version__,
            made_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            container=self._labs.first.subject.name,
            surroundings=self.surroundings,
            before=tuple(sorted(self.granted)),
            observed=tuple(sorted(self.start)),
            needs=needs,
            unused=tuple(sorted(self.granted - found.minimum)),
            proven=found.proven,
            trials=self.count,
            seconds=round(seconds, 1),
            tried=tried,
            notes=tuple(self._notes(found.minimum)),
        )

    @property
    def surroundings(self) -> Surroundings:
        """With what the trials were made."""
        lab = self._labs.first
        version = self._labs.engine.ask("GET", "/version")
        return Surroundings(
            lab.subject.image_name,
            lab.subject.image,
            version["Version"],
            version["KernelVersion"],
            tuple(map(str, lab.probes)),
            self._liveness,
            "the kernel's trace" if lab.tracer.ability.capabilities else "none",
        )

    def _held_by(self, capability: str) -> str:
        comm = self.held.get(capability)
        return f"{comm}, which keeps it when it gives up the others" if comm else ""

    def _notes(self, minimum: Set) -> Iterator[str]:
        ability = self._labs.first.tracer.ability
        yield from notes.on(self.granted, minimum, self.start, self._looks)
        if self._timing.job:
            yield "it is a job: what counts is that it ends well, and what it says"
        elif self._liveness:
            yield "liveness-level evidence only: no probe and no healthcheck says what works means"
        if not ability.capabilities:
            yield f"found by elimination alone: {ability.reason}"
        if lost := sum(life.trace.lost for life in self.lives):
            yield f"the kernel dropped {lost} events: the observation may be incomplete"


def _timing(timing: Timing, learned: Norm) -> Timing:
    """Wait for a trial three times as long as the baselines took, to start and to stop."""
    ready = max(2.0, 3 * learned.ready + 1.5)
    stop = min(timing.stop, math.ceil(3 * learned.stop + 1))
    return replace(timing, ready=ready, stop=stop)


def _reasons(life: Life, learned: Norm) -> tuple[str, ...]:
    """Say why a trial failed: the failure, and what its log has that no good life had."""
    found = oracle.differences(learned, replace(life, files={}, sizes={}, phases=()))
    said = [d for d in found if d.kind in {"log", "refusal"}]
    return (life.why, *oracle.summary(said))


def _asked_by(seen: Observation, capability: str) -> str:
    asked = seen.given.get(capability)
    if asked is None:
        return ""
    path = f" ({' < '.join(asked.stack)})" if asked.stack else ""
    call = f" in {asked.call}()" if asked.call else ""
    return f"{asked.comm}{call}{path}"


def _advice(life: Life) -> str:
    lines = [line for line in life.log.strip().splitlines() if line.strip()]
    last = f" Its last words: {lines[-1].strip()[:200]!r}." if lines else ""
    return f"Check the probe and what the container needs beside itself.{last}"
