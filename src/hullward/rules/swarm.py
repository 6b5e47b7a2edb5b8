"""The engine as a node of a swarm."""

from datetime import date

from hullward.model.facts import Snapshot, Swarm
from hullward.model.rule import Answers, Fail, Unknown, engine_rule
from hullward.model.severity import Severity

_OFF = frozenset({"", "inactive"})
_MANAGE = "docs.docker.com/engine/swarm/admin_guide"
_CERTIFICATES = "docs.docker.com/engine/swarm/how-swarm-mode-works/pki"
_NODE_DAYS, _ROOT_DAYS, _MOST_MANAGERS = 90, 180, 7
_PORT = 2377


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
    elif snapshot.engine.swarm not in _OFF:
        yield Fail(f"swarm is {snapshot.engine.swarm}")


@engine_rule(
    id="swarm-autolock-off",
    title="The keys of the swarm lie open on its managers",
    severity=Severity.LOW,
    rationale=(
        "The managers' log holds every secret of the swarm. Without autolock its key is on the "
        "same disk, so a stolen disk or backup opens it."
    ),
    remedy="docker swarm update --autolock=true, and keep the key that it prints elsewhere.",
    refs=("cis-docker:7.5", "docs.docker.com/engine/swarm/swarm_manager_locking"),
)
def autolock_off(snapshot: Snapshot) -> Answers:
    """Fail where managers restart without a key; the key itself is never asked for."""
    swarm = _swarm(snapshot)
    if isinstance(swarm, Unknown):
        yield swarm
    elif swarm and not swarm.autolock:
        yield Fail("AutoLockManagers is false")


@engine_rule(
    id="swarm-manager-count",
    title="The swarm has an unfit number of managers",
    severity=Severity.LOW,
    rationale=(
        "A swarm works while more than half of its managers do: an even number bears no more "
        "failures than one less, a lone manager none, and many are more machines whose root is "
        "root everywhere."
    ),
    remedy="docker node promote NODE, or docker node demote NODE: three or five managers.",
    refs=("cis-docker:7.1", _MANAGE),
)
def manager_count(snapshot: Snapshot) -> Answers:
    """Fail for none to spare, an even number, or more than seven."""
    swarm = _swarm(snapshot)
    if isinstance(swarm, Unknown):
        yield swarm
    elif swarm and (swarm.managers is None or swarm.nodes is None):
        yield Unknown(snapshot.gaps.get("nodes", "the nodes were not listed"))
    elif swarm and swarm.managers == 1:
        alone = swarm.nodes == 1
        what = "one manager, and no other node" if alone else f"one manager of {swarm.nodes} nodes"
        yield Fail(what, Severity.INFO if alone else None)
    elif swarm and swarm.managers and (not swarm.managers % 2 or swarm.managers > _MOST_MANAGERS):
        yield Fail(f"{swarm.managers} managers")


@engine_rule(
    id="swarm-certificate-life",
    title="Certificates of the swarm's nodes are valid for long",
    severity=Severity.INFO,
    rationale="A node that was removed or copied is believed until its certificate ends.",
    remedy="docker swarm update --cert-expiry 720h",
    refs=("cis-docker:7.7", _CERTIFICATES),
)
def certificate_life(snapshot: Snapshot) -> Answers:
    """Fail for more than Docker's 90 days."""
    swarm = _swarm(snapshot)
    if isinstance(swarm, Unknown):
        yield swarm
    elif swarm and not swarm.certificate_days:
        yield Unknown("the swarm does not say how long its certificates last")
    elif swarm and swarm.certificate_days > _NODE_DAYS:
        yield Fail(f"a node's certificate lasts {swarm.certificate_days:g} days")


@engine_rule(
    id="swarm-root-expiry",
    title="The root certificate of the swarm ends soon",
    severity=Severity.MEDIUM,
    rationale="When it ends no node trusts another one, and the swarm falls apart.",
    remedy="docker swarm ca --rotate",
    refs=("cis-docker:7.8", _CERTIFICATES),
)
def root_expiry(snapshot: Snapshot) -> Answers:
    """Fail half a year before the day."""
    swarm = _swarm(snapshot)
    if isinstance(swarm, Unknown):
        yield swarm
        return
    if swarm is None:
        return
    try:
        last = date.fromisoformat(swarm.root_expires)
        days = (last - date.fromisoformat(snapshot.collected_at[:10])).days
    except ValueError:
        yield Unknown("the day on which the root certificate ends could not be read")
        return
    if days < _ROOT_DAYS:
        yield Fail(f"it ends on {last.isoformat()}, {days} days after this look")


@engine_rule(
    id="swarm-open-port",
    title="The swarm's managers listen on every address",
    severity=Severity.MEDIUM,
    rationale="Port 2377 is the door to the managers; only the nodes of the swarm need it.",
    remedy=(
        "docker swarm init --listen-addr ADDRESS:2377 --advertise-addr ADDRESS with an address "
        "that only the nodes reach, or a firewall in front of 2377, 7946 and 4789."
    ),
    refs=("cis-docker:7.2", _MANAGE),
)
def open_port(snapshot: Snapshot) -> Answers:
    """Fail for a manager whose 2377 is bound to all addresses."""
    engine = snapshot.engine
    if engine is None or "info" in snapshot.gaps:
        yield Unknown(snapshot.gaps.get("info", "the engine was not read"))
    elif engine.swarm not in _OFF and engine.manager:
        sockets = snapshot.host.sockets if snapshot.host else None
        if sockets is None:
            gaps = snapshot.host.gaps if snapshot.host else {}
            why = gaps.get("sockets") or snapshot.gaps.get("host")
            yield Unknown(why or "what listens on the host was not looked at")
            return
        for socket in sockets.listening:
            if socket.port == _PORT and socket.address in {"0.0.0.0", "::", "*"}:  # noqa: S104
                yield Fail(f"{socket.program or 'a program'} listens on [{socket.address}]:{_PORT}")


def _swarm(snapshot: Snapshot) -> Swarm | Unknown | None:
    """Give what a manager tells, None outside of a swarm."""
    engine = snapshot.engine
    if engine is None or "info" in snapshot.gaps:
        return Unknown(snapshot.gaps.get("info", "the engine was not read"))
    if engine.swarm in _OFF:
        return None
    if not engine.manager:
        return Unknown("this node is no manager: audit a manager of the swarm")
    return snapshot.swarm or Unknown(snapshot.gaps.get("swarm", "the swarm was not read"))
