"""Proof by reading again: the services say what was written into them, and nothing else."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from hullward.compose.changes import Change
from hullward.compose.model import Project, Service
from hullward.fixes.compose.proposal import Proposal

# The facts that a change may touch, by the key that it is about; the first one must become so.
_TOUCHED = {
    "security_opt": ("security_opt",),
    "cap_drop": ("cap_drop",),
    "cap_add": ("cap_add",),
    "read_only": ("read_only",),
    "tmpfs": ("tmpfs", "mounts"),
    "user": ("user", "uid", "uid_gap"),
    "pids_limit": ("pids",),
    "mem_limit": ("memory",),
    "pids": ("pids",),
    "memory": ("memory",),
    "ports": ("wished_ports", "ports"),
}


class Difference(Struct, frozen=True):
    """What reading again has shown: lines that do not hold, and services with other changes."""

    idle: tuple[Proposal, ...] = ()
    others: tuple[str, ...] = ()


def difference(before: Project, after: Project, written: Sequence[Proposal]) -> Difference:
    """Compare two readings of a project; nothing in the difference is the proof.

    Each fact that a line is about must be as it says, and every other fact as before.
    """
    olds = {service.name: service for service in before.services}
    news = {service.name: service for service in after.services}
    shared = olds.keys() & news.keys()
    idle = tuple(
        proposal
        for proposal in written
        if proposal.service in shared
        and not all(
            _holds(olds[proposal.service], news[proposal.service], line.change)
            for line in proposal.lines
        )
    )
    touched: dict[str, set[str]] = {}
    for proposal in written:
        keys = {_key(line.change) for line in proposal.lines}
        names = {name for key in keys for name in _TOUCHED[key]}
        touched.setdefault(proposal.service, set()).update(names)
    others = tuple(
        name
        for name in {**olds, **news}
        if name not in shared or not _same(olds[name], news[name], touched.get(name, set()))
    )
    return Difference(idle, others)


def _key(change: Change) -> str:
    return str(change.path[-1] if change.path[0] == "deploy" else change.path[0])


def _same(old: Service, new: Service, touched: set[str]) -> bool:
    names = {*old.container.__struct_fields__, "tmpfs"} - touched
    return all(_fact(old, name) == _fact(new, name) for name in names)


def _holds(old: Service, new: Service, change: Change) -> bool:
    """Whether the fact that a change is about became what it says."""
    key = _key(change)
    name = _TOUCHED[key][0]
    was, has = _fact(old, name), _fact(new, name)
    if key == "tmpfs" and isinstance(change.value, tuple):
        targets = {text.partition(":")[0] for text in change.value}
        return bool({target for target, _ in has} == {target for target, _ in was} | targets)
    if isinstance(change.value, tuple):
        return {*has} == {*was, *change.value}
    if key == "ports":
        return len(has) == len(was) and has != was
    if isinstance(change.value, bool) or key in {"pids", "pids_limit"}:
        return bool(has == change.value)
    return bool(has)


def _fact(service: Service, name: str) -> Any:  # noqa: ANN401 - of any field
    if name == "tmpfs":
        return tuple((tmpfs.target, tmpfs.options) for tmpfs in service.tmpfs)
    return getattr(service.container, name)
