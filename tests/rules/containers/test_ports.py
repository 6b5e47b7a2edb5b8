import pytest

from builders import COMPOSE, Facts, ask, best, evidence, fail, process, reasons
from hullward.model.facts import Container, Image, Listener, Port
from hullward.model.rule import ContainerRule, Fail
from hullward.model.severity import Severity
from hullward.rules.containers.ports import (
    privileged_port,
    published_everywhere,
    ssh_server,
    undeclared_port,
)

V4, V6 = "0.0.0.0", "::"  # noqa: S104 - compared, never bound
ON_HOST = "it is on the host's network, and what it listens on is not known"


@pytest.mark.parametrize(
    ("ports", "said", "severity"),
    [
        pytest.param((Port(80, "tcp", V4, 8080),), "0.0.0.0:8080->80/tcp", None, id="IPv4"),
        pytest.param((Port(80, "tcp", V6, 8080),), "[::]:8080->80/tcp", None, id="IPv6 alone"),
        pytest.param((Port(80, "tcp", "", 8080),), "0.0.0.0:8080->80/tcp", None, id="no address"),
        pytest.param(
            (Port(80, "tcp", V4, 8080), Port(80, "tcp", V6, 8080)),
            "*:8080->80/tcp",
            None,
            id="both",
        ),
        pytest.param((Port(80, "tcp", V4, 443),), "0.0.0.0:443->80/tcp", Severity.LOW, id="web"),
        pytest.param((Port(80, "udp", V4, 443),), "0.0.0.0:443->80/udp", None, id="web by UDP"),
    ],
)
def test_published_everywhere_names_the_real_port(
    ports: tuple[Port, ...], said: str, severity: Severity | None
) -> None:
    answer = fail(ask(published_everywhere, Container("web", ports=ports)))

    assert (answer.evidence, answer.severity) == (said, severity)


def test_published_everywhere_answers_once_for_each_port() -> None:
    ports = (Port(80, "tcp", V4, 80), Port(90, "tcp", V4, 9090), Port(90, "tcp", V6, 9090))

    assert evidence(ask(published_everywhere, Container("web", ports=ports))) == [
        "0.0.0.0:80->80/tcp",
        "*:9090->90/tcp",
    ]


def test_published_everywhere_sees_listeners_of_the_hosts_network() -> None:
    container = Container(
        "web",
        network_mode="host",
        listeners=(Listener(V4, 80), Listener(V6, 9000), Listener("127.0.0.1", 22)),
    )

    assert ask(published_everywhere, container) == [
        Fail("0.0.0.0:80/tcp on the host's network", Severity.LOW),
        Fail("[::]:9000/tcp on the host's network"),
    ]


def test_published_everywhere_takes_the_wishes_of_a_stopped_container() -> None:
    stopped = Container("web", state="exited", wished_ports=(Port(80, "tcp", "", 8080),))
    running = Container("web", wished_ports=(Port(80, "tcp", "", 8080),))

    assert evidence(ask(published_everywhere, stopped)) == ["0.0.0.0:8080->80/tcp"]
    assert ask(published_everywhere, running) == []


def test_published_everywhere_sees_the_ports_of_a_joined_network_and_mends_them_there() -> None:
    vpn = Container("vpn", ports=(Port(53, "udp", V4, 5353),))
    web = Container("web", network_mode="container:vpn", labels=COMPOSE)

    answer = fail(ask(published_everywhere, web, vpn))

    assert answer.evidence == "0.0.0.0:5353->53/udp"
    assert answer.remedy == "Run vpn anew with: docker run -p 127.0.0.1:5353:53/udp … ''"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        pytest.param({"network_mode": "host"}, ON_HOST, id="on the host's network"),
        pytest.param({"network_mode": "container:proxy"}, ON_HOST, id="through another"),
        pytest.param(
            {"network_mode": "container:gone"},
            "its network is that of gone, which is not in sight",
            id="of one that is not in sight",
        ),
    ],
)
def test_ports_are_unknown_on_a_network_that_nobody_looked_into(facts: Facts, reason: str) -> None:
    proxy = Container("proxy", network_mode="host", listeners=())
    container = Container("web", **facts)

    assert reasons(ask(published_everywhere, container, proxy)) == [reason]
    assert reasons(ask(privileged_port, container, proxy)) == [reason]


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"ports": (Port(80, "tcp", "127.0.0.1", 80),)}, id="on loopback"),
        pytest.param({"ports": (Port(80, "tcp", "::1", 80),)}, id="on loopback by IPv6"),
        pytest.param({"ports": (Port(80, "tcp", "10.0.0.1", 80),)}, id="on one address"),
        pytest.param({"network_mode": "host", "listeners": ()}, id="listening on nothing"),
        pytest.param({"network_mode": "host", "state": "exited"}, id="stopped"),
    ],
)
def test_published_everywhere_is_silent(facts: Facts) -> None:
    assert ask(published_everywhere, Container("web", **facts)) == []


def test_privileged_port_names_published_and_listening_ports_once() -> None:
    container = Container(
        "web",
        network_mode="host",
        ports=(
            Port(53, "udp", "127.0.0.1", 53),
            Port(53, "tcp", V4, 53),
            Port(22, "tcp", V4, 2222),
        ),
        listeners=(Listener(V4, 25), Listener("127.0.0.1", 1023)),
    )

    assert evidence(ask(privileged_port, container)) == [
        "port 25 of the host",
        "port 53 of the host",
        "port 1023 of the host",
    ]


@pytest.mark.parametrize("public", [0, 80, 443, 1024, 8080])
def test_privileged_port_is_silent_for_web_and_high_ports(public: int) -> None:
    assert ask(privileged_port, Container("web", ports=(Port(22, "tcp", V4, public),))) == []


def test_undeclared_port_compares_with_the_image() -> None:
    container = Container("web", image_id="i", ports=(Port(80, "tcp"), Port(9229, "tcp")))
    images = {"i": Image("i", exposed=("443/tcp", "80/tcp"))}

    assert evidence(ask(undeclared_port, container, images=images)) == [
        "9229/tcp published, but the image declares 443/tcp, 80/tcp"
    ]
    assert evidence(ask(undeclared_port, container, images={"i": Image("i")})) == [
        "80/tcp, 9229/tcp published, but the image declares no port"
    ]


def test_undeclared_port_is_silent_for_declared_ports_and_for_none() -> None:
    container = Container("web", image_id="i", ports=(Port(80, "tcp"),))

    assert ask(undeclared_port, container, images={"i": Image("i", exposed=("80/tcp",))}) == []
    assert ask(undeclared_port, Container("web")) == []


def test_undeclared_port_is_unknown_where_the_image_was_not_read() -> None:
    assert reasons(ask(undeclared_port, Container("web", ports=(Port(80),)))) == [
        "its image could not be read"
    ]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param({"processes": (process(name="sshd"),)}, "it runs sshd", id="process"),
        pytest.param(
            {"processes": (process(name="dropbear"),)}, "it runs dropbear", id="another server"
        ),
        pytest.param({"program": "sshd"}, "it runs sshd", id="made of one"),
    ],
)
def test_ssh_server_fires_for_a_process_or_the_program(facts: Facts, said: str) -> None:
    assert evidence(ask(ssh_server, Container("web", **facts))) == [said]


def test_ssh_server_is_silent_where_the_processes_are_others() -> None:
    assert ask(ssh_server, Container("web", processes=(process(name="nginx"),))) == []
    assert ask(ssh_server, Container("web", state="exited")) == []


def test_ssh_server_is_unknown_where_nobody_looked_at_the_processes() -> None:
    assert reasons(ask(ssh_server, Container("web", processes_gap="no root here"))) == [
        "no root here"
    ]
    assert reasons(ask(ssh_server, Container("web"))) == ["its processes were not looked at"]


@pytest.mark.parametrize(
    "rule", [published_everywhere, privileged_port, undeclared_port, ssh_server]
)
def test_no_rule_of_ports_fires_for_the_model_citizen(rule: ContainerRule) -> None:
    assert ask(rule, best()) == []
