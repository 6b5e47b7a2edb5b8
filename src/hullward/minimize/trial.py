"""One trial: a throw-away copy of a container from its creation to its removal.

Its life is: start on empty volumes, probes, stop; start again on what is there now, probes, stop.
"""

import shlex
import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from hullward.host.engine_writer import EngineWriter, Refused, Until, unframed
from hullward.host.root_shell import RootShell
from hullward.host.tracing import Tracer
from hullward.minimize import clone, looking
from hullward.minimize.clone import Json, Subject, Variant
from hullward.minimize.data import Data
from hullward.minimize.looking import Look
from hullward.minimize.oracle import ENDED, Phase
from hullward.minimize.probes import Probe
from hullward.model.errors import HullwardError

_PAUSE = 0.05
_LOOKS = 4
_LOG_LINES = 20000
# What a probe may take beside the time that a trial has to become ready.
_PROBE = 1.0
# How often the disk is looked at while a trial starts, and what must be left on it.
_MEASURE = 1.0
_LEAST_KB = 512 * 1024
_FIRST, _SECOND = "first", "second"


class Timing(Struct, frozen=True):
    """How long a trial waits: to become ready, to settle, and to stop before it is killed.

    `tree` is awaited where no probe says that a trial is ready; empty means: until nothing changes.
    """

    ready: float = 60.0
    settle: float = 0.5
    stop: int = 10
    tree: frozenset[str] = frozenset()
    job: bool = False


class Session(Struct, frozen=True):
    """Who owns what is made: the session's name, and the shell that lives as long as it."""

    id: str
    owner: str

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels by which everything is found again."""
        return {clone.SESSION: self.id, clone.OWNER: self.owner}


class Asked(Struct, frozen=True):
    """What the user said about trials: probes, the image they run in, and the way out.

    `with_data` is the user's word that volumes may be copied as they are, also of what runs.
    """

    probes: tuple[Probe, ...] = ()
    probe_image: str = ""
    outside: bool = False
    with_data: bool = False


class Tools(Struct, frozen=True):
    """What one lab works with; `stopping` is set when everything is to end."""

    engine: EngineWriter
    shell: RootShell
    tracer: Tracer
    data: Data
    stopping: Event


class Setting(Struct, frozen=True):
    """Where and with what one trial runs; `passes` tries the probes on it."""

    tools: Tools
    labels: Mapping[str, str]
    inspect: Json
    subject: Subject
    network: str
    memory: int
    root: str
    probed: bool
    passes: Callable[[int, str, Until], str]


class Trial:
    """One container from its creation to its removal: `run`, then `finish`."""

    def __init__(
        self,
        setting: Setting,
        name: str,
        variant: Variant,
        timing: Timing,
        watch: Callable[[Look], None] | None,
    ) -> None:
        """Make nothing yet; `watch` is told how each start looks when it is steady."""
        self._setting = setting
        tools = setting.tools
        self._engine, self._shell, self._data = tools.engine, tools.shell, tools.data
        self._stopping = tools.stopping
        self._name, self._variant, self._timing, self._watch = name, variant, timing, watch
        self.inits: list[int] = []
        self.phases: list[Phase] = []
        self.log = ""
        self.why = ""
        self.files = looking.Files({}, {})
        self._id = ""
        self._upper = ""
        self._look = Look((), frozenset(), frozenset(), "")

    def run(self) -> None:
        """Live through both starts, or up to the first thing that goes wrong."""
        setting = self._setting
        place = clone.Place(
            self._name,
            setting.labels,
            setting.network,
            self._data.mounts(self._name, seeded=self._variant.seeded),
            setting.memory,
        )
        body = clone.body(setting.inspect, setting.subject, self._variant, place)
        try:
            made = self._engine.ask("POST", f"/containers/create?name={self._name}", body)
            self._id = str(made["Id"])
            for name in (_FIRST, _SECOND):
                self._phase(name)
                if self.why:
                    return
        except Refused as error:
            self.why = f"the engine refused it: {error.message}"

    def _phase(self, name: str) -> None:
        self._engine.ask("POST", f"/containers/{self._id}/start", seconds=60)
        begin = time.monotonic()
        state, wrong = self._await(begin)
        seconds = time.monotonic() - begin
        if self._timing.job and not wrong:
            self.phases.append(Phase(name, seconds, exit_code=state["ExitCode"]))
            return
        if not wrong:
            wrong = self._steady(state)
        if wrong:
            self.why = f"{name} start: {wrong}"
            return
        phase = Phase(name, seconds, self._look.tree, self._look.listeners)
        self.phases.append(self._stopped(phase))

    def _await(self, begin: float) -> tuple[Json, str]:
        """Wait until every probe passes; give the state, and what is wrong when time is up."""
        wrong = "no answer"
        measured = begin
        while True:
            if time.monotonic() - measured > _MEASURE:
                self._refuse_full_disk()
                measured = time.monotonic()
            state, address = self._state()
            if not state["Running"]:
                ended = f"{ENDED} {state['ExitCode']}"
                ended += ", killed for its use of memory" if state.get("OOMKilled") else ""
                good = self._timing.job and state["ExitCode"] == 0
                return state, "" if good else ended
            wrong = "it still runs" if self._timing.job else self._wrong(state, address, begin)
            if not wrong:
                return state, ""
            if time.monotonic() - begin > self._timing.ready:
                return state, f"not ready after {self._timing.ready:.0f} s: {wrong}"
            self._sleep(_PAUSE)

    def _wrong(self, state: Json, address: str, begin: float) -> str:
        if self._setting.subject.health:
            status = (state.get("Health") or {}).get("Status")
            if status != "healthy":
                return f"its healthcheck says {status}"
        if self._setting.probed:
            return self._setting.passes(state["Pid"], address, self._until(begin))
        if self._timing.tree:
            self._see(state["Pid"])
            missing = self._timing.tree - self._look.tree
            return f"not all of its processes run: {', '.join(sorted(missing))}" if missing else ""
        return self._unchanged(state["Pid"])

    def _until(self, begin: float) -> Until:
        """Give a command that probes the time that a trial has to become ready, or to live."""

        def until() -> str:
            if self._stopping.is_set():
                return "the trial was given up"
            if not self._state()[0]["Running"]:
                return "the container has ended"
            late = time.monotonic() - begin > self._timing.ready + _PROBE
            return "it takes too long" if late else ""

        return until

    def _unchanged(self, pid: int) -> str:
        """Without a probe, a trial is ready when it looks the same for some time."""
        for _ in range(4):
            before = self._look
            self._see(pid)
            if (before.tree, before.listeners) != (self._look.tree, self._look.listeners):
                return "it still changes"
            self._sleep(self._timing.settle)
        return ""

    def _steady(self, state: Json) -> str:
        """Let it settle, then see whether it still runs and every probe still passes."""
        self._sleep(self._timing.settle)
        state, address = self._state()
        if not state["Running"]:
            return f"{ENDED} {state['ExitCode']} soon after it was ready"
        begin = time.monotonic()
        if wrong := self._setting.passes(state["Pid"], address, self._until(begin)):
            return f"ready, then no more: {wrong}"
        self._see_often(state["Pid"])
        if self._watch:
            self._watch(self._look)
        return ""

    def _see_often(self, pid: int) -> None:
        """Look several times: what comes and goes all the time is there in one of them."""
        looks = []
        for _ in range(_LOOKS):
            self._see(pid)
            looks.append(self._look)
            self._sleep(_PAUSE)
        self._look = looking.together(looks)

    def _see(self, pid: int) -> None:
        said = self._shell.run(looking.look_script(self._id, pid))
        self._look = looking.look(said.text)
        self._upper = self._upper or self._look.upper

    def _stopped(self, phase: Phase) -> Phase:
        wait = self._timing.stop
        begin = time.monotonic()
        self._engine.ask("POST", f"/containers/{self._id}/stop?t={wait}", seconds=wait + 30)
        took = time.monotonic() - begin
        code = int(self._state()[0]["ExitCode"])
        return replace(phase, exit_code=code, slow=took >= wait, stop_seconds=took)

    def _state(self) -> tuple[Json, str]:
        found: dict[str, Any] = self._engine.ask("GET", f"/containers/{self._id}/json")
        networks = found["NetworkSettings"].get("Networks") or {}
        state: Json = found["State"]
        layer = (found.get("GraphDriver") or {}).get("Data") or {}
        self._upper = self._upper or layer.get("UpperDir") or ""
        if state["Running"] and state["Pid"] and state["Pid"] not in self.inits:
            self.inits.append(state["Pid"])
        address = next((network.get("IPAddress") for network in networks.values()), "")
        return state, address or "127.0.0.1"

    def finish(self) -> None:
        """Read the log and what was written, and remove the container and its volumes."""
        if self._id:
            raw = self._engine.raw(
                "GET", f"/containers/{self._id}/logs?stdout=1&stderr=1&tail={_LOG_LINES}"
            )
            self.log = unframed(raw).decode(errors="replace")
            self._list_files()
            self._engine.remove(f"/containers/{quote(self._id)}?force=1&v=1")
        self._data.remove(self._name)

    def _list_files(self) -> None:
        self._engine.ask("POST", f"/containers/{self._id}/kill") if self._alive() else None
        roots = {**({"/": self._upper} if self._upper else {}), **self._data.written(self._name)}
        said = self._shell.run(looking.manifest_script(roots), 60)
        self.files = looking.manifest(said.text)

    def _refuse_full_disk(self) -> None:
        """Give up a trial that fills the engine's disk, before others run out of it."""
        root = shlex.quote(self._setting.root)
        said = self._shell.run(f"df -Pk {root} | awk 'NR==2{{print $4}}'").text.strip()
        if said.isdecimal() and int(said) < _LEAST_KB:
            raise HullwardError(
                f"Less than {_LEAST_KB >> 10} MB are left on the engine's disk during a trial of "
                f"{self._setting.subject.name}.",
                "What the trials wrote is removed; make room, or look at what it writes.",
            )

    def _sleep(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise HullwardError("The trial was given up.", "")

    def _alive(self) -> bool:
        return bool(self._state()[0]["Running"])
