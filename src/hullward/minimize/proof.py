"""The whole of `hullward minimize`: baselines, observation, search, and the certificate."""

import math
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from hullward import __version__
from hullward.host.contexts import Target
from hullward.host.engine_writer import EngineWriter, Refused
from hullward.host.reader import Access
from hullward.host.root_shell import RootShell
from hullward.host.tracing import Tracer
from hullward.minimize import cleaning, clone, observe, oracle, probes
from hullward.minimize.clone import Json, Variant
from hullward.minimize.data import Data
from hullward.minimize.looking import Look
from hullward.minimize.observe import Observation
from hullward.minimize.oracle import Life, Norm
from hullward.minimize.probes import Probe
from hullward.minimize.search import Found, Outcome, Verdict, search
from hullward.minimize.trial import Lab, Session, Timing
from hullward.model.capabilities import granted
from hullward.model.certificate import Certificate, Need, Surroundings
from hullward.model.errors import HullwardError

_BASELINES = 3
_NOT_FOUND = 404


class Wanted(Struct, frozen=True):
    """What is asked for: the container, what it means to work, and how far to go."""

    container: str
    probes: tuple[Probe, ...] = ()
    aggressive: bool = False
    outside: bool = False
    probe_image: str = ""
    ready: float = 60.0


Tell = Callable[[int, int, str], None]


def minimise(target: Target, access: Access, wanted: Wanted, tell: Tell) -> Certificate:
    """Find and prove the least capabilities; raises HullwardError where that cannot be done.

    `tell` is called before each trial with its number, how many there are at most, and what is
    tried. Nothing that was made is left behind, nothing that was there before is changed.
    """
    with _opened(target, access) as (engine, shell):
        inspect = _inspect(engine, wanted.container)
        clone.refuse(clone.subject(inspect), clone.obstacles(inspect))
        cleaning.sweep(engine, shell)
        with _lab(engine, shell, inspect, wanted) as (lab, tracer):
            return _Proof(lab, tracer, engine, wanted, tell).certificate()


def clean(target: Target, access: Access) -> tuple[int, int]:
    """Remove what trials that were killed left; give how many things, and how many runs go on."""
    with _opened(target, access) as (engine, shell):
        return cleaning.sweep(engine, shell)


@contextmanager
def _opened(target: Target, access: Access) -> Iterator[tuple[EngineWriter, RootShell]]:
    with EngineWriter(target, access) as engine, RootShell(target, access) as shell:
        said = shell.run("cat /proc/sys/kernel/osrelease; cat /proc/sys/kernel/hostname")
        info = engine.ask("GET", "/info")
        kernel = said.text.split()[:1]
        if kernel != [info["KernelVersion"]]:
            raise HullwardError(
                "The engine does not run on the machine on which hullward has a root shell.",
                "Name the engine's machine as ssh://HOST.",
            )
        yield engine, shell


def _inspect(engine: EngineWriter, name: str) -> Json:
    """Find the container by name or id, or as the one container of a compose service."""
    try:
        found: dict[str, Any] = engine.ask("GET", f"/containers/{quote(name, safe='')}/json")
    except Refused as error:
        if error.status != _NOT_FOUND:
            raise
        return _service(engine, name)
    return found


def _service(engine: EngineWriter, name: str) -> Json:
    project, _, service = name.rpartition("/")
    label = "com.docker.compose."
    found = [
        container["Id"]
        for container in engine.ask("GET", "/containers/json?all=1")
        if container["Labels"].get(f"{label}service") == service
        and project in {"", container["Labels"].get(f"{label}project")}
    ]
    if not found:
        raise HullwardError(
            f"There is no container and no compose service {name!r}.",
            "`docker ps -a` lists the containers; a service may be named as PROJECT/SERVICE.",
        )
    if len(found) > 1:
        raise HullwardError(
            f"{len(found)} containers belong to a compose service {name!r}.",
            "Name one of them, or the service as PROJECT/SERVICE.",
        )
    inspect: dict[str, Any] = engine.ask("GET", f"/containers/{found[0]}/json")
    return inspect


@contextmanager
def _lab(
    engine: EngineWriter, shell: RootShell, inspect: Json, wanted: Wanted
) -> Iterator[tuple[Lab, Tracer]]:
    session = Session(secrets.token_hex(4), cleaning.owner(shell))
    found = clone.subject(inspect)
    with ExitStack() as stack:
        # Last in, first out: the sweep comes after everything else has ended.
        stack.callback(cleaning.sweep, engine, shell, session=session.id)
        admin = "SYS_ADMIN" in _granted(found)
        tracer = stack.enter_context(Tracer(shell, session.id, admin=admin))
        data = Data(engine, shell, found, session.labels)
        lab = Lab(
            engine,
            shell,
            tracer,
            session,
            inspect,
            wanted.probes,
            outside=wanted.outside,
            probe_image=wanted.probe_image,
            data=data,
        )
        yield stack.enter_context(lab), tracer


def _granted(found: clone.Subject) -> frozenset[str]:
    return granted(found.cap_add, found.cap_drop, privileged=found.privileged)


class _Proof:
    """One run, from the first baseline to the certificate."""

    def __init__(
        self, lab: Lab, tracer: Tracer, engine: EngineWriter, wanted: Wanted, tell: Tell
    ) -> None:
        self._lab, self._tracer, self._engine = lab, tracer, engine
        self._wanted, self._tell = wanted, tell
        self._timing = Timing(ready=wanted.ready, stop=lab.subject.stop_seconds)
        self._granted = _granted(lab.subject)
        self._looks: list[Look] = []
        self._count, self._most = 0, _BASELINES + len(self._granted)
        self._liveness = not lab.probes and not lab.subject.health

    def certificate(self) -> Certificate:
        begin = time.monotonic()
        lives = self._baselines()
        learned = oracle.norm(lives)
        self._timing = _timing(self._timing, learned)
        seen = observe.observed((life.trace for life in lives), self._granted)
        start = self._start(seen)
        self._most = self._count + 2 * len(start) + 2

        def trial(names: frozenset[str], what: str) -> Outcome:
            return self._outcome(learned, names, what)

        found = search(start, self._granted, trial, aggressive=self._wanted.aggressive)
        return self._certify(lives, seen, found, time.monotonic() - begin)

    def _start(self, seen: Observation) -> frozenset[str]:
        """Begin with what was observed; with all where nothing could be."""
        return frozenset(seen.given) if self._tracer.ability.capabilities else self._granted

    def _baselines(self) -> tuple[Life, ...]:
        """Live three times as the container is; raises HullwardError where that differs."""
        lives = [self._life(Variant(), "as it is", stacks=True)]
        first = lives[0]
        if not first.ok:
            raise HullwardError(
                f"The container {self._lab.subject.name} does not work as it is, so nothing can be "
                f"learned: {first.why}.",
                _advice(first),
            )
        self._granted &= self._looks[-1].bounding or self._granted
        if not self._lab.probes:
            self._lab.probes = probes.synthesised(self._looks[-1].listeners)
            tree = frozenset.intersection(*(look.tree for look in self._looks))
            self._timing = replace(self._timing, tree=tree)
        self._timing = _timing(self._timing, oracle.norm(lives))
        for number in range(2, _BASELINES + 1):
            life = self._life(Variant(), f"as it is, {number} of {_BASELINES}")
            if not life.ok:
                raise HullwardError(
                    "The baseline is not reproducible: the container worked once as it is, and "
                    f"then not: {life.why}.",
                    "Give it more time with --ready, or a probe that passes whenever it works.",
                )
            lives.append(life)
        return tuple(lives)

    def _life(self, variant: Variant, what: str, *, stacks: bool = False) -> Life:
        self._count += 1
        self._tell(self._count, max(self._most, self._count), what)
        return self._lab.life(variant, self._timing, stacks=stacks, watch=self._looks.append)

    def _outcome(self, learned: Norm, names: frozenset[str], what: str) -> Outcome:
        life = self._life(Variant(names), what)
        refused = frozenset(check.capability for check in life.trace.checks if not check.granted)
        if not life.ok:
            return Outcome(Verdict.FAILS, _reasons(life, learned), refused)
        found = oracle.differences(learned, life)
        if found:
            return Outcome(Verdict.DIFFERS, oracle.summary(found), refused)
        return Outcome(Verdict.SAME)

    def _certify(
        self, lives: Sequence[Life], seen: Observation, found: Found, seconds: float
    ) -> Certificate:
        subject = self._lab.subject
        version = self._engine.ask("GET", "/version")
        needs = tuple(
            Need(
                need.capability,
                "required" if need.verdict is Verdict.FAILS else "tolerated",
                need.evidence,
                _asked_by(seen, need.capability),
                need.repeated,
            )
            for need in found.needs
        )
        return Certificate(
            hullward=__version__,
            made_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            container=subject.name,
            surroundings=Surroundings(
                subject.image_name,
                subject.image,
                version["Version"],
                version["KernelVersion"],
                tuple(map(str, self._lab.probes)),
                self._liveness,
                "the kernel's trace" if self._tracer.ability.capabilities else "none",
            ),
            before=tuple(sorted(self._granted)),
            observed=tuple(sorted(seen.given)),
            needs=needs,
            unused=tuple(sorted(self._granted - found.minimum)),
            proven=found.proven,
            trials=found.trials + _BASELINES,
            seconds=round(seconds, 1),
            notes=tuple(self._notes(lives)),
        )

    def _notes(self, lives: Sequence[Life]) -> Iterator[str]:
        if self._liveness:
            yield "liveness-level evidence only: no probe and no healthcheck says what works means"
        if not self._tracer.ability.capabilities:
            yield f"found by elimination alone: {self._tracer.ability.reason}"
        if lost := sum(life.trace.lost for life in lives):
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
