"""The job of userns-remap: gather, plan, and prove it by the engine's word and a real container."""

import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from hullward import flow
from hullward.apply import answers, script
from hullward.apply.journal import Entry
from hullward.collect import bundle, collector, daemon, engine, remap
from hullward.fixes import subids, userns
from hullward.host import reader
from hullward.host.engine_writer import EngineWriter
from hullward.jobs import probe_container
from hullward.jobs.machine import Machine
from hullward.model.change import FileNow
from hullward.model.daemon import Daemon
from hullward.model.errors import HullwardError
from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.plan import Plan
from hullward.model.remap import Ground, Remap, root_of
from hullward.model.rule import Unknown
from hullward.rules import effective

Ask = Callable[[str], bytes]
_POLL_SECONDS = 0.5
JOB = userns.JOB


def gathered(machine: Machine, ask: Ask) -> tuple[Remap, Sequence[FileNow]]:
    """Look at engine and host; `ask` runs a script there. Raises HullwardError for any doubt."""
    now = datetime.now(UTC)
    with reader.engine(machine.target, machine.access) as client:
        snapshot = engine.collect(client, machine.target.name, now, stopped=True, whole=False)
        held, info = client.get(remap.STOCK, "/info")
        stock, about = remap.stock(held), remap.about(info)
    found = daemon.parse(bundle.parse(ask(collector.script(daemon.QUESTIONS))))
    if isinstance(found, str):
        raise HullwardError(f"The host does not tell of its dockerd: {found}.", "")
    if not found.pid:
        why = found.gaps.get("flags", "no dockerd was seen on the host")
        raise HullwardError(f"The engine's dockerd is not known: {why}.", "Use ssh://HOST.")
    sources = [m.source for c in snapshot.containers for m in c.mounts if m.kind == "bind"]
    # A remapped engine keeps its id in the folder below.
    root = snapshot.engine.root_directory if snapshot.engine else found.root
    questions = remap.questions(found.pid, root, filter(None, sources))
    ground = remap.parse(bundle.parse(ask(collector.script(questions))), found.pid)
    _same(snapshot, found, ground, about.id)
    paths = userns.files(found)
    said = answers.lines(ask(script.script([("look", *paths)])).decode(), machine.target.name)
    files = tuple(answers.looks(said, paths))
    ranges = subids.parse(files[1].text), subids.parse(files[2].text)
    own = subids.mine(ranges[0])
    base = own[0].start if own else subids.free(*ranges, taken=ground.uids)
    return Remap(snapshot, stock, found, ground, about.architecture, about.id, base), files


def _same(snapshot: Snapshot, found: Daemon, ground: Ground, id_: str) -> None:
    """Make sure that the dockerd of the host is the engine that was asked."""
    about = snapshot.engine
    other = effective.daemon(Host(daemon=found), snapshot)
    why = ""
    if isinstance(other, Unknown):
        why = other.reason
    elif not ground.same:
        why = f"dockerd {ground.pid} does not see the files that a login on the host sees"
    elif ground.id and id_ and ground.id != id_:
        why = f"dockerd {ground.pid} of the host has another id"
    elif about is None or (about.name, about.kernel) != (ground.name, ground.kernel):
        why = f"the host that was asked is {ground.name}"
    if why:
        raise HullwardError(
            f"The engine is not the one of this host: {why}.",
            "Name it by ssh://HOST, so that both are reached in one way. Nothing was changed.",
        )


def switch(machine: Machine, way: str, within: int | None, person: flow.Person) -> Plan | None:
    """Switch the remapping on or off; None where the person does not agree."""

    def ask(text: str) -> bytes:
        return machine.journal.hands.run(text, 60).out.encode()

    machine.journal.idle()
    found, files = gathered(machine, ask)
    probe_container.program(found.architecture)
    plan = (userns.on if way == userns.ON else userns.off)(found, files)
    if within:
        plan = replace(plan, within=within)
    done = flow.change(machine.journal, plan, work(machine, plan), person)
    return plan if done else None


def work(machine: Machine, plan: Plan) -> flow.Work:
    """Say how the job proves a plan."""

    def prove(entry: Entry) -> None:
        _prove(machine, entry, on=plan.forth.proof == userns.ON)

    return flow.Work(prove=prove)


def _prove(machine: Machine, entry: Entry, *, on: bool) -> None:
    """Look at the engine anew, and at a real container; raises HullwardError for what is not so."""
    end = time.monotonic() + entry.plan.within * 0.8
    snapshot, architecture = _awaited(machine, end)
    about = snapshot.engine
    if about is None or about.option("userns") != on:
        raise HullwardError(
            f"The engine came back, and says that it does{' not' if on else ''} remap users.",
            "Its log says more: `journalctl -u docker`.",
        )
    root = root_of(about.root_directory)
    if on and root is None:
        raise HullwardError(f"The engine keeps its data in {about.root_directory} still.", "")
    with (
        EngineWriter(machine.target, machine.access) as writer,
        probe_container.running(writer, architecture) as pid,
    ):
        uid = _uid(machine, pid)
    if on != (uid != 0) or (root and uid != root[0]):
        raise HullwardError(f"Root in a new container is uid {uid} on the host.", "")


def _uid(machine: Machine, pid: int) -> int:
    """Ask the host whose a process is, by its own numbers."""
    question = f"sed -n 's/^Uid:/uid/p' /proc/{pid}/status; echo end\n"
    match = re.search(r"^uid\s+(\d+)", machine.journal.hands.run(question, 30).out, re.MULTILINE)
    if match is None:
        raise HullwardError(f"The host does not show process {pid} of the new container.", "")
    return int(match[1])


def _awaited(machine: Machine, end: float) -> tuple[Snapshot, str]:
    """Wait until the engine answers again, and look at it."""
    while True:
        try:
            with reader.engine(machine.target, machine.access) as client:
                now = datetime.now(UTC)
                snapshot = engine.collect(client, machine.target.name, now, whole=False)
                (info,) = client.get("/info")
                return snapshot, remap.about(info).architecture
        except HullwardError as error:
            if time.monotonic() > end:
                raise HullwardError(
                    f"The engine did not come back in time: {error.what}",
                    "Its log says why: `journalctl -u docker`.",
                ) from error
        time.sleep(_POLL_SECONDS)
