import pytest

from builders import COMPOSE, Facts, ask, best, engine, evidence, fail, process, reasons
from hullward.model.facts import Container, Listener
from hullward.model.rule import ContainerRule, Fail, Unknown
from hullward.model.severity import Severity
from hullward.rules.containers import namespaces


@pytest.mark.parametrize(
    ("listeners", "said"),
    [
        (None, "NetworkMode is host; what it listens on is not known"),
        ((), "NetworkMode is host; it listens on nothing now"),
        (
            (Listener("0.0.0.0", 80), Listener("::", 80), Listener("127.0.0.1", 9000)),  # noqa: S104
            "NetworkMode is host; it listens on *:80/tcp, 127.0.0.1:9000/tcp",
        ),
    ],
    ids=["not looked", "nothing", "some"],
)
def test_host_network_names_what_listens(listeners: tuple[Listener, ...] | None, said: str) -> None:
    container = Container("web", network_mode="host", listeners=listeners)

    assert evidence(ask(namespaces.host_network, container)) == [said]


def test_host_network_is_silent_on_a_network_of_its_own() -> None:
    assert ask(namespaces.host_network, best()) == []


@pytest.mark.parametrize(
    ("facts", "said", "severity"),
    [
        pytest.param({}, "PidMode is host, as root", Severity.CRITICAL, id="root"),
        pytest.param(
            {"uid": None}, "PidMode is host, as root", Severity.CRITICAL, id="perhaps root"
        ),
        pytest.param({"uid": 1000}, "PidMode is host, as uid 1000", None, id="not root"),
        pytest.param(
            {"uid": 1000, "processes": (process(),)},
            "PidMode is host, as root",
            Severity.CRITICAL,
            id="not root, but a process is",
        ),
        pytest.param(
            {"processes": (process(uid=101),)},
            "PidMode is host, as uid 0",
            None,
            id="root that every process left",
        ),
    ],
)
def test_host_pid_is_critical_for_root(facts: Facts, said: str, severity: Severity | None) -> None:
    answer = fail(ask(namespaces.host_pid, Container("web", pid_mode="host", **facts)))

    assert (answer.evidence, answer.severity) == (said, severity)


@pytest.mark.parametrize(
    ("rule", "facts", "said"),
    [
        (namespaces.host_ipc, {"ipc_mode": "host"}, "IpcMode is host"),
        (namespaces.host_uts, {"uts_mode": "host"}, "UTSMode is host"),
        (
            namespaces.cgroup_parent,
            {"cgroup_parent": "/mine"},
            "CgroupParent is /mine",
        ),
        (namespaces.default_bridge, {"networks": ("bridge",)}, "it is on the network `bridge`"),
        (namespaces.default_bridge, {"network_mode": "default"}, "it is on the network `bridge`"),
    ],
    ids=["ipc", "uts", "cgroup parent", "bridge", "bridge of a stopped container"],
)
def test_a_namespace_of_the_host_is_named(rule: ContainerRule, facts: Facts, said: str) -> None:
    answer = fail(ask(rule, Container("web", **facts)))

    assert (answer.evidence, answer.severity) == (said, None)


@pytest.mark.parametrize(
    "rule",
    [value for value in vars(namespaces).values() if isinstance(value, ContainerRule)],
    ids=lambda rule: rule.id,
)
def test_no_rule_of_namespaces_fires_for_the_model_citizen(rule: ContainerRule) -> None:
    assert ask(rule, best()) == []


@pytest.mark.parametrize("parent", ["", "docker", "/docker", "system.slice"])
def test_cgroup_parent_is_silent_for_the_engines_own(parent: str) -> None:
    assert ask(namespaces.cgroup_parent, Container("web", cgroup_parent=parent)) == []


def test_default_bridge_is_silent_for_one_that_left_it() -> None:
    moved = Container("web", network_mode="bridge", networks=("shop",))

    assert ask(namespaces.default_bridge, moved) == []


def test_host_userns_fires_only_where_the_engine_remaps() -> None:
    container = Container("web", userns_mode="host")
    remaps = engine(security_options=("name=userns",))

    assert evidence(ask(namespaces.host_userns, container, engine=remaps)) == [
        "UsernsMode is host, and the engine remaps user namespaces"
    ]
    assert ask(namespaces.host_userns, container) == []
    assert ask(namespaces.host_userns, Container("web"), engine=remaps) == []


def test_host_userns_is_unknown_where_the_engine_does_not_say() -> None:
    container = Container("web", userns_mode="host")

    assert reasons(ask(namespaces.host_userns, container, engine=None)) == [
        "whether the engine remaps is not known"
    ]


@pytest.mark.parametrize(
    ("facts", "version", "expected"),
    [
        pytest.param({}, "2", ("CgroupnsMode is host", None), id="asked for, on v2"),
        pytest.param(
            {"cap_add": ("SYS_ADMIN",)},
            "1",
            ("CgroupnsMode is host on cgroup v1, with SYS_ADMIN", Severity.HIGH),
            id="a way out, on v1",
        ),
    ],
)
def test_host_cgroup_fires(
    facts: Facts, version: str, expected: tuple[str, Severity | None]
) -> None:
    container = Container("web", cgroupns_mode="host", **facts)

    answer = fail(ask(namespaces.host_cgroup, container, engine=engine(cgroup_version=version)))

    assert (answer.evidence, answer.severity) == expected


@pytest.mark.parametrize(
    ("facts", "version"),
    [
        pytest.param({"cgroupns_mode": "host"}, "1", id="the default of v1"),
        pytest.param({"cgroupns_mode": "host", "privileged": True}, "2", id="privileged says more"),
        pytest.param({"cgroupns_mode": "private"}, "2", id="private"),
    ],
)
def test_host_cgroup_is_silent(facts: Facts, version: str) -> None:
    container = Container("web", **facts)

    assert ask(namespaces.host_cgroup, container, engine=engine(cgroup_version=version)) == []


HOST = Container("host", network_mode="host", pid_mode="host", ipc_mode="host")
VPN = Container("vpn", id="a" * 64)
STRONG = Container("strong", privileged=True)
BETWEEN = Container("between", network_mode="container:host")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(
            {"network_mode": "container:" + "a" * 64},
            Fail(
                "network namespace of vpn",
                remedy="Run web anew without: --network container:vpn",
            ),
            id="network",
        ),
        pytest.param(
            {"network_mode": "container:between"},
            Fail(
                "network namespace through between → host: the host's",
                Severity.HIGH,
                "Run web anew without: --network container:between",
            ),
            id="network of the host in the end",
        ),
        pytest.param(
            {"pid_mode": "container:host"},
            Fail(
                "pid namespace through host: the host's",
                Severity.CRITICAL,
                "Run web anew without: --pid container:host",
            ),
            id="processes of the host in the end",
        ),
        pytest.param(
            {"pid_mode": "container:strong"},
            Fail(
                "pid namespace of strong",
                Severity.HIGH,
                "Run web anew without: --pid container:strong",
            ),
            id="processes of a privileged one",
        ),
        pytest.param(
            {"ipc_mode": "container:host"},
            Fail(
                "ipc namespace through host: the host's",
                Severity.MEDIUM,
                "Run web anew without: --ipc container:host",
            ),
            id="memory of the host in the end",
        ),
    ],
)
def test_joined_namespace_is_as_bad_as_its_end(facts: Facts, expected: Fail) -> None:
    answers = ask(
        namespaces.joined_namespace, Container("web", **facts), HOST, VPN, STRONG, BETWEEN
    )

    assert answers == [expected]


def test_joined_namespace_names_the_service_of_the_same_project() -> None:
    vpn = Container("shop-vpn-1", labels={**COMPOSE, "com.docker.compose.service": "vpn"})
    web = Container("shop-web-1", network_mode="container:shop-vpn-1", labels=COMPOSE)

    assert fail(ask(namespaces.joined_namespace, web, vpn)).remedy == (
        "In /srv/shop/compose.yaml, service web, remove:\n"
        "  network_mode: service:vpn\n"
        "then: docker compose up -d web"
    )


def test_joined_namespace_is_unknown_for_one_that_is_not_in_sight() -> None:
    container = Container("web", pid_mode="container:" + "f" * 64)

    assert ask(namespaces.joined_namespace, container) == [
        Unknown("its pid namespace is that of ffffffffffff, not in sight")
    ]


def test_joined_namespace_says_what_it_knows_of_a_chain_that_leads_out_of_sight() -> None:
    lost = Container("lost", network_mode="container:gone")

    answers = ask(
        namespaces.joined_namespace, Container("web", network_mode="container:lost"), lost
    )

    assert reasons(answers) == ["its network namespace is that of gone, not in sight"]
    assert evidence(answers) == ["network namespace of lost"]


def test_joined_namespace_leaves_the_hosts_own_to_other_rules() -> None:
    assert ask(namespaces.joined_namespace, HOST) == []
