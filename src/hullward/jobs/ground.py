"""Looks at engine and host for the walls, and has connections tried on the host."""

import json
import shlex
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hullward import flow
from hullward.apply import answers, script
from hullward.collect import bundle, collector, engine, firewall, host, processes, sockets
from hullward.collect import users as people
from hullward.collect import walls as state
from hullward.fixes.standing import Standing
from hullward.host import reader
from hullward.jobs.machine import Machine
from hullward.model.change import FileNow
from hullward.model.errors import HullwardError
from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.proof import Proof
from hullward.model.report import Outcome
from hullward.model.rule import Fail
from hullward.model.walls import Ground
from hullward.rules import firewall as rules
from hullward.rules import firewall_upkeep

Ask = Callable[[str], bytes]
_NOTHING = "Nothing was changed."
_KNOCK_SECONDS = 120
_AREAS = (
    *processes.QUESTIONS, *sockets.QUESTIONS, *firewall.QUESTIONS, *people.QUESTIONS,
)  # fmt: skip


class Proven(Struct, frozen=True):
    """What the last verification has shown, and when; kept beside the journal."""

    when: str
    passed: int
    failed: int
    unknown: int


class Look(Struct, frozen=True):
    """What was seen: engine and host, the ground of a wall, its files, and the last proof."""

    snapshot: Snapshot
    ground: Ground
    files: tuple[FileNow, ...]
    proven: Proven | None = None

    @property
    def text(self) -> str | None:
        """The text of the wall as it is on the host."""
        return self.files[0].text


def hands(machine: Machine) -> Ask:
    """Ask as the one who changes the host does."""
    return lambda text: machine.journal.hands.run(text, 60).out.encode()


def reading(machine: Machine) -> Ask:
    """Ask as one who only looks does."""
    return lambda text: reader.ask_host(machine.target, text, machine.access)


def look(machine: Machine, standing: Standing, ask: Ask) -> Look:
    """Look at everything that a wall is made from; raises HullwardError for any gap."""
    snapshot, ground = gathered(machine, ask)
    paths = (*standing.paths(ground.init), _proof_path(machine, standing))
    said = answers.lines(ask(script.script([("look", *paths)])).decode(), machine.target.name)
    *files, proof = answers.looks(said, paths)
    return Look(snapshot, ground, tuple(files), _proven(proof.text))


def gathered(machine: Machine, ask: Ask) -> tuple[Snapshot, Ground]:
    """Look at the engine, then at its host; raises HullwardError for what cannot be known."""
    target = machine.target
    with reader.engine(target, machine.access) as client:
        snapshot = engine.collect(client, target.name, datetime.now(UTC), whole=False)
    asked = [q for q in host.QUESTIONS if q.name == "identity" or q in _AREAS]
    found = bundle.parse(ask(collector.script((*asked, *state.QUESTIONS))))
    snapshot = flow.joined(snapshot, found, processes.bundled(found))
    if snapshot.host is None:
        raise HullwardError(
            f"The engine's host is not known: {snapshot.gaps.get('host', 'it did not answer')}.",
            "Name the host itself: ssh://USER@HOST.",
        )
    ground = replace(
        state.parse(found, snapshot),
        wiped=_wiped(snapshot, snapshot.host),
        managers=_managers(snapshot.host),
    )
    _certain(ground, snapshot)
    return snapshot, ground


def _certain(ground: Ground, snapshot: Snapshot) -> None:
    """Raise HullwardError where a part is missing without which a wall would be a guess."""
    if not ground.root:
        raise HullwardError(
            "The rules of the host are shown to root only.",
            "Use a login that is root, or give --ask-become-pass.",
        )
    for gap in ("walls-tables", "walls-ground", "links", "networks", "sockets"):
        if gap in ground.gaps:
            raise HullwardError(f"The host was not looked at whole: {ground.gaps[gap]}.", _NOTHING)
    if snapshot.unread:
        names = ", ".join(unread.name for unread in snapshot.unread)
        raise HullwardError(
            f"The engine lists containers that it does not describe: {names}.", "Try again."
        )


def _managers(found: Host) -> tuple[str, ...]:
    if found.firewall is None:
        return ()
    return tuple(name for name in ("ufw", "firewalld") if rules.active(found.firewall, name))


def _wiped(snapshot: Snapshot, found: Host) -> str:
    """Say by which sign Docker's rules are gone from the kernel, "" where they are there."""
    for answer in firewall_upkeep.docker_rules_missing.check(found, snapshot):
        if isinstance(answer, Fail):
            return answer.evidence
    return ""


def knock(ask: Ask, errand: Struct) -> Mapping[str, Any]:
    """Try real connections on the host; raises HullwardError where that is not possible."""
    from importlib.resources import files  # noqa: PLC0415 - only a proof needs it

    program = (files("hullward.host") / "knock.py").read_text(encoding="utf-8")
    call = f"\nmain({msgspec.json.encode(errand).decode()!r})\n"
    text = b64encode((program + call).encode()).decode()
    said = ask(
        "command -v python3 >/dev/null || { echo 'none'; exit 0; }\n"
        f"printf %s {shlex.quote(text)} | base64 -d | timeout {_KNOCK_SECONDS} python3 -IS - 2>&1\n"
        "echo end\n"
    ).decode(errors="replace")
    if said.strip() == "none":
        raise HullwardError(
            "Nothing can be proven: this host has no python3 to try connections with.",
            "Install it (any version from 3.7 on), or try by hand what `plan` says.",
        )
    try:
        answer: Mapping[str, Any] = json.loads(said.splitlines()[0])
    except (ValueError, IndexError) as error:
        last = (said.strip().splitlines() or ["no words"])[-2:][0]
        raise HullwardError(f"The tries on the host failed: {last[:300]}.", "") from error
    return answer


def keep(machine: Machine, standing: Standing, proof: Proof) -> None:
    """Keep on the host what was proven, for `status`."""
    found = Proven(
        datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        *(proof.count(outcome) for outcome in (Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN)),
    )
    path = shlex.quote(_proof_path(machine, standing))
    text = shlex.quote(msgspec.json.encode(found).decode())
    folder = shlex.quote(machine.journal.folder)
    # What was measured is told even where it cannot be kept.
    with suppress(HullwardError):
        machine.journal.hands.run(
            f"umask 077; mkdir -p {folder} && printf '%s\\n' {text} >{path}; echo end\n", 30
        )


def _proof_path(machine: Machine, standing: Standing) -> str:
    return f"{machine.journal.folder}/{standing.command}.proof"


def _proven(text: str | None) -> Proven | None:
    try:
        return msgspec.json.decode(text, type=Proven) if text else None
    except msgspec.MsgspecError:
        return None
