"""The guide's four criteria for a well-behaved process."""

from collections.abc import Iterator

from hullward.model import capabilities
from hullward.model.facts import Container, Snapshot
from hullward.model.report import Behaviour
from hullward.model.severity import Severity
from hullward.rules import grants

# (met, reason): met is None where it could not be looked up.
Criterion = tuple[bool | None, str]


def judge(container: Container, snapshot: Snapshot) -> tuple[Behaviour, tuple[str, ...]]:
    """Say whether it meets all four, with a short reason for each that it does not."""
    criteria = tuple(_criteria(container, snapshot))
    missed = tuple(reason for met, reason in criteria if met is False)
    if missed:
        return Behaviour.NO, missed
    unclear = tuple(reason for met, reason in criteria if met is None)
    return (Behaviour.UNKNOWN, unclear) if unclear else (Behaviour.YES, ())


def _criteria(container: Container, snapshot: Snapshot) -> Iterator[Criterion]:
    yield _not_root(container)
    if container.privileged:
        yield False, "privileged"
    else:
        granted = grants.granted(container)
        strong = sorted(name for name in granted - capabilities.DEFAULT if _strong(name))
        yield not strong, f"holds {' '.join(strong)}"
        added = grants.added(container)
        kept = (granted & capabilities.DEFAULT) - (set() if "ALL" in added else added)
        yield not kept, "default capabilities"
    yield _no_new_privileges(container, snapshot)


def _strong(name: str) -> bool:
    known = capabilities.BY_NAME.get(name)
    return known is None or known.severity.rank >= Severity.HIGH.rank


def _not_root(container: Container) -> Criterion:
    running = grants.uids(container)
    if grants.left_root(container):
        return False, f"starts as root, runs as {' '.join(map(str, running or ()))}"
    if container.uid == 0:
        return False, "runs as root"
    if running and 0 in running:
        return False, "a process runs as root"
    if container.uid is None:
        return None, f"uid of {container.user or 'its image'} not known"
    return True, ""


def _no_new_privileges(container: Container, snapshot: Snapshot) -> Criterion:
    if container.processes:
        return all(p.no_new_privileges for p in container.processes), "may gain privileges"
    state = grants.no_new_privileges(container, snapshot)
    return state, "may gain privileges" if state is False else "no-new-privileges not known"
