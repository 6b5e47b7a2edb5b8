"""A lab: the network, the helper and the tools with which one trial after the other is run.

What is real is only read: volumes are new, folders of the host are overlays, nothing is published.
"""

import time
from collections.abc import Callable
from typing import Self

from hullward.host.engine_writer import Refused, Until
from hullward.minimize import clone, looking, observe
from hullward.minimize.clone import Json, Subject, Variant
from hullward.minimize.looking import Look
from hullward.minimize.oracle import Life
from hullward.minimize.probes import Command, Probe, judge
from hullward.minimize.trial import Asked, Session, Setting, Timing, Tools, Trial
from hullward.model.errors import HullwardError

# timeout(1): the server kept the connection open.
_NO_END = 124


class Lab:
    """Runs the lives of one subject. Use it as a context manager: it removes all that it made."""

    def __init__(
        self, tools: Tools, session: Session, inspect: Json, asked: Asked, bench: int
    ) -> None:
        """Make nothing yet; `bench` numbers the labs of a session."""
        self._engine, self._shell, self.tracer = tools.engine, tools.shell, tools.tracer
        self._tools, self._data = tools, tools.data
        self._session = session
        self._inspect = inspect
        self.subject: Subject = clone.subject(inspect)
        self.probes: tuple[Probe, ...] = asked.probes
        self._asked = asked
        self._count = 0
        self._name = f"hullward-{session.id}-{bench}"
        self._network = "none" if self.subject.network == "none" else self._name
        self._helper = ""
        self._machine = self._shell.run("uname -m").text.strip()
        info = self._engine.ask("GET", "/info")
        self._memory = clone.memory_limit(int(info["MemTotal"]))
        self._root = str(info.get("DockerRootDir") or "/")

    def __enter__(self) -> Self:
        """Make the network, and the helper that runs commands as probes."""
        if self._network != "none":
            network = {
                "Name": self._network,
                "Internal": not self._asked.outside,
                "Labels": dict(self._session.labels),
            }
            self._engine.ask("POST", "/networks/create", network)
        if any(isinstance(probe, Command) for probe in self.probes):
            self._helper = self._start_helper()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the removal to `cleaning`, which finds all by its labels."""

    def _start_helper(self) -> str:
        made = self._engine.ask(
            "POST",
            f"/containers/create?name={self._name}-probe",
            {
                "Image": self._asked.probe_image or self.subject.image,
                "Entrypoint": ["sh", "-c", "trap exit TERM; while :; do sleep 5; done"],
                "Cmd": [],
                "User": "0",
                "Healthcheck": {"Test": ["NONE"]},
                "Labels": dict(self._session.labels),
                "HostConfig": {"NetworkMode": self._network, "RestartPolicy": {"Name": "no"}},
            },
        )
        try:
            self._engine.ask("POST", f"/containers/{made['Id']}/start")
        except Refused as error:
            raise HullwardError(
                f"The helper for cmd: probes does not start: {error.message}.",
                "Name an image with a shell and the client program with --probe-image.",
            ) from error
        return str(made["Id"])

    def life(
        self,
        variant: Variant,
        timing: Timing,
        *,
        first: bool = False,
        watch: Callable[[Look], None] | None = None,
    ) -> Life:
        """Run one life to its end, and remove its container and volumes.

        Of the `first` the kernel's stacks are noted, and what it leaves in the volumes is kept.
        """
        self._count += 1
        name = f"{self._name}-{self._count}"
        begin = time.monotonic()
        trial = Trial(self._setting(), name, variant, timing, watch)
        self.tracer.start(stacks=first)
        try:
            trial.run()
            if first and not trial.why:
                self._data.seeds = self._data.seed(name)
        finally:
            text = self.tracer.stop()
            trial.finish()
        return Life(
            ok=not trial.why,
            why=trial.why,
            phases=tuple(trial.phases),
            log=trial.log,
            files=trial.files.modes,
            sizes=trial.files.sizes,
            trace=observe.parse(text, trial.inits, self._machine),
            seconds=time.monotonic() - begin,
            job=timing.job,
        )

    def _setting(self) -> Setting:
        return Setting(
            self._tools,
            self._session.labels,
            self._inspect,
            self.subject,
            self._network,
            self._memory,
            self._root,
            bool(self.probes),
            self.passes,
        )

    def share(self, other: "Lab") -> None:
        """Take over what another lab learned from the first life."""
        self.probes, self._data.seeds = other.probes, other._data.seeds  # noqa: SLF001 - one class

    @property
    def seeded(self) -> bool:
        """Whether volumes can be given what the first life left."""
        return bool(self._data.seeds)

    def ask(self, script: str) -> str:
        """Give what a script says on the engine's machine."""
        return self._shell.run(script, 60).text

    def passes(self, pid: int, address: str, until: Until) -> str:
        """Try every probe on a running trial; say what is wrong, "" for nothing.

        `until` says when it is of no use to wait for a command any longer, and why.
        """
        wrong = (self._passes(probe, pid, address, until) for probe in self.probes)
        return next(filter(None, wrong), "")

    def _passes(self, probe: Probe, pid: int, address: str, until: Until) -> str:
        if isinstance(probe, Command):
            variables = (f"TARGET={address}", f"NAME={self.subject.name}")
            command = ("sh", "-c", probe.command)
            status, words = self._engine.execute(self._helper, command, variables, until)
            return f"{probe}: exit status {status}: {words.strip()[-200:]}" if status else ""
        said = self._shell.run(looking.probe_script(probe, pid, address, self.subject.name), 30)
        if said.status not in {0, _NO_END}:
            return f"{probe}: no connection"
        return judge(probe, said.data)
