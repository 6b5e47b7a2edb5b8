"""Removes what trials made: by label, whatever became of the hullward that made it."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from hullward.host.engine_writer import EngineWriter, Refused
from hullward.host.root_shell import RootShell, started_at
from hullward.minimize.clone import OWNER, SESSION

_Thing = tuple[str, str, Mapping[str, str]]


def owner(shell: RootShell) -> str:
    """Name the shell of this session, so that others can see whether it still lives."""
    return f"{shell.pid}-{shell.born}"


def sweep(engine: EngineWriter, shell: RootShell, *, session: str = "") -> tuple[int, int]:
    """Remove everything of one session, or of all that ended; give what went, and what lives on.

    A session lives as long as its shell on the engine's machine does.
    """
    removed, living = 0, set()
    alive: dict[str, bool] = {}
    for kind, name, labels in _everything(engine):
        if session:
            gone = labels[SESSION] == session
        else:
            who = labels.get(OWNER, "")
            if who not in alive:
                alive[who] = _lives(shell, who)
            gone = not alive[who]
        if gone:
            _remove(engine, kind, name)
            removed += 1
        elif not session:
            living.add(labels[SESSION])
    return removed, len(living)


def _lives(shell: RootShell, who: str) -> bool:
    pid, _, born = who.partition("-")
    if not pid.isdecimal() or not born.isdecimal():
        return False
    return started_at(shell.run(f"cat /proc/{pid}/stat").text) == int(born)


def _everything(engine: EngineWriter) -> Iterator[_Thing]:
    """Give containers first, then what they use."""
    wanted = quote(msgspec.json.encode({"label": [SESSION]}).decode())
    containers: list[dict[str, Any]] = engine.ask("GET", f"/containers/json?all=1&filters={wanted}")
    for container in containers:
        yield "containers", container["Id"], container["Labels"]
    volumes = engine.ask("GET", f"/volumes?filters={wanted}")
    for volume in volumes["Volumes"] or ():
        yield "volumes", volume["Name"], volume["Labels"]
    for network in engine.ask("GET", f"/networks?filters={wanted}"):
        yield "networks", network["Id"], network["Labels"]


def _remove(engine: EngineWriter, kind: str, name: str) -> None:
    options = {"containers": "?force=1&v=1", "volumes": "?force=1"}.get(kind, "")
    try:
        engine.remove(f"/{kind}/{quote(name)}{options}")
    except Refused:
        # One that is just being removed, or that a container which was not ours has joined.
        if kind == "containers":
            raise
