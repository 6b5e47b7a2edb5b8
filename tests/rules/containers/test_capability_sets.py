import pytest

from builders import (
    NEW_PRIVILEGES_OFF,
    Facts,
    ask,
    best,
    engine,
    evidence,
    fail,
    mask,
    process,
    reasons,
)
from hullward.model import capabilities
from hullward.model.facts import Container
from hullward.model.rule import Fail, Unknown
from hullward.model.severity import Severity
from hullward.rules.containers.capability_sets import (
    dangerous_capability,
    dead_capability,
    default_capabilities,
    kernel_differs,
    raw_sockets,
)

FOURTEEN = ", ".join(sorted(capabilities.DEFAULT))
UNPRIVILEGED: Facts = {"user": "1000", "uid": 1000}
SHIELDED: Facts = {**UNPRIVILEGED, "security_opt": NEW_PRIVILEGES_OFF}


def test_default_capabilities_names_what_nobody_asked_for() -> None:
    answer = fail(
        ask(default_capabilities, Container("web", cap_drop=("NET_RAW",), cap_add=("CHOWN",)))
    )

    left = ", ".join(sorted(capabilities.DEFAULT - {"NET_RAW", "CHOWN"}))
    assert answer.evidence == f"12 default capabilities are left: {left}"
    assert answer.severity is None


def test_default_capabilities_are_low_for_a_user_that_cannot_gain_them() -> None:
    answer = fail(ask(default_capabilities, Container("web", **SHIELDED)))

    assert answer.severity is Severity.LOW
    assert answer.evidence.endswith("; its user is not root and cannot gain them")


def test_default_capabilities_stay_medium_while_a_user_may_gain_them() -> None:
    assert fail(ask(default_capabilities, Container("web", **UNPRIVILEGED))).severity is None


def test_default_capabilities_are_low_once_every_process_gave_them_up() -> None:
    gone = process(effective=0, permitted=0, bounding=0)

    answer = fail(ask(default_capabilities, Container("web", processes=(gone,))))

    assert answer.severity is Severity.LOW
    assert answer.evidence.endswith("; every process has given them up by itself")


def test_default_capabilities_fires_for_add_all_which_cap_drop_cannot_mend() -> None:
    answer = fail(ask(default_capabilities, Container("web", cap_add=("ALL",), cap_drop=("ALL",))))

    assert answer.evidence == f"14 default capabilities are left: {FOURTEEN}"
    assert answer.remedy == (
        "Run web anew without: --cap-add ALL\nRun web anew with: docker run --cap-drop ALL … ''"
    )


def test_default_capabilities_of_a_privileged_container_end_with_privileged() -> None:
    answer = fail(ask(default_capabilities, Container("web", privileged=True)))

    assert answer.remedy.startswith("Run web anew without: --privileged\n")


@pytest.mark.parametrize(
    ("add", "drop"),
    [
        pytest.param((), ("ALL",), id="all dropped"),
        pytest.param(("CHOWN", "cap_setuid"), ("all",), id="and some asked for"),
        pytest.param((), tuple(capabilities.DEFAULT), id="each dropped by name"),
    ],
)
def test_default_capabilities_is_silent_when_all_are_dropped(
    add: tuple[str, ...], drop: tuple[str, ...]
) -> None:
    assert ask(default_capabilities, Container("web", cap_add=add, cap_drop=drop)) == []


@pytest.mark.parametrize(
    ("facts", "severity"),
    [
        pytest.param({"cap_add": ("SYS_ADMIN",)}, Severity.CRITICAL, id="SYS_ADMIN"),
        pytest.param({"cap_add": ("CAP_DAC_READ_SEARCH",)}, Severity.CRITICAL, id="shocker"),
        pytest.param({"cap_add": ("ALL",)}, Severity.CRITICAL, id="ALL"),
        pytest.param({"privileged": True}, Severity.CRITICAL, id="privileged"),
        pytest.param({"cap_add": ("NET_ADMIN",)}, Severity.HIGH, id="NET_ADMIN alone"),
        pytest.param(
            {"cap_add": ("NET_ADMIN",), "network_mode": "host"},
            Severity.CRITICAL,
            id="NET_ADMIN on the host's network",
        ),
        pytest.param(
            {"cap_add": ("NET_ADMIN",), "network_mode": "container:host-net"},
            Severity.CRITICAL,
            id="NET_ADMIN on the host's network through another",
        ),
        pytest.param({"cap_add": ("SYS_PTRACE",)}, Severity.MEDIUM, id="SYS_PTRACE alone"),
        pytest.param(
            {"cap_add": ("SYS_PTRACE",), "pid_mode": "host"},
            Severity.CRITICAL,
            id="SYS_PTRACE with the host's processes",
        ),
        pytest.param(
            {"cap_add": ("SYS_PTRACE",), "pid_mode": "container:host-net"},
            Severity.HIGH,
            id="SYS_PTRACE with another container's processes",
        ),
        pytest.param(
            {"cap_add": ("SYS_PTRACE",), "pid_mode": "container:gone"},
            Severity.HIGH,
            id="SYS_PTRACE with processes out of sight",
        ),
        pytest.param({"cap_add": ("IPC_LOCK",)}, Severity.MEDIUM, id="IPC_LOCK"),
        pytest.param(
            {"cap_add": ("SYS_ADMIN",), **UNPRIVILEGED}, Severity.HIGH, id="only a setuid program"
        ),
        pytest.param({"cap_add": ("SYS_ADMIN",), **SHIELDED}, Severity.LOW, id="nobody can use it"),
        pytest.param(
            {
                "cap_add": ("SYS_ADMIN",),
                **SHIELDED,
                "processes": (process(uid=1000, permitted=mask("SYS_ADMIN")),),
            },
            Severity.CRITICAL,
            id="a process holds it whatever the user says",
        ),
        pytest.param(
            {"cap_add": ("SYS_ADMIN",), **SHIELDED, "processes": (process(uid=0, permitted=0),)},
            Severity.CRITICAL,
            id="a process is root whatever the user says",
        ),
        pytest.param(
            {"processes": (process(bounding=mask("SYS_MODULE")),)},
            Severity.CRITICAL,
            id="only the kernel shows it",
        ),
        pytest.param(
            {"processes": (process(bounding=1 << 45),)}, Severity.HIGH, id="one of tomorrow"
        ),
    ],
)
def test_dangerous_capability_is_graded_by_what_it_meets(facts: Facts, severity: Severity) -> None:
    other = Container("host-net", network_mode="host")

    answer = fail(ask(dangerous_capability, Container("web", **facts), other))

    assert answer.severity is severity


def test_dangerous_capability_lists_the_worst_first_and_why() -> None:
    container = Container("web", cap_add=("SYS_TIME", "NET_ADMIN", "CHOWN"), network_mode="host")

    assert fail(ask(dangerous_capability, container)).evidence == (
        "it is granted NET_ADMIN, SYS_TIME (on the host's network it rewrites the host's firewall "
        "and routes)"
    )


def test_dangerous_capability_says_what_dac_read_search_opens() -> None:
    assert evidence(ask(dangerous_capability, Container("web", cap_add=("DAC_READ_SEARCH",)))) == [
        "it is granted DAC_READ_SEARCH (open_by_handle_at(2) then reads any file of the host)"
    ]


def test_dangerous_capability_says_what_ptrace_reaches() -> None:
    container = Container("web", cap_add=("SYS_PTRACE",), pid_mode="host")

    assert evidence(ask(dangerous_capability, container)) == [
        "it is granted SYS_PTRACE (with the host's processes in sight it takes over any of them)"
    ]


@pytest.mark.parametrize(
    ("facts", "remedy"),
    [
        pytest.param({"cap_add": ("ALL",)}, "Run web anew without: --cap-add ALL", id="ALL"),
        pytest.param({"privileged": True}, "Run web anew without: --privileged", id="privileged"),
        pytest.param(
            {"cap_add": ("SYS_TIME", "SYS_ADMIN", "CHOWN")},
            "Run web anew without: --cap-add SYS_ADMIN --cap-add SYS_TIME",
            id="by name",
        ),
        pytest.param(
            {"processes": (process(bounding=mask("SYS_MODULE")),)},
            "End the process that holds it: docker top web",
            id="of a process alone",
        ),
    ],
)
def test_dangerous_capability_is_mended_where_it_comes_from(facts: Facts, remedy: str) -> None:
    assert fail(ask(dangerous_capability, Container("web", **facts))).remedy == remedy


@pytest.mark.parametrize(
    "add", [pytest.param((), id="the defaults"), pytest.param(("AUDIT_READ",), id="a mild one")]
)
def test_dangerous_capability_is_silent_without_one(add: tuple[str, ...]) -> None:
    assert ask(dangerous_capability, Container("web", cap_add=add)) == []


def test_raw_sockets_names_who_shares_the_network() -> None:
    web = Container("web", networks=("shop",))
    others = [Container(f"db{i}", networks=("shop",)) for i in range(6)]

    assert ask(raw_sockets, web, others[0], Container("far", networks=("else",))) == [
        Fail(
            "NET_RAW is granted, and db0 shares its network",
            remedy="Run web anew with: docker run --cap-drop NET_RAW … ''",
        )
    ]
    assert evidence(ask(raw_sockets, web, *others)) == [
        "NET_RAW is granted, and db0, db1, db2, db3 and 2 more share its network"
    ]


def test_raw_sockets_is_worse_on_the_hosts_network() -> None:
    answer = fail(ask(raw_sockets, Container("web", network_mode="host", networks=("host",))))

    assert answer.severity is Severity.MEDIUM
    assert answer.evidence == (
        "NET_RAW is granted on the host's network: it reads and forges all of its traffic"
    )


def test_raw_sockets_sees_the_neighbours_of_a_joined_network() -> None:
    vpn = Container("vpn", id="c" * 64, networks=("shop",), cap_drop=("NET_RAW",))
    web = Container("web", network_mode=f"container:{vpn.id}")

    assert evidence(ask(raw_sockets, web, vpn)) == [
        "NET_RAW is granted, and vpn shares its network"
    ]


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"networks": ("own",)}, id="alone on its network"),
        pytest.param({"networks": ("none",)}, id="without a network"),
        pytest.param({"networks": ("shop",), "cap_drop": ("NET_RAW",)}, id="dropped"),
        pytest.param({"networks": ("shop",), **SHIELDED}, id="not to be gained"),
    ],
)
def test_raw_sockets_is_silent_where_none_can_be_forged(facts: Facts) -> None:
    other = Container("db", networks=("shop", "none"))

    assert ask(raw_sockets, Container("web", **facts), other) == []


def test_dead_capability_names_what_has_no_effect() -> None:
    container = Container("web", cap_add=("NET_RAW", "CHOWN"), **SHIELDED)

    assert ask(dead_capability, container) == [
        Fail(
            "cap_add CHOWN, NET_RAW has no effect for uid 1000",
            remedy="Run web anew without: --cap-add CHOWN --cap-add NET_RAW",
        )
    ]


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"cap_add": ("CHOWN",)}, id="root uses it"),
        pytest.param({"cap_add": ("CHOWN",), **UNPRIVILEGED}, id="a setuid program may use it"),
        pytest.param({**SHIELDED}, id="nothing was added"),
        pytest.param({"cap_add": ("CHOWN",), "uid": None}, id="the user may be root"),
    ],
)
def test_dead_capability_is_silent_where_it_may_serve(facts: Facts) -> None:
    assert ask(dead_capability, Container("web", **facts)) == []


def test_kernel_differs_names_the_process_with_more_than_was_declared() -> None:
    extra = process(7, "sh", bounding=mask("SYS_ADMIN", *capabilities.DEFAULT))

    assert ask(kernel_differs, Container("web", processes=(process(), extra))) == [
        Fail("processes hold more than was declared: SYS_ADMIN in sh (7)")
    ]


def test_kernel_differs_takes_less_than_declared_for_information() -> None:
    less = process(bounding=mask("CHOWN"))

    answer = fail(
        ask(
            kernel_differs,
            Container("web", cap_drop=("ALL",), cap_add=("CHOWN", "KILL"), processes=(less,)),
        )
    )

    assert answer == Fail("declared, but given up or not to be had here: KILL", Severity.INFO)


def test_kernel_differs_names_the_process_without_the_declared_no_new_privs() -> None:
    kept = process(1, no_new_privileges=True)
    free = process(2, "sh")

    container = Container("web", security_opt=NEW_PRIVILEGES_OFF, processes=(kept, free))

    assert ask(kernel_differs, container) == [
        Fail("no_new_privs is declared, but not set for sh (2)")
    ]


def test_kernel_differs_names_the_process_without_the_declared_filter() -> None:
    assert ask(kernel_differs, Container("web", processes=(process(3, "sh", seccomp=0),))) == [
        Fail("seccomp is declared, but does not filter sh (3)")
    ]


@pytest.mark.parametrize(
    ("facts", "options"),
    [
        pytest.param(
            {"privileged": True, "processes": (process(seccomp=0, bounding=(1 << 41) - 1),)},
            ("name=seccomp,profile=builtin",),
            id="privileged",
        ),
        pytest.param(
            {"security_opt": ("seccomp=unconfined",), "processes": (process(seccomp=0),)},
            ("name=seccomp,profile=builtin",),
            id="unconfined",
        ),
        pytest.param(
            {"processes": (process(seccomp=0),)},
            ("name=seccomp,profile=unconfined",),
            id="unconfined by the engine's default",
        ),
        pytest.param({"processes": (process(seccomp=0),)}, (), id="an engine without seccomp"),
    ],
)
def test_kernel_differs_expects_no_filter_where_none_was_declared(
    facts: Facts, options: tuple[str, ...]
) -> None:
    container = Container("web", **facts)

    assert ask(kernel_differs, container, engine=engine(security_options=options)) == []


def test_kernel_differs_is_silent_where_both_agree() -> None:
    assert ask(kernel_differs, Container("web", processes=(process(),))) == []
    assert ask(kernel_differs, best()) == []
    assert ask(kernel_differs, Container("web", state="exited")) == []


def test_kernel_differs_is_unknown_where_the_kernel_was_not_asked() -> None:
    assert ask(kernel_differs, Container("web", processes_gap="no root here")) == [
        Unknown("no root here")
    ]
    assert reasons(ask(kernel_differs, Container("web"))) == ["the kernel was not asked"]
