"""The engine as a node of a swarm."""

from hullward.model.facts import Snapshot
from hullward.model.rule import Answers, Fail, Unknown, engine_rule
from hullward.model.severity import Severity


@engine_rule(
    id="swarm-enabled",
    title="The engine is part of a swarm",
    severity=Severity.INFO,
    rationale="Swarm mode opens ports 2377, 7946 and 4789; its managers start containers here.",
    remedy="`docker swarm leave`, if no service uses it.",
    refs=("cis-docker:5.1", "docs.docker.com/engine/swarm"),
)
def enabled(snapshot: Snapshot) -> Answers:
    """Fail for an active node."""
    if snapshot.engine is None or "info" in snapshot.gaps:
        yield Unknown(snapshot.gaps.get("info", "the engine was not read"))
    elif snapshot.engine.swarm not in {"", "inactive"}:
        yield Fail(f"swarm is {snapshot.engine.swarm}")
