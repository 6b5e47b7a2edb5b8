"""Facts about all rules at once: their ids, their pages, and what sets them off."""

import re
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from msgspec.structs import replace

import machines
import written
from builders import engine, process, snapshot
from hullward import judge
from hullward.model import capabilities
from hullward.model.facts import (
    Container,
    Device,
    Exec,
    FileCapability,
    History,
    Image,
    ImageFiles,
    Listener,
    Mount,
    Network,
    OwnedFile,
    Plugin,
    Port,
    Snapshot,
    Swarm,
    UnusedImages,
    Written,
)
from hullward.model.report import Behaviour, Outcome
from hullward.model.rule import ContainerRule, Rule
from hullward.model.severity import Severity
from hullward.model.system import System
from hullward.report import explain, rulebook
from hullward.rules import ALL
from hullward.rules.compose.rule import ProjectRule, ServiceRule, TextRule
from hullward.rules.dockerfiles import DockerfileRule
from scenes import in_order

ROOT = Path(__file__).parents[2]
AREAS = {
    "compose", "container", "daemon", "dockerfile", "files", "firewall", "host", "image", "network",
    "ssh", "swarm", "users",
}  # fmt: skip
# A provider's firewall cannot be seen from inside, so this one only ever passes or does not know.
# What was not read of a project is unknown.
NEVER_FAILS = {"compose-incomplete", "firewall-none"}
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
        written={WORST.id: Written(replace(WORST, privileged=False))},
        engine=engine(
            security_options=("name=selinux", "name=userns"),
            components={"runc": "1.0.0", "containerd": "1.2.0", "Engine": "19.03.0"},
            warnings=("WARNING: API is accessible on http://0.0.0.0:2375 without encryption.",),
            swarm="active",
            manager=True,
            live_restore=False,
            built="2024-01-01T00:00:00Z",
            log_driver="none",
            experimental=True,
            storage_driver="aufs",
            insecure_registries=("reg:5000",),
            authorization=(),
            pools=(("8.8.0.0/16", 24),),
        ),
        plugins=(Plugin("p", enabled=True, all_devices=True),),
        images={
            "old": Image(
                "old",
                created="2020-01-01T00:00:00Z",
                environment=("API_TOKEN",),
                history=History(("a URL",), 1, ("BUILD_SECRET",)),
                files=ImageFiles(
                    setuid=(OwnedFile("/bin/su", 0),),
                    capabilities=(FileCapability("/bin/ping", ("NET_RAW",)),),
                ),
            )
        },
        unused_images=UnusedImages(3, 10**9),
        networks=(
            Network("bridge", gateway_modes=("nat-unprotected",)),
            Network("over", "overlay", encrypted=False),
        ),
        swarm=Swarm(
            autolock=False, certificate_days=375, root_expires="2027-01-01", managers=2, nodes=4
        ),
        host=machines.worst(),
    )


def unconfined() -> Snapshot:
    """Describe a host with AppArmor for the rule on it, whose engine logs and restarts badly."""
    big = Container("big", memory=1 << 40)
    return snapshot(
        WORST,
        big,
        engine=engine(security_options=("name=apparmor",), log_driver="json-file"),
        host=machines.worst(),
    )


def naked() -> Snapshot:
    """Describe an engine without any confinement, on a machine whose rules were deleted."""
    return snapshot(
        Container("mail", networks=("bridge",), ports=(Port(80, "tcp", machines.ANY4, 8081),)),
        engine=engine(security_options=(), live_restore=False, log_driver="json-file"),
        host=machines.wiped(),
    )


def neighbourly() -> Snapshot:
    """Describe a large host whose engine leaves the loopback address to its neighbours."""
    roomy = replace(machines.best().system or System(), memory=1 << 38, available=1 << 38, load=9)
    disks = tuple(replace(f, size=1 << 40, used=0) for f in roomy.filesystems or ())
    port = Port(80, "tcp", "127.0.0.1", 8081)
    return snapshot(
        Container("inner", networks=("bridge",), ports=(port,)),
        engine=engine(version="27.5.1"),
        host=replace(machines.best(), system=replace(roomy, filesystems=disks)),
    )


SCENES = (worst, unconfined, naked, neighbourly)


@cache
def everything_that_fails() -> frozenset[str]:
    running = (failed(scene()) for scene in SCENES)
    files = (
        written.failed(written.WORST, base_yaml=written.BASE),
        written.failed(written.FLAT),
        written.failed(written.BUILT, Dockerfile=written.DOCKERFILE),
    )
    return frozenset().union(*running, *files)


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
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", rule.id)
    assert rule.area in AREAS
    assert (rule.area == "container") is isinstance(rule, ContainerRule)
    assert (rule.area == "compose") is isinstance(rule, ServiceRule | ProjectRule | TextRule)
    assert (rule.area == "dockerfile") is isinstance(rule, DockerfileRule)


@each_rule
def test_every_field_of_a_rules_page_is_written(rule: Rule) -> None:
    for text in (rule.title, rule.rationale):
        assert text == " ".join(text.split())
        assert len(text) >= 10
    for line in rule.remedy.split("\n"):
        assert line == line.strip()
        assert len(line) >= 10
    assert rule.rationale.endswith(".")
    assert not rule.title.endswith(".")
    assert isinstance(rule.refs, tuple)
    assert all(len(ref) >= 6 for ref in rule.refs)
    assert rule.refs


@each_rule
def test_every_rule_fires_where_everything_is_wrong(rule: Rule) -> None:
    assert rule.id in everything_that_fails() | NEVER_FAILS


def test_no_rule_breaks_where_everything_is_wrong() -> None:
    for host in (*(scene() for scene in SCENES), snapshot(WORST, engine=None, plugins=None)):
        outcomes = {v.outcome for v in judge.judge(host, ALL, (), TODAY).verdicts}

        assert Outcome.BROKEN not in outcomes


def test_only_that_it_runs_as_root_is_said_of_a_host_in_order() -> None:
    report = judge.judge(in_order(), ALL, (), TODAY)

    assert [(v.rule, v.outcome) for v in report.verdicts if v.outcome is not Outcome.PASS] == [
        ("daemon-rootful", Outcome.FAIL)
    ]
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
