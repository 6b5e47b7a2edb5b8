"""Who reaches whom over the engine's networks."""

from hullward.model.facts import Snapshot
from hullward.model.rule import Answers, Fail, Unknown, engine_rule
from hullward.model.severity import Severity
from hullward.rules import effective


@engine_rule(
    id="network-bridge-icc",
    title="Strangers on the default bridge reach each other",
    severity=Severity.LOW,
    rationale=(
        "Every container that names no network joins the default bridge. With inter-container "
        "communication on, one that is taken over reaches all ports of all others there."
    ),
    remedy=effective.write('"icc": false'),
    refs=("cis-docker:2.2", "docs.docker.com/engine/network/drivers/bridge"),
)
def bridge_icc(snapshot: Snapshot) -> Answers:
    """Fail where the network called bridge lets its members talk; worse once two are on it."""
    if snapshot.networks is None:
        yield Unknown(snapshot.gaps.get("networks", "the networks were not read"))
        return
    members = [c.name for c in snapshot.containers if c.running and "bridge" in c.networks]
    for network in snapshot.networks:
        if network.name == "bridge" and network.driver == "bridge" and network.talk:
            now = f"; on it now: {', '.join(sorted(members))}" if members else ""
            several = len(members) > 1
            yield Fail(f"enable_icc is true{now}", Severity.MEDIUM if several else None)


@engine_rule(
    id="network-overlay-plain",
    title="Containers talk between hosts without encryption",
    severity=Severity.MEDIUM,
    rationale="Whoever sees the wire between the nodes of a swarm reads and changes all of it.",
    remedy=(
        "docker network create --driver overlay --opt encrypted NAME; move the services there. "
        "Or connect the nodes by WireGuard or a wire of their own."
    ),
    refs=("cis-docker:7.3", "docs.docker.com/engine/network/drivers/overlay"),
)
def overlay_plain(snapshot: Snapshot) -> Answers:
    """Fail for overlay networks without the option encrypted; a lone node sends nothing out."""
    if snapshot.networks is None:
        yield Unknown(snapshot.gaps.get("networks", "the networks were not read"))
        return
    alone = snapshot.swarm is not None and snapshot.swarm.nodes == 1
    for network in snapshot.networks:
        if network.encrypted is False:
            what = "carries published ports" if network.ingress else "is not encrypted"
            lone = "; the swarm has this node only" if alone else ""
            yield Fail(f"overlay {network.name} {what}{lone}", Severity.INFO if alone else None)


@engine_rule(
    id="network-gateway-unprotected",
    title="A network lets in what was not published",
    severity=Severity.HIGH,
    rationale=(
        "With the gateway mode nat-unprotected every port of every container is open to whoever "
        "can send packets to the host, published or not."
    ),
    remedy="Create the network without the option com.docker.network.bridge.gateway_mode_ipv4.",
    refs=("docs.docker.com/engine/network/port-publishing/#gateway-modes",),
)
def gateway_unprotected(snapshot: Snapshot) -> Answers:
    """Fail for bridges with the mode nat-unprotected."""
    if snapshot.networks is None:
        yield Unknown(snapshot.gaps.get("networks", "the networks were not read"))
        return
    for network in snapshot.networks:
        if "nat-unprotected" in network.gateway_modes:
            yield Fail(f"network {network.name}: gateway mode nat-unprotected")
