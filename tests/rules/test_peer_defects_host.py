"""Where docker-bench-security is wrong about a host: rows of a table of 25 of its defects."""

from collections.abc import Mapping
from datetime import date

import pytest

from hullward import flow, judge
from hullward.collect import collector, daemon, engine_facts, files, host
from hullward.collect.bundle import Said
from hullward.model.daemon import Daemon
from hullward.model.facts import Engine, Network, Snapshot
from hullward.model.files import Files
from hullward.model.host import Host
from hullward.model.report import Outcome
from hullward.model.severity import Severity
from hullward.model.users import Group, Users
from hullward.rules import ALL, profiles

LOOK = "2026-11-24T00:00:00Z"


class Answered:
    """An answer of the engine."""

    ok, status, problem = True, 200, ""

    def __init__(self, body: str) -> None:
        self.body = body.encode()


def engine(info: str, version: str = '{"Version": "29.1.0"}') -> Engine:
    found = engine_facts.engine(Answered(version), Answered(info), "1.52", {})
    assert found is not None
    return found


def outcomes(snapshot: Snapshot) -> Mapping[str, Outcome]:
    report = judge.judge(snapshot, ALL, (), date(2026, 11, 24))
    return {verdict.rule: verdict.outcome for verdict in report.verdicts}


def settled(text: str, arguments: str = "/usr/bin/dockerd\n") -> Daemon:
    """Give what the collector makes of a daemon.json."""
    stat = "stat S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 11 0 9000 0 0\n"
    said = (
        f"clock 1000 100\n== 7 same 0\n{stat}-- arguments\n{arguments}"
        f"-- file 1000 /etc/docker/daemon.json\n-- text\n{text}\nend\n"
    )
    found = daemon.parse({"dockerd": Said(said)})
    assert isinstance(found, Daemon)
    return found


def test_1_settings_of_the_file_are_judged_right_under_any_shell() -> None:
    text = """{"icc": false, "iptables": false, "insecure-registries": ["reg:5000"],
               "userns-remap": "default", "authorization-plugins": ["opa"]}"""
    info = """{"SecurityOptions": ["name=userns"], "Plugins": {"Authorization": ["opa"]},
               "RegistryConfig": {"InsecureRegistryCIDRs": ["127.0.0.0/8", "::1/128"],
                 "IndexConfigs": {"docker.io": {"Secure": true}, "reg:5000": {"Secure": false}}}}"""

    found = outcomes(
        Snapshot(
            "web",
            LOOK,
            engine(info),
            networks=(Network("bridge", talk=False),),
            host=Host(daemon=settled(text)),
        )
    )

    assert found["network-bridge-icc"] is Outcome.PASS
    assert found["daemon-iptables-off"] is Outcome.FAIL
    assert found["daemon-insecure-registry"] is Outcome.FAIL
    assert found["daemon-userns-off"] is Outcome.PASS
    assert found["daemon-no-authorization"] is Outcome.PASS


def test_2_tcp_with_tlsverify_in_the_file_is_verified() -> None:
    text = """{"hosts": ["unix:///run/docker.sock", "tcp://0.0.0.0:2376"], "tlsverify": true,
               "tlskey": "/etc/docker/key.pem"}"""
    open_text = text.replace('"tlsverify": true', '"tls": true')

    found = [
        outcomes(Snapshot("web", LOOK, engine("{}"), host=Host(daemon=settled(each))))
        for each in (text, open_text)
    ]

    assert found[0]["daemon-api-exposed"] is Outcome.PASS
    assert found[1]["daemon-api-exposed"] is Outcome.FAIL


@pytest.mark.parametrize(
    ("built", "version", "outcome"),
    [
        ("2025-04-18T09:52:10.000000000+00:00", "28.1.1", Outcome.FAIL),
        ("2026-10-30T09:52:10.000000000+00:00", "29.9.0", Outcome.PASS),
        ("2025-04-18T09:52:10.000000000+00:00", "26.1.5+dfsg1", Outcome.UNKNOWN),
        ("", "28.1.1", Outcome.UNKNOWN),
    ],
)
def test_15_an_engine_of_april_2025_is_old_in_november_2026(
    built: str, version: str, outcome: Outcome
) -> None:
    about = f'{{"Version": "{version}", "BuildTime": "{built}"}}'

    found = outcomes(Snapshot("web", LOOK, engine("{}", about)))

    assert found["daemon-outdated"] is outcome


@pytest.mark.parametrize(
    ("option", "outcome"),
    [
        ("name=seccomp,profile=builtin", Outcome.PASS),
        ("name=seccomp,profile=default", Outcome.PASS),
        ("name=seccomp,profile=unconfined", Outcome.FAIL),
        ("name=cgroupns", Outcome.FAIL),
    ],
)
def test_16_the_builtin_seccomp_profile_passes(option: str, outcome: Outcome) -> None:
    found = outcomes(Snapshot("web", LOOK, engine(f'{{"SecurityOptions": ["{option}"]}}')))

    assert found["daemon-seccomp"] is outcome


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        ("8192", Outcome.FAIL),  # 622
        ("8186", Outcome.FAIL),  # 606
        ("817f", Outcome.FAIL),  # 577
        ("81a4", Outcome.PASS),  # 644
        ("8180", Outcome.PASS),  # 600
    ],
)
def test_17_modes_are_compared_bit_by_bit(mode: str, outcome: Outcome) -> None:
    said = f"{mode} 0 0 root root /etc/docker/daemon.json\nend\n"
    read = files.parse({"files": Said(said)})
    assert isinstance(read, Files)

    found = outcomes(Snapshot("web", LOOK, engine("{}"), host=Host(files=read)))

    assert found["files-settings-writable"] is outcome


@pytest.mark.parametrize(
    ("managers", "outcome"), [(10, Outcome.FAIL), (1, Outcome.FAIL), (3, Outcome.PASS)]
)
def test_18_managers_are_counted_and_not_leaders(managers: int, outcome: Outcome) -> None:
    node = '{"Spec": {"Role": "manager"}}'
    worker = '{"Spec": {"Role": "worker"}}'
    swarm = engine_facts.swarm(
        Answered('{"Spec": {}}'), Answered(f"[{','.join([node] * managers + [worker])}]"), {}
    )
    info = '{"Swarm": {"LocalNodeState": "active", "ControlAvailable": true}}'

    found = outcomes(Snapshot("web", LOOK, engine(info), swarm=swarm))

    assert found["swarm-manager-count"] is outcome


def test_19_the_profile_of_level_1_asks_of_every_section() -> None:
    refs = {ref for rule in profiles.apply("cis-1", ALL) for ref in rule.refs}

    assert {"cis-docker:2.5", "cis-docker:3.1", "cis-docker:5.5", "cis-docker:7.1"} <= refs


def test_21_every_member_of_the_docker_group_is_named_and_nobody_else() -> None:
    users = Users(
        accounts=(),
        groups=(Group("docker", 998, ("ann", "bob")), Group("dockerroot", 997, ("eve",))),
        sockets=(),
    )
    snapshot = Snapshot("web", LOOK, engine("{}"), host=Host(users=users))

    report = judge.judge(snapshot, ALL, (), date(2026, 11, 24))
    said = next(v.evidence for v in report.verdicts if v.rule == "users-docker-group")

    assert "ann, bob" in said
    assert "eve" not in said


def test_22_the_log_driver_none_fails() -> None:
    none = outcomes(Snapshot("web", LOOK, engine('{"LoggingDriver": "none"}')))
    far = outcomes(Snapshot("web", LOOK, engine('{"LoggingDriver": "syslog"}')))

    assert (none["daemon-no-log"], far["daemon-no-log"]) == (Outcome.FAIL, Outcome.PASS)
    assert far["daemon-log-on-host"] is Outcome.PASS


def test_24_files_of_this_machine_are_not_taken_for_those_of_a_remote_engine() -> None:
    remote = Snapshot("web", LOOK, Engine("29", name="remote", kernel="6.1"))
    answers = {
        "identity": Said("0\n6.1\nlaptop\n"),
        "files": Said("8192 0 0 root root /etc/docker/daemon.json\nend\n"),
    }

    found = flow.joined(remote, answers, "not asked")
    judged = outcomes(found)

    assert found.host is None
    assert "the engine runs on remote" in found.gaps["host"]
    assert judged["files-settings-writable"] is Outcome.UNKNOWN
    assert judged["daemon-log-level"] is Outcome.UNKNOWN


def test_24_another_daemon_of_the_same_machine_is_not_taken_either() -> None:
    other = Daemon(7, 0, "/srv/other", {}, settings={"iptables": False})
    snapshot = Snapshot("web", LOOK, Engine("29", root_directory="/var/lib/docker"))

    found = outcomes(Snapshot("web", LOOK, snapshot.engine, host=Host(daemon=other, files=Files())))

    assert found["daemon-iptables-off"] is Outcome.UNKNOWN


def test_25_the_collector_writes_no_file() -> None:
    text = collector.script(host.QUESTIONS)

    assert "/tmp" not in text  # noqa: S108 - searched for


def test_severity_is_for_people_and_not_for_the_benchmark() -> None:
    grades = {rule.id: rule.severity for rule in ALL}

    assert grades["host-audit-rule"] is Severity.INFO
    assert grades["daemon-default-ulimit"] is Severity.INFO
    assert grades["files-settings-writable"] is Severity.CRITICAL
    assert grades["files-tls-key"] is Severity.HIGH
