import pytest

from builders import Facts, ask_engine, engine, evidence, reasons
from hullward.model.facts import Plugin
from hullward.model.rule import EngineRule
from hullward.rules import daemon, swarm

OPEN = (
    "WARNING: API is accessible on http://0.0.0.0:2375 without encryption.\n"
    "         Access to the remote API is equivalent to root access on the host."
)
UNVERIFIED = "WARNING: API is accessible on https://[::]:2376 without TLS client verification.\n"


def test_api_exposed_repeats_the_engines_own_warning() -> None:
    host = engine(warnings=("WARNING: No swap limit support", OPEN, UNVERIFIED))

    assert evidence(ask_engine(daemon.api_exposed, engine=host)) == [
        "the engine warns: API on http://0.0.0.0:2375 without encryption",
        "the engine warns: API on https://[::]:2376 without TLS client verification",
    ]


def test_api_exposed_is_silent_without_that_warning() -> None:
    host = engine(warnings=("WARNING: No swap limit support",))

    assert ask_engine(daemon.api_exposed, engine=host) == []


@pytest.mark.parametrize(
    "rule", [daemon.api_exposed, swarm.enabled, daemon.no_confinement], ids=lambda rule: rule.id
)
def test_rules_that_need_info_are_unknown_without_it(rule: EngineRule) -> None:
    without = engine(security_options=None)

    assert reasons(ask_engine(rule, engine=without, gaps={"info": "/info: refused"})) == [
        "/info: refused"
    ]
    assert reasons(ask_engine(rule, engine=None)) == ["the engine was not read"]


def test_escape_vulnerability_names_flaw_and_mend() -> None:
    host = engine(components={"Engine": "29.6.0", "runc": "1.1.11", "containerd": "1.4.2"})

    assert evidence(ask_engine(daemon.escape_vulnerability, engine=host)) == [
        "containerd 1.4.2 is older than the fix of CVE-2020-15257 (fixed in 1.3.9 and 1.4.3)",
        (
            "runc 1.1.11 is older than the fix of CVE-2024-21626 (fixed in 1.1.12), "
            "CVE-2025-31133 (fixed in 1.2.8 and 1.3.3 and 1.4.0-rc.3), "
            "CVE-2025-52565 (fixed in 1.2.8 and 1.3.3 and 1.4.0-rc.3), "
            "CVE-2025-52881 (fixed in 1.2.8 and 1.3.3 and 1.4.0-rc.3)"
        ),
    ]


def test_escape_vulnerability_is_silent_for_versions_of_today() -> None:
    assert ask_engine(daemon.escape_vulnerability) == []


def test_escape_vulnerability_is_unknown_for_a_distributions_build() -> None:
    host = engine(components={"Engine": "29.6.0", "runc": "1.1.15+ds1", "containerd": "1.7.24"})

    (reason,) = reasons(ask_engine(daemon.escape_vulnerability, engine=host))

    assert reason.startswith("runc 1.1.15+ds1 is older than the fix of CVE-2025-31133")
    assert reason.endswith("; its build may have it backported")


@pytest.mark.parametrize(
    ("components", "expected"),
    [
        pytest.param(
            {"Engine": "29.6.0", "containerd": "2.1.5"},
            ["the version of runc is not known ('')"],
            id="missing",
        ),
        pytest.param(
            {"Engine": "29.6.0", "containerd": "2.1.5", "runc": "N/A"},
            ["the version of runc is not known ('N/A')"],
            id="not a number",
        ),
    ],
)
def test_escape_vulnerability_is_unknown_without_a_version(
    components: dict[str, str], expected: list[str]
) -> None:
    host = engine(components=components)

    assert reasons(ask_engine(daemon.escape_vulnerability, engine=host)) == expected


def test_escape_vulnerability_is_unknown_without_an_engine() -> None:
    assert reasons(ask_engine(daemon.escape_vulnerability, engine=None)) == [
        "the engine was not read"
    ]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param({"capabilities": ("CAP_SYS_ADMIN",)}, "CAP_SYS_ADMIN", id="strong capability"),
        pytest.param({"capabilities": ("CAP_FUTURE",)}, "CAP_FUTURE", id="unknown capability"),
        pytest.param({"all_devices": True}, "all devices", id="devices"),
        pytest.param({"mounts": ("/etc", "/srv")}, "/etc", id="path of the host"),
        pytest.param({"mounts": ("/run/docker.sock",)}, "/run/docker.sock", id="socket"),
        pytest.param({"mounts": ("/mnt/engine/x",)}, "/mnt/engine/x", id="the engine's own files"),
    ],
)
def test_plugin_privileges_names_the_powers(facts: Facts, said: str) -> None:
    host = engine(root_directory="/mnt/engine")
    plugins = (Plugin("p", enabled=True, **facts),)

    answers = ask_engine(daemon.plugin_privileges, engine=host, plugins=plugins)

    assert evidence(answers) == [f"plugin p: {said}"]


@pytest.mark.parametrize(
    "plugin",
    [
        pytest.param(Plugin("p", enabled=False, all_devices=True), id="disabled"),
        pytest.param(Plugin("p", enabled=True, capabilities=("CAP_CHOWN",)), id="mild capability"),
        pytest.param(Plugin("p", enabled=True, mounts=("/srv", "/etc/localtime")), id="mild path"),
    ],
)
def test_plugin_privileges_is_silent_without_power(plugin: Plugin) -> None:
    assert ask_engine(daemon.plugin_privileges, plugins=(plugin,)) == []


def test_plugin_privileges_is_unknown_where_the_plugins_were_not_read() -> None:
    assert reasons(ask_engine(daemon.plugin_privileges, plugins=None)) == [
        "the plugins were not read"
    ]
    assert reasons(
        ask_engine(daemon.plugin_privileges, plugins=None, gaps={"plugins": "refused"})
    ) == ["refused"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("name=seccomp,profile=builtin",), ["SecurityOptions has neither apparmor nor selinux"]),
        ((), ["SecurityOptions has neither apparmor nor selinux"]),
        (("name=apparmor",), []),
        (("name=selinux",), []),
    ],
)
def test_no_confinement_fires_where_the_engine_has_neither(
    options: tuple[str, ...], said: list[str]
) -> None:
    host = engine(security_options=options)

    assert evidence(ask_engine(daemon.no_confinement, engine=host)) == said


@pytest.mark.parametrize(
    ("state", "said"),
    [("active", ["swarm is active"]), ("locked", ["swarm is locked"]), ("inactive", []), ("", [])],
)
def test_swarm_enabled_fires_for_a_node(state: str, said: list[str]) -> None:
    assert evidence(ask_engine(swarm.enabled, engine=engine(swarm=state))) == said
