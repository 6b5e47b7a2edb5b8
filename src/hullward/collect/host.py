"""The whole host from one bundle: the questions of every area, and their parses together."""

from collections.abc import Mapping
from typing import Any

from hullward.collect import (
    collector,
    compose_copies,
    daemon,
    files,
    firewall,
    processes,
    sockets,
    sshd,
    system,
    users,
)
from hullward.collect.bundle import Said
from hullward.collect.collector import Question
from hullward.model.host import Host

_IDENTITY = Question("identity", "id -u; uname -r; cat /proc/sys/kernel/hostname")
AREAS = {
    "system": system,
    "users": users,
    "daemon": daemon,
    "files": files,
    "sshd": sshd,
    "sockets": sockets,
    "firewall": firewall,
}
QUESTIONS: tuple[Question, ...] = (
    _IDENTITY,
    *processes.QUESTIONS,
    *(question for area in AREAS.values() for question in area.QUESTIONS),
)


def script(*, whole: bool, copies: bool = False) -> str:
    """Write the script that asks everything, or for the processes of containers alone.

    With `copies` it brings the compose files as well, which no bundle in a file may hold.
    """
    asked = QUESTIONS if whole else (_IDENTITY, *processes.QUESTIONS)
    return collector.script((*asked, *((compose_copies.QUESTION,) if copies else ())))


def parse(answers: Mapping[str, Said]) -> Host:
    """Read a bundle; an area that crashes or is silent becomes a gap, never a wrong fact."""
    lines = answers.get("identity", Said()).text.splitlines()
    uid, kernel, name = (*lines, "", "", "")[:3]
    areas: dict[str, Any] = {}
    gaps: dict[str, str] = {}
    for area, module in AREAS.items():
        found = module.parse(answers)
        if isinstance(found, str):
            gaps[area] = found
        else:
            areas[area] = found
    return Host(name=name, kernel=kernel, root=uid == "0", gaps=gaps, **areas)
