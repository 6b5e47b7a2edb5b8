"""Looks at engine and host for the walls: the state that they are generated from."""

from collections.abc import Callable
from datetime import UTC, datetime

from msgspec.structs import replace

from hullward import flow
from hullward.collect import bundle, collector, engine, firewall, host, processes, sockets, sshd
from hullward.collect import users as people
from hullward.collect import walls as state
from hullward.host import reader
from hullward.host.contexts import Target
from hullward.host.reader import Access
from hullward.model.errors import HullwardError
from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.rule import Fail
from hullward.model.walls import Ground
from hullward.rules import firewall as rules
from hullward.rules import firewall_upkeep

Ask = Callable[[str], bytes]
_NOTHING = "Nothing was changed."
_AREAS = (
    *processes.QUESTIONS, *sockets.QUESTIONS, *firewall.QUESTIONS, *people.QUESTIONS,
    *sshd.QUESTIONS,
)  # fmt: skip


def script() -> str:
    """Write the script that asks the host."""
    asked = [q for q in host.QUESTIONS if q.name == "identity" or q in _AREAS]
    return collector.script((*asked, *state.QUESTIONS))


def gathered(target: Target, access: Access, ask: Ask) -> tuple[Snapshot, Ground]:
    """Look at the engine, then at its host; raises HullwardError for what cannot be known."""
    with reader.engine(target, access) as client:
        snapshot = engine.collect(client, target.name, datetime.now(UTC), whole=False)
    answers = bundle.parse(ask(script()))
    snapshot = flow.joined(snapshot, answers, processes.bundled(answers))
    if snapshot.host is None:
        raise HullwardError(
            f"The engine's host is not known: {snapshot.gaps.get('host', 'it did not answer')}.",
            "Name the host itself: ssh://USER@HOST.",
        )
    ground = state.parse(answers, snapshot)
    found = replace(
        ground, wiped=_wiped(snapshot, snapshot.host), managers=_managers(snapshot.host)
    )
    return snapshot, _certain(found, snapshot)


def _certain(ground: Ground, snapshot: Snapshot) -> Ground:
    """Raise HullwardError where a part is missing without which a wall would be a guess."""
    if not ground.root:
        raise HullwardError(
            "The rules of the host are shown to root only.",
            "Use a login that is root, or may use sudo without a password.",
        )
    for gap in ("walls-tables", "walls-ground", "links", "networks", "sockets"):
        if gap in ground.gaps:
            raise HullwardError(f"The host was not looked at whole: {ground.gaps[gap]}.", _NOTHING)
    if snapshot.unread:
        names = ", ".join(unread.name for unread in snapshot.unread)
        raise HullwardError(
            f"The engine lists containers that it does not describe: {names}.", "Try again."
        )
    return ground


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
