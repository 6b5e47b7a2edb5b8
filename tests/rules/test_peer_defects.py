"""What docker-bench-security gets wrong about containers: facts/audit-peers.md §1.9."""

from datetime import date

import pytest

from builders import Facts, ask, engine, evidence, fail, process, reasons, snapshot
from hullward import judge
from hullward.model.facts import Container, Image, Mount, Port
from hullward.model.report import Outcome
from hullward.model.severity import Severity
from hullward.rules import ALL
from hullward.rules.containers import (
    capability_sets,
    confinement,
    limits,
    mounts,
    ports,
    privileges,
)
from scenes import in_order


def outcomes(container: Container, rule: str) -> list[Outcome]:
    report = judge.judge(snapshot(container), ALL, (), date(2026, 11, 1))
    return [verdict.outcome for verdict in report.verdicts if verdict.rule == rule]


def test_row_3_no_container_is_skipped_for_its_name_as_docker_bench_does() -> None:
    host = snapshot(Container("vanilla", privileged=True), Container("nil"))

    report = judge.judge(host, ALL, (), date(2026, 11, 1))

    assert [row.name for row in report.rows] == ["nil", "vanilla"]
    assert {v.subject for v in report.verdicts} == {"vanilla", "nil", judge.ENGINE, judge.HOST}


@pytest.mark.parametrize("user", ["0:0", "root:root", "0", "root", "", "0:1000"])
def test_row_4_root_is_root_by_every_name_unlike_in_docker_bench(user: str) -> None:
    assert fail(ask(privileges.root, Container("web", user=user, uid=0))).evidence.endswith("uid 0")


@pytest.mark.parametrize("option", ["no-new-privileges:false", "no-new-privileges=0"])
def test_row_5_no_new_privileges_false_is_not_set_unlike_in_docker_bench(option: str) -> None:
    assert ask(privileges.new_privileges, Container("web", security_opt=(option,)))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("seccomp=unconfined",), []),
        (("label=disable",), ["SecurityOpt has label=disable"]),
        (("label:disable",), ["SecurityOpt has label=disable"]),
    ],
)
def test_row_6_only_a_label_says_something_of_selinux_unlike_in_docker_bench(
    options: tuple[str, ...], expected: list[str]
) -> None:
    container = Container("web", security_opt=options)
    host = engine(security_options=("name=selinux",))

    assert evidence(ask(confinement.selinux_disabled, container, engine=host)) == expected


def test_row_7_privileged_is_without_seccomp_unlike_in_docker_bench() -> None:
    assert evidence(ask(confinement.seccomp_unconfined, Container("web", privileged=True))) == [
        "privileged switches seccomp off"
    ]


@pytest.mark.parametrize(
    ("source", "writable", "severity"),
    [
        ("/", False, Severity.HIGH),
        ("/root", True, Severity.CRITICAL),
        ("/var/run", True, Severity.CRITICAL),
        ("/etc/cron.d", True, Severity.CRITICAL),
        ("/root", False, Severity.HIGH),
        ("/etc/../etc//cron.d/", True, Severity.CRITICAL),
    ],
)
def test_row_8_paths_below_and_above_and_read_only_count_unlike_in_docker_bench(
    source: str, *, writable: bool, severity: Severity
) -> None:
    container = Container("web", mounts=(Mount("bind", "/x", source, writable),))

    assert fail(ask(mounts.sensitive_bind, container)).severity is severity


def test_row_9_a_named_volume_at_a_sensitive_target_is_harmless_unlike_in_docker_bench() -> None:
    container = Container("web", mounts=(Mount("volume", "/etc", "", volume="conf"),))

    assert ask(mounts.sensitive_bind, container) == []


@pytest.mark.parametrize("source", ["/var/run", "/run", "/run/containerd/containerd.sock", "/"])
def test_row_10_every_way_to_the_engine_counts_unlike_in_docker_bench(source: str) -> None:
    container = Container("web", mounts=(Mount("bind", "/x", source, writable=False),))

    assert fail(ask(mounts.engine_socket, container)).severity is None


def test_row_11_a_port_on_all_of_ipv6_is_open_unlike_in_docker_bench() -> None:
    container = Container("web", ports=(Port(80, "tcp", "::", 8080),))

    assert evidence(ask(ports.published_everywhere, container)) == ["[::]:8080->80/tcp"]


def test_row_12_processes_that_nobody_saw_are_unknown_unlike_in_docker_bench() -> None:
    assert reasons(ask(ports.ssh_server, Container("distroless", processes_gap="no root here")))
    assert outcomes(Container("distroless"), "container-ssh-server") == [Outcome.UNKNOWN]


def test_row_12_an_sshd_that_the_kernel_shows_is_found_unlike_in_docker_bench() -> None:
    container = Container("distroless", processes=(process(name="sshd"),))

    assert outcomes(container, "container-ssh-server") == [Outcome.FAIL]


def test_row_13_a_web_server_can_be_clean_unlike_in_docker_bench() -> None:
    container = Container("web", image_id="i", ports=(Port(80, "tcp", "127.0.0.1", 8080),))
    images = {"i": Image("i", exposed=("80/tcp",))}

    for rule in (ports.published_everywhere, ports.undeclared_port, ports.privileged_port):
        assert ask(rule, container, images=images) == []


@pytest.mark.parametrize(("policy", "attempts"), [("always", 0), ("on-failure", 0)])
def test_row_14_a_restart_without_end_is_named_unlike_in_docker_bench(
    policy: str, attempts: int
) -> None:
    container = Container("web", restart=policy, restart_attempts=attempts)

    assert evidence(ask(limits.restart_always, container))


def test_row_16_the_builtin_seccomp_profile_passes_unlike_in_docker_bench() -> None:
    host = engine(security_options=("name=seccomp,profile=builtin",))

    assert ask(confinement.seccomp_unconfined, Container("web"), engine=host) == []


def test_row_22_a_container_without_a_log_is_named_unlike_in_docker_bench() -> None:
    assert evidence(ask(limits.no_log, Container("web", log_driver="none"))) == [
        "its log driver is none"
    ]


@pytest.mark.parametrize(
    ("facts", "dropped"),
    [({"cap_drop": ("ALL",)}, True), ({"cap_drop": ("all",)}, True), ({}, False)],
)
def test_row_23_dropped_capabilities_count_unlike_in_docker_bench(
    facts: Facts, *, dropped: bool
) -> None:
    answers = ask(capability_sets.default_capabilities, Container("web", **facts))

    assert (answers == []) is dropped


def test_a_host_can_be_clean_in_every_check_unlike_in_docker_bench() -> None:
    report = judge.judge(in_order(), ALL, (), date(2026, 11, 1))

    assert [v.rule for v in report.verdicts if v.outcome is not Outcome.PASS] == ["daemon-rootful"]
