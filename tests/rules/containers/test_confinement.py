import pytest

from builders import NEW_PRIVILEGES_OFF, Facts, ask, best, engine, evidence, fail, process, reasons
from hullward.model.facts import Container
from hullward.model.rule import Fail
from hullward.model.severity import Severity
from hullward.rules.containers.confinement import (
    apparmor_unconfined,
    kernel_setting,
    seccomp_unconfined,
    selinux_disabled,
    unmasked_paths,
)

SECCOMP = ("name=seccomp,profile=builtin",)
SELINUX = ("name=selinux", "name=seccomp,profile=builtin")


@pytest.mark.parametrize(
    ("facts", "options", "said"),
    [
        pytest.param(
            {"privileged": True}, SECCOMP, "privileged switches seccomp off", id="privileged"
        ),
        pytest.param(
            {"security_opt": ("seccomp=unconfined",)},
            SECCOMP,
            "SecurityOpt has seccomp=unconfined",
            id="unconfined",
        ),
        pytest.param(
            {"security_opt": ("seccomp:unconfined",)},
            SECCOMP,
            "SecurityOpt has seccomp=unconfined",
            id="with the old colon",
        ),
        pytest.param(
            {"security_opt": ("seccomp=builtin", "seccomp=unconfined")},
            SECCOMP,
            "SecurityOpt has seccomp=unconfined",
            id="the last one wins",
        ),
        pytest.param(
            {"security_opt": ("seccomp=custom",), "seccomp_default_action": "SCMP_ACT_ALLOW"},
            SECCOMP,
            "its own profile's default action is SCMP_ACT_ALLOW",
            id="a profile that allows",
        ),
        pytest.param(
            {"security_opt": ("seccomp=custom",), "seccomp_default_action": "SCMP_ACT_LOG"},
            SECCOMP,
            "its own profile's default action is SCMP_ACT_LOG",
            id="a profile that only logs",
        ),
        pytest.param(
            {"processes": (process(), process(7, "sh", seccomp=0))},
            SECCOMP,
            "the kernel shows no filter on sh (7)",
            id="the kernel's word",
        ),
        pytest.param({}, (), "the engine has no seccomp", id="an engine without it"),
        pytest.param(
            {},
            ("name=seccomp,profile=unconfined",),
            "the engine's own default is seccomp unconfined",
            id="the engine's default",
        ),
    ],
)
def test_seccomp_unconfined_fires_for_every_way_to_be_without(
    facts: Facts, options: tuple[str, ...], said: str
) -> None:
    container = Container("web", **facts)

    answer = fail(ask(seccomp_unconfined, container, engine=engine(security_options=options)))

    assert (answer.evidence, answer.severity) == (said, None)


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({}, id="the engine's profile"),
        pytest.param({"security_opt": ("seccomp=unconfined", "seccomp=builtin")}, id="last wins"),
        pytest.param(
            {"security_opt": ("seccomp=custom",), "seccomp_default_action": "SCMP_ACT_ERRNO"},
            id="a profile that refuses",
        ),
        pytest.param({"processes": (process(),)}, id="the kernel shows a filter"),
    ],
)
def test_seccomp_unconfined_is_silent_behind_a_filter(facts: Facts) -> None:
    assert ask(seccomp_unconfined, Container("web", **facts)) == []


def test_seccomp_unconfined_is_unknown_where_the_engine_does_not_say() -> None:
    gone = engine(security_options=None)

    assert reasons(ask(seccomp_unconfined, Container("web"), engine=None)) == [
        "the engine's profile is not known"
    ]
    assert reasons(
        ask(seccomp_unconfined, Container("web"), engine=gone, gaps={"info": "/info: refused"})
    ) == ["/info: refused"]


def test_seccomp_unconfined_is_unknown_for_an_engines_own_profile() -> None:
    own = engine(security_options=("name=seccomp,profile=/etc/docker/seccomp.json",))

    assert reasons(ask(seccomp_unconfined, Container("web"), engine=own)) == [
        "the engine's default is a profile of its own, which was not read"
    ]
    assert ask(seccomp_unconfined, Container("web", processes=(process(),)), engine=own) == []


def test_seccomp_unconfined_is_unknown_for_a_profile_that_cannot_be_read() -> None:
    answers = ask(seccomp_unconfined, Container("web", security_opt=("seccomp=custom",)))

    assert reasons(answers) == ["the default action of its own profile could not be read"]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param(
            {"apparmor_profile": "unconfined"}, "its AppArmor profile is unconfined", id="profile"
        ),
        pytest.param(
            {"security_opt": ("apparmor=unconfined",)},
            "its AppArmor profile is unconfined",
            id="option",
        ),
        pytest.param({"privileged": True}, "privileged switches AppArmor off", id="privileged"),
    ],
)
def test_apparmor_unconfined_fires_where_the_engine_has_it(facts: Facts, said: str) -> None:
    assert evidence(ask(apparmor_unconfined, Container("web", **facts))) == [said]


def test_apparmor_unconfined_is_silent_for_a_profile_or_without_apparmor() -> None:
    without = engine(security_options=SECCOMP)

    assert ask(apparmor_unconfined, best()) == []
    assert ask(apparmor_unconfined, Container("web", privileged=True), engine=without) == []


def test_apparmor_unconfined_is_unknown_where_the_engine_does_not_say() -> None:
    assert reasons(ask(apparmor_unconfined, Container("web"), engine=None)) == [
        "whether the engine has AppArmor is not known"
    ]


@pytest.mark.parametrize(
    ("facts", "options", "expected"),
    [
        pytest.param(
            {"security_opt": ("label=disable",)},
            SELINUX,
            ("SecurityOpt has label=disable", None),
            id="disabled",
        ),
        pytest.param(
            {"security_opt": ("label:disable", "label:type:svirt_t")},
            SELINUX,
            ("SecurityOpt has label=disable", None),
            id="disabled among others, which add up",
        ),
        pytest.param(
            {"security_opt": ("disable",)},
            SELINUX,
            ("SecurityOpt has label=disable", None),
            id="the bare word",
        ),
        pytest.param(
            {"security_opt": ("label=disable",)},
            SECCOMP,
            ("SecurityOpt has label=disable, on an engine without SELinux", Severity.INFO),
            id="without effect",
        ),
        pytest.param(
            {"security_opt": ("label=disable",)},
            None,
            ("SecurityOpt has label=disable", None),
            id="on an engine that does not say",
        ),
        pytest.param(
            {"privileged": True},
            SELINUX,
            ("privileged switches SELinux separation off", None),
            id="privileged",
        ),
    ],
)
def test_selinux_disabled_fires_where_separation_is_lost(
    facts: Facts, options: tuple[str, ...] | None, expected: tuple[str, Severity | None]
) -> None:
    container = Container("web", **facts)

    answer = fail(ask(selinux_disabled, container, engine=engine(security_options=options)))

    assert (answer.evidence, answer.severity) == expected


def test_selinux_disabled_is_silent_otherwise() -> None:
    labelled = Container("web", security_opt=("label=type:svirt_t", *NEW_PRIVILEGES_OFF))

    assert ask(selinux_disabled, labelled, engine=engine(security_options=SELINUX)) == []
    assert ask(selinux_disabled, Container("web", privileged=True)) == []


@pytest.mark.parametrize(
    ("facts", "severity", "left_out"),
    [
        pytest.param(
            {"masked_paths": (), "readonly_paths": ()},
            None,
            "/proc/sys, /proc/sysrq-trigger, /proc/kcore",
            id="systempaths=unconfined, root",
        ),
        pytest.param(
            {"masked_paths": (), "readonly_paths": (), "uid": 1000},
            Severity.HIGH,
            "/proc/sys, /proc/sysrq-trigger, /proc/kcore",
            id="systempaths=unconfined, not root",
        ),
        pytest.param(
            {"readonly_paths": ("/proc/bus", "/proc/sysrq-trigger")},
            None,
            "/proc/sys",
            id="a list of its own",
        ),
        pytest.param({"masked_paths": ()}, Severity.HIGH, "/proc/kcore", id="only to be read"),
    ],
)
def test_unmasked_paths_is_graded_by_who_can_write_what(
    facts: Facts, severity: Severity | None, left_out: str
) -> None:
    answer = fail(ask(unmasked_paths, Container("web", **facts)))

    assert answer.severity is severity
    assert answer.evidence == f"MaskedPaths and ReadonlyPaths leave out {left_out}"


def test_unmasked_paths_is_silent_for_the_engines_lists_and_for_none() -> None:
    usual = Container(
        "web",
        masked_paths=("/proc/acpi", "/proc/kcore", "/proc/keys"),
        readonly_paths=("/proc/bus", "/proc/fs", "/proc/sys", "/proc/sysrq-trigger"),
    )

    assert ask(unmasked_paths, usual) == []
    assert ask(unmasked_paths, Container("web")) == []


def test_kernel_setting_grades_routed_loopback_above_the_rest() -> None:
    sysctls = {
        "net.ipv4.conf.all.route_localnet": "1",
        "kernel.msgmax": "65536",
        "kernel.shmmax": "1",
        "net.core.somaxconn": "1024",
        "net.ipv4.conf.eth0.route_localnet": "0",
    }

    answers = ask(kernel_setting, Container("web", sysctls=sysctls))

    assert answers == [
        Fail(
            "sysctl kernel.msgmax=65536",
            remedy="Run web anew without: --sysctl kernel.msgmax=65536",
        ),
        Fail(
            "sysctl net.ipv4.conf.all.route_localnet=1",
            Severity.MEDIUM,
            "Run web anew without: --sysctl net.ipv4.conf.all.route_localnet=1",
        ),
    ]
