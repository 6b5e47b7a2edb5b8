from hullward.model.facts import Container, Network, Snapshot, Swarm
from hullward.model.rule import Fail, Unknown
from hullward.model.severity import Severity
from hullward.rules import networks

RULES = (networks.bridge_icc, networks.overlay_plain, networks.gateway_unprotected)


def test_networks_that_could_not_be_read_are_unknown() -> None:
    for rule in RULES:
        assert list(rule.check(Snapshot("web", gaps={"networks": "403"}))) == [Unknown("403")]


def test_the_default_bridge_is_worse_with_several_members() -> None:
    bridge = (Network("bridge"), Network("shop"))
    empty = Snapshot("web", networks=bridge)
    full = Snapshot(
        "web",
        networks=bridge,
        containers=(
            Container("b", networks=("bridge",)),
            Container("a", networks=("bridge",)),
            Container("old", state="exited", networks=("bridge",)),
            Container("own", networks=("shop",)),
        ),
    )

    assert list(networks.bridge_icc.check(empty)) == [Fail("enable_icc is true")]
    assert list(networks.bridge_icc.check(full)) == [
        Fail("enable_icc is true; on it now: a, b", Severity.MEDIUM)
    ]


def test_a_silent_default_bridge_passes() -> None:
    snapshot = Snapshot("web", networks=(Network("bridge", talk=False), Network("shop")))

    assert list(networks.bridge_icc.check(snapshot)) == []


def test_a_plain_overlay_fails_and_matters_little_on_a_lone_node() -> None:
    found = (Network("in", "overlay", encrypted=False, ingress=True), Network("x", encrypted=None))
    many = Snapshot("web", networks=found, swarm=Swarm(autolock=True, nodes=3))
    lone = Snapshot("web", networks=found, swarm=Swarm(autolock=True, nodes=1))
    said = "overlay in carries published ports"

    assert list(networks.overlay_plain.check(many)) == [Fail(said)]
    assert list(networks.overlay_plain.check(lone)) == [
        Fail(f"{said}; the swarm has this node only", Severity.INFO)
    ]


def test_an_encrypted_overlay_passes() -> None:
    snapshot = Snapshot("web", networks=(Network("x", "overlay", encrypted=True),))

    assert list(networks.overlay_plain.check(snapshot)) == []


def test_an_unprotected_gateway_fails() -> None:
    snapshot = Snapshot(
        "web", networks=(Network("x", gateway_modes=("nat-unprotected",)), Network("y"))
    )

    assert list(networks.gateway_unprotected.check(snapshot)) == [
        Fail("network x: gateway mode nat-unprotected")
    ]
