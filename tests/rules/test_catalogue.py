"""Facts about all rules at once: their ids, their pages, and what sets them off."""

import re
from datetime import date
from pathlib import Path

import pytest

from builders import best, engine, process, snapshot
from hullward import judge
from hullward.model import capabilities
from hullward.model.facts import (
    Container,
    Device,
    Exec,
    Image,
    Listener,
    Mount,
    Plugin,
    Port,
    Snapshot,
)
from hullward.model.report import Behaviour, Outcome
from hullward.model.rule import ContainerRule, EngineRule, Rule
from hullward.model.severity import Severity
from hullward.report import explain, rulebook
from hullward.rules import ALL

ROOT = Path(__file__).parents[2]
# Others rely on these: waivers, dashboards, issues.
PROMISED = {
    "container-root",
    "container-privileged",
    "container-default-capabilities",
    "container-dangerous-capability",
    "container-new-privileges",
    "container-engine-socket",
    "container-host-network",
    "container-host-pid",
    "container-sensitive-bind",
    "container-seccomp-unconfined",
    "container-joined-namespace",
    "container-published-everywhere",
}
TODAY = date(2026, 11, 1)
each_rule = pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)

SOCKET = Mount("bind", "/run/docker.sock", "/run/docker.sock")
# Everything that one container can do wrong at once.
WORST = Container(
    "worst",
    id="1" * 64,
    image="shop/worst",
    image_id="old",
    privileged=True,
    cap_add=("ALL",),
    security_opt=("seccomp=unconfined", "label=disable", "no-new-privileges:false"),
    apparmor_profile="unconfined",
    groups=("docker",),
    masked_paths=(),
    readonly_paths=(),
    runtime="nvidia",
    network_mode="host",
    pid_mode="host",
    ipc_mode="host",
    uts_mode="host",
    userns_mode="host",
    cgroup_parent="/mine",
    networks=("host",),
    mounts=(
        SOCKET,
        Mount("bind", "/host", "/", propagation="rshared"),
        Mount("volume", "/etc", "/etc", volume="conf", filesystem="none", credentials=True),
    ),
    listeners=(Listener("::", 22),),
    devices=(Device("/dev/sda"),),
    device_rules=("a *:* rwm",),
    device_requests=("nvidia",),
    sysctls={"net.ipv4.conf.all.route_localnet": "1"},
    ulimits=("nofile",),
    restart="always",
    log_driver="none",
    environment=("DOCKER_HOST", "DB_PASSWORD"),
    api_listens=("tcp://0.0.0.0:2375",),
    execs=(Exec("root", privileged=True),),
    processes=(process(name="sshd", bounding=1 << 41, seccomp=0),),
)
# What it cannot do wrong as well, because one thing excludes another.
OTHERS = (
    Container("bridged", networks=("bridge",), ports=(Port(80, "tcp", "::", 25),), image_id="old"),
    Container("beside", networks=("bridge",), cgroupns_mode="host"),
    Container("guest", pid_mode="container:worst"),
    Container(
        "dead",
        uid=1000,
        cap_add=("CHOWN",),
        security_opt=("no-new-privileges:true",),
    ),
)


def worst() -> Snapshot:
    return snapshot(
        WORST,
        *OTHERS,
        engine=engine(
            security_options=("name=selinux", "name=userns"),
            components={"runc": "1.0.0", "containerd": "1.2.0"},
            warnings=("WARNING: API is accessible on http://0.0.0.0:2375 without encryption.",),
            swarm="active",
        ),
        plugins=(Plugin("p", enabled=True, all_devices=True),),
        images={"old": Image("old", created="2020-01-01T00:00:00Z")},
    )


def unconfined() -> Snapshot:
    """Describe a host with AppArmor for the rule on it, and one without any for its engine."""
    return snapshot(WORST, engine=engine(security_options=("name=apparmor",)))


def naked() -> Snapshot:
    return snapshot(engine=engine(security_options=()))


def failed(host: Snapshot) -> set[str]:
    verdicts = judge.judge(host, ALL, (), TODAY).verdicts
    return {verdict.rule for verdict in verdicts if verdict.outcome is Outcome.FAIL}


def test_ids_are_unique_and_in_order() -> None:
    ids = [rule.id for rule in ALL]

    assert ids == sorted(set(ids))


def test_there_are_as_many_rules_as_are_written() -> None:
    sources = (ROOT / "src" / "hullward" / "rules").rglob("*.py")
    written = sum(path.read_text("utf-8").count("_rule(\n    id=") for path in sources)

    assert len(ALL) == written


def test_the_ids_that_others_rely_on_exist() -> None:
    assert {rule.id for rule in ALL} >= PROMISED


@each_rule
def test_an_id_is_a_slug_that_starts_with_its_area(rule: Rule) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)+", rule.id)
    assert rule.area in {"container", "daemon", "swarm"}
    assert (rule.area == "container") is isinstance(rule, ContainerRule)
    assert isinstance(rule, ContainerRule | EngineRule)


@each_rule
def test_every_field_of_a_rules_page_is_written(rule: Rule) -> None:
    for text in (rule.title, rule.rationale, rule.remedy):
        assert text == " ".join(text.split())
        assert len(text) >= 10
    assert rule.rationale.endswith(".")
    assert rule.remedy.endswith(".")
    assert not rule.title.endswith(".")
    assert isinstance(rule.refs, tuple)
    assert all(len(ref) >= 6 for ref in rule.refs)
    assert rule.refs


@each_rule
def test_every_rule_fires_where_everything_is_wrong(rule: Rule) -> None:
    assert rule.id in failed(worst()) | failed(unconfined()) | failed(naked())


def test_no_rule_breaks_where_everything_is_wrong() -> None:
    for host in (worst(), unconfined(), naked(), snapshot(WORST, engine=None, plugins=None)):
        outcomes = {v.outcome for v in judge.judge(host, ALL, (), TODAY).verdicts}

        assert Outcome.BROKEN not in outcomes


def test_nothing_of_medium_or_worse_fires_for_the_model_citizen() -> None:
    report = judge.judge(snapshot(best()), ALL, (), TODAY)

    grave = {v.rule for v in report.verdicts if v.outcome is Outcome.FAIL}
    assert grave == set()
    assert [(row.name, row.behaviour, row.worst) for row in report.rows] == [
        ("best", Behaviour.YES, None)
    ]


def test_the_worst_container_is_graded_critical() -> None:
    rows = {row.name: row for row in judge.judge(worst(), ALL, (), TODAY).rows}

    assert rows["worst"].worst is Severity.CRITICAL
    assert rows["worst"].behaviour is Behaviour.NO


@each_rule
def test_every_rule_is_explained_on_one_screen(rule: Rule) -> None:
    lines = explain.render(rule.id, ALL).splitlines()

    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("capability", capabilities.ALL, ids=lambda c: c.name)
def test_every_capability_is_explained_on_one_screen(
    capability: capabilities.Capability,
) -> None:
    lines = explain.render(capability.name, ALL).splitlines()

    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80


def test_the_rulebook_is_current() -> None:
    page = (ROOT / "docs" / "rules.md").read_text("utf-8")

    assert page == rulebook.render(ALL), "run `make docs` to write it anew"
