from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from msgspec.structs import replace

from hullward.model.daemon import Daemon, Unit
from hullward.model.facts import Engine, Network, Snapshot
from hullward.model.host import Host
from hullward.model.rule import EngineRule, Fail, HostRule, Unknown
from hullward.model.severity import Severity
from hullward.rules import daemon as doors
from hullward.rules import daemon_engine, daemon_logs, daemon_settings, daemon_start

FLAGS: Mapping[str, tuple[str, ...]] = {"host": ("fd://",)}


def looked(
    settings: Mapping[str, Any] | None = MappingProxyType({}),
    flags: Mapping[str, tuple[str, ...]] | None = FLAGS,
    **daemon: object,
) -> Snapshot:
    found = Daemon(700, 0, "/var/lib/docker", flags, 1000, settings=settings)
    engine = Engine(
        "29.1.0",
        root_directory="/var/lib/docker",
        security_options=("name=seccomp,profile=builtin", "name=cgroupns"),
        built="2026-11-01T00:00:00Z",
        log_driver="json-file",
        live_restore=False,
        experimental=False,
        storage_driver="overlayfs",
        insecure_registries=(),
        authorization=(),
    )
    return Snapshot(
        "web",
        "2026-11-24T00:00:00Z",
        engine,
        networks=(Network("bridge"),),
        host=Host(daemon=replace(found, **daemon)),
    )


def with_engine(snapshot: Snapshot, **changes: object) -> Snapshot:
    assert snapshot.engine is not None
    return replace(snapshot, engine=replace(snapshot.engine, **changes))


def said(rule: HostRule | EngineRule, snapshot: Snapshot) -> list[str]:
    return [a.evidence if isinstance(a, Fail) else a.reason for a in answers(rule, snapshot)]


def answers(rule: HostRule | EngineRule, snapshot: Snapshot) -> list[Fail | Unknown]:
    if isinstance(rule, EngineRule):
        return list(rule.check(snapshot))
    assert snapshot.host is not None
    return list(rule.check(snapshot.host, snapshot))


HOST_RULES = (
    daemon_settings.log_level,
    daemon_settings.iptables_off,
    daemon_settings.default_ulimit,
    daemon_settings.cgroup_parent,
    daemon_settings.userland_proxy,
    daemon_logs.log_unbounded,
    daemon_start.conflict,
    daemon_start.running_differs,
    daemon_start.options_ignored,
)
ENGINE_RULES = (
    daemon_engine.rootful,
    daemon_engine.userns_off,
    daemon_engine.insecure_registry,
    daemon_engine.no_authorization,
    daemon_engine.new_privileges,
    daemon_engine.live_restore,
    daemon_engine.seccomp,
    daemon_engine.experimental,
    daemon_engine.outdated,
    daemon_logs.no_log,
    daemon_logs.log_on_host,
    daemon_settings.storage_driver,
    daemon_settings.address_pools,
)


@pytest.mark.parametrize("rule", HOST_RULES)
def test_a_daemon_that_is_not_the_audited_one_is_unknown(rule: HostRule) -> None:
    snapshot = looked(root="/srv/other")

    found = answers(rule, snapshot)

    assert found
    assert all(isinstance(answer, Unknown) for answer in found)


@pytest.mark.parametrize("rule", HOST_RULES)
def test_settings_that_could_not_be_read_are_unknown(rule: HostRule) -> None:
    snapshot = looked(
        flags=None, settings=None, options=None, gaps={"flags": "no", "settings": "no"}
    )

    found = answers(rule, snapshot)

    assert found
    assert all(isinstance(answer, Unknown) for answer in found)


@pytest.mark.parametrize("rule", ENGINE_RULES)
def test_an_engine_that_could_not_be_read_is_unknown(rule: EngineRule) -> None:
    for snapshot in (
        Snapshot("web", gaps={"info": "no", "version": "no"}),
        replace(with_engine(looked(), built=""), gaps={"info": "403"}),
    ):
        found = answers(rule, snapshot)

        assert found
        assert all(isinstance(answer, Unknown) for answer in found)


@pytest.mark.parametrize(
    ("rule", "settings", "evidence"),
    [
        (daemon_settings.log_level, {"log-level": "debug"}, "log-level is 'debug'"),
        (daemon_settings.log_level, {"debug": True}, "debug is true"),
        (daemon_settings.log_level, {"log-level": "fatal"}, "log-level is 'fatal'"),
        (daemon_settings.iptables_off, {"iptables": False}, "iptables is false"),
        (daemon_settings.iptables_off, {"ip6tables": False}, "ip6tables is false"),
        (daemon_settings.cgroup_parent, {"cgroup-parent": "/mine"}, "cgroup-parent is '/mine'"),
        (daemon_settings.default_ulimit, {}, "default-ulimits is not set"),
        (daemon_settings.default_ulimit, {"default-ulimits": []}, "default-ulimits is not set"),
        (daemon_settings.userland_proxy, {}, "userland-proxy is on"),
        (daemon_settings.userland_proxy, {"userland-proxy": True}, "userland-proxy is on"),
        (daemon_logs.log_unbounded, {}, "log-opts has no max-size"),
        (daemon_logs.log_unbounded, {"log-opts": {"max-file": "3"}}, "log-opts has no max-size"),
        (daemon_logs.log_unbounded, {"log-opts": {"max-size": "-1"}}, "log-opts has no max-size"),
    ],
)
def test_a_setting_of_the_file_fails(
    rule: HostRule, settings: Mapping[str, Any], evidence: str
) -> None:
    found = answers(rule, looked(settings))

    assert len(found) == 1
    assert isinstance(found[0], Fail)
    assert evidence in found[0].evidence


@pytest.mark.parametrize(
    ("rule", "settings"),
    [
        (daemon_settings.log_level, {"log-level": "info", "debug": False}),
        (daemon_settings.log_level, {}),
        (daemon_settings.iptables_off, {"iptables": True}),
        (daemon_settings.cgroup_parent, {"cgroup-parent": "docker"}),
        (daemon_settings.default_ulimit, {"default-ulimits": ["nofile"]}),
        (daemon_settings.userland_proxy, {"userland-proxy": False}),
        (daemon_logs.log_unbounded, {"log-opts": {"max-size": "10m"}}),
        (daemon_start.conflict, {"icc": False}),
        (daemon_start.conflict, {"hosts": ["unix:///run/docker.sock"], "runtimes": None}),
    ],
)
def test_a_setting_of_the_file_passes(rule: HostRule, settings: Mapping[str, Any]) -> None:
    flags = {} if "hosts" in settings else {**FLAGS, "add-runtime": ("***",)}

    assert said(rule, looked(settings, flags)) == []


def test_a_flag_counts_as_the_file_does() -> None:
    flags = {"log-level": ("debug",), "log-opt": ("tag=***", "max-size=10m"), "iptables": ("0",)}
    snapshot = looked({}, flags)

    assert said(daemon_settings.log_level, snapshot) == ["log-level is 'debug' (--log-level)"]
    assert said(daemon_settings.iptables_off, snapshot) == ["iptables is false (--iptables)"]
    assert said(daemon_logs.log_unbounded, snapshot) == []


def test_another_log_driver_needs_no_limit() -> None:
    assert said(daemon_logs.log_unbounded, with_engine(looked(), log_driver="local")) == []


def test_a_key_that_is_a_flag_too_stops_the_next_start() -> None:
    snapshot = looked({"hosts": ["tcp://[::1]:2376"], "icc": False}, {"host": ("fd://",)})

    assert said(daemon_start.conflict, snapshot) == [
        "hosts is in /etc/docker/daemon.json, and --host is a flag of dockerd"
    ]


def test_a_file_that_is_no_json_stops_the_next_start() -> None:
    snapshot = looked(settings=None, broken="it is not JSON")

    assert said(daemon_start.conflict, snapshot) == ["/etc/docker/daemon.json: it is not JSON"]


def test_what_the_engine_contradicts_is_named() -> None:
    settings = {
        "icc": False,
        "live-restore": True,
        "log-driver": "json-file",
        "userns-remap": "default",
        "insecure-registries": ["http://reg:5000"],
    }

    found = answers(daemon_start.running_differs, looked(settings, written=1000))

    assert [(a.evidence, a.severity) for a in found if isinstance(a, Fail)] == [
        ("live-restore is true in /etc/docker/daemon.json, and false in effect", Severity.MEDIUM),
        ("icc is false in /etc/docker/daemon.json, and true in effect", Severity.MEDIUM),
        (
            "userns-remap is 'default' in /etc/docker/daemon.json, and remapping is not in effect",
            Severity.MEDIUM,
        ),
        (
            "insecure-registries has reg:5000 in /etc/docker/daemon.json, not in effect",
            Severity.MEDIUM,
        ),
    ]


def test_a_file_that_is_younger_than_the_daemon_is_named() -> None:
    settings = {"mtu": 1400}

    assert said(daemon_start.running_differs, looked(settings, written=1003)) == []
    assert said(daemon_start.running_differs, looked(settings, written=1000 + 7200)) == [
        "/etc/docker/daemon.json was changed 2 hours after dockerd had started"
    ]
    assert said(daemon_start.running_differs, looked(settings, started=0, written=1003)) == [
        "it is not known since when dockerd runs"
    ]


def test_options_count_only_where_the_unit_reads_them() -> None:
    unit = Unit("docker.service", "/lib/systemd/system/docker.service")
    deaf = looked(options=("DOCKER_OPTS",), units=(unit,))
    reading = looked(
        options=("DOCKER_OPTS",), units=(replace(unit, reads=("/etc/default/docker",)),)
    )

    assert said(daemon_start.options_ignored, deaf) == [
        "DOCKER_OPTS is set, and /lib/systemd/system/docker.service reads no such file"
    ]
    assert said(daemon_start.options_ignored, reading) == []
    assert said(daemon_start.options_ignored, looked(options=("DOCKER_OPTS",))) == [
        "the units of systemd were not read"
    ]


@pytest.mark.parametrize(
    ("rule", "changes", "evidence"),
    [
        (daemon_engine.rootful, {}, "SecurityOptions has no rootless"),
        (daemon_engine.userns_off, {}, "SecurityOptions has neither userns nor rootless"),
        (daemon_engine.insecure_registry, {"insecure_registries": ("reg",)}, "its check: reg"),
        (daemon_engine.no_authorization, {}, "no authorization plugin"),
        (daemon_engine.new_privileges, {}, "no no-new-privileges"),
        (daemon_engine.live_restore, {}, "LiveRestoreEnabled is false"),
        (daemon_engine.seccomp, {"security_options": ()}, "no seccomp"),
        (
            daemon_engine.seccomp,
            {"security_options": ("name=seccomp,profile=unconfined",)},
            "unconfined",
        ),
        (daemon_engine.experimental, {"experimental": True}, "ExperimentalBuild is true"),
        (daemon_logs.no_log, {"log_driver": "none"}, "'none'"),
        (daemon_logs.log_on_host, {}, "json-file"),
        (daemon_settings.storage_driver, {"storage_driver": "aufs"}, "aufs"),
        (
            daemon_settings.storage_driver,
            {"storage_driver": "devicemapper", "storage_status": {"Base Device Size": "10GB"}},
            "devicemapper, 10GB a disk",
        ),
        (daemon_settings.address_pools, {"pools": (("8.8.0.0/16", 24),)}, "8.8.0.0/16"),
    ],
)
def test_a_word_of_the_engine_fails(
    rule: EngineRule, changes: Mapping[str, Any], evidence: str
) -> None:
    found = answers(rule, with_engine(looked(), **changes))

    assert len(found) == 1
    assert isinstance(found[0], Fail)
    assert evidence in found[0].evidence


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        (daemon_engine.rootful, {"security_options": ("name=rootless",)}),
        (daemon_engine.userns_off, {"security_options": ("name=userns",)}),
        (daemon_engine.userns_off, {"security_options": ("name=rootless",)}),
        (daemon_engine.insecure_registry, {}),
        (daemon_engine.no_authorization, {"authorization": ("opa",)}),
        (daemon_engine.new_privileges, {"security_options": ("name=no-new-privileges",)}),
        (daemon_engine.live_restore, {"live_restore": True}),
        (daemon_engine.live_restore, {"swarm": "active"}),
        (daemon_engine.experimental, {}),
        (daemon_engine.outdated, {}),
        (daemon_logs.no_log, {}),
        (daemon_logs.log_on_host, {"log_driver": "splunk"}),
        (daemon_settings.storage_driver, {}),
        (daemon_settings.address_pools, {"pools": (("172.17.0.0/16", 16), ("fd00::/64", 80))}),
    ],
)
def test_a_word_of_the_engine_passes(rule: EngineRule, changes: Mapping[str, Any]) -> None:
    assert said(rule, with_engine(looked(), **changes)) == []


def test_a_pool_that_is_no_network_is_unknown() -> None:
    snapshot = with_engine(looked(), pools=(("here", 24),))

    assert said(daemon_settings.address_pools, snapshot) == ["the pool 'here' is no network"]


def test_an_open_port_is_found_in_flags_file_and_socket_unit() -> None:
    socket = Unit("docker.socket", active="active", listens=("/run/docker.sock", "[::]:2375"))

    by_flag = looked({}, {"host": ("fd://", "tcp://10.0.0.1:2375")})
    by_file = looked({"hosts": ["tcp://10.0.0.1:2375"]}, {})
    by_unit = looked(units=(socket,))

    assert said(doors.api_exposed, by_flag) == ["tcp://10.0.0.1:2375 without tlsverify (--host)"]
    assert said(doors.api_exposed, by_file) == [
        "tcp://10.0.0.1:2375 without tlsverify (/etc/docker/daemon.json)"
    ]
    assert said(doors.api_exposed, by_unit) == ["docker.socket of systemd listens on [::]:2375"]


def test_what_the_engine_warns_of_is_not_said_twice() -> None:
    snapshot = with_engine(
        looked({"hosts": ["tcp://10.0.0.1:2375"]}, {}),
        warnings=("WARNING: API is accessible on http://10.0.0.1:2375 without encryption.",),
    )

    assert said(doors.api_exposed, snapshot) == [
        "the engine warns: API on http://10.0.0.1:2375 without encryption"
    ]
