"""A container beside what its compose file says today."""

from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from builders import COMPOSE, ask, best, engine, evidence, fail, reasons
from hullward.model.facts import Container, Device, Mount, Port, Written
from hullward.model.rule import Fail, Unknown
from hullward.model.severity import Severity
from hullward.rules.containers.drift import compose_drift, differences
from strategies import containers

WEB = replace(best(), labels=COMPOSE)


def drift(running: Container, **written: Any) -> list[Fail | Unknown]:  # noqa: ANN401 - of Written
    return ask(compose_drift, running, written={running.id: Written(**written)})


@given(containers)
def test_a_container_that_is_as_written_has_not_drifted(container: Container) -> None:
    assert list(differences(container, container)) == []


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({"privileged": True}, "says no privileged, the container has privileged: true"),
        ({"cap_drop": ()}, "says cap_drop ALL, the container has no cap_drop"),
        ({"cap_add": ("CAP_CHOWN",)}, "says no cap_add, the container has cap_add CHOWN"),
        ({"read_only": False}, "says read_only: true, the container has no read_only"),
        (
            {"security_opt": ()},
            "says no-new-privileges=true, the container has no no-new",
        ),
        ({"user": "", "uid": 0, "processes": None}, "says user 1000:1000, the container has root"),
        ({"network_mode": "host"}, "says a network of its own, the container has network: host"),
        ({"pid_mode": "host"}, "says a pid of its own, the container has pid: host"),
        ({"pids": 0}, "says a limit of 100 (pids), the container has none"),
        ({"groups": ("docker",)}, "says no group_add, the container has group_add docker"),
        (
            {"mounts": (Mount("bind", "/d", "/srv"),)},
            "says no binds, the container has binds /srv:/d",
        ),
        (
            {"devices": (Device("/dev/mem"),)},
            "says no devices, the container has devices /dev/mem:rwm",
        ),
        (
            {"wished_ports": (Port(80, public=8080),)},
            "says no ports, the container has ports 8080:80/tcp",
        ),
    ],
)
def test_a_container_that_may_do_more_than_its_file_wants_is_grave(
    now: dict[str, Any], words: str
) -> None:
    found = fail(drift(replace(WEB, **now), service=WEB))

    assert found.severity is Severity.HIGH
    assert found.evidence.startswith(f"the file {words}")
    assert found.remedy == "docker compose up -d web"


@pytest.mark.parametrize(
    "now",
    [
        {"image": "other:1"},
        {"cap_drop": ("ALL", "CHOWN")},
        {"memory": 1},
        {"user": "5", "uid": 5},
    ],
)
def test_a_container_that_may_do_less_is_told_mildly(now: dict[str, Any]) -> None:
    found = fail(drift(replace(WEB, **now), service=WEB))

    assert found.severity is None


def test_the_place_in_the_file_is_named() -> None:
    found = drift(replace(WEB, pids=5), service=WEB, places={"pids": "/srv/shop/compose.yaml:7:5"})

    assert "(/srv/shop/compose.yaml:7:5)" in fail(found).evidence


@pytest.mark.parametrize(
    ("written", "running"),
    [
        ({"security_opt": ("no-new-privileges",)}, {"security_opt": ("no-new-privileges=true",)}),
        ({"cap_add": ("net_raw",)}, {"cap_add": ("CAP_NET_RAW",)}),
        ({"ipc_mode": "shareable"}, {"ipc_mode": "private"}),
        (
            {"wished_ports": (Port(80, address="0.0.0.0", public=1),)},  # noqa: S104 - compared
            {"wished_ports": (Port(80, public=1),)},
        ),
        ({"network_mode": "shop_default"}, {"network_mode": "bridge"}),
    ],
)
def test_other_words_for_the_same_are_no_drift(
    written: dict[str, Any], running: dict[str, Any]
) -> None:
    assert drift(replace(WEB, **running), service=replace(WEB, **written)) == []


def test_what_the_image_decides_is_no_drift_and_what_a_variable_decides_is_unknown() -> None:
    found = drift(
        replace(WEB, user="x", pids=7),
        service=WEB,
        unresolved={"user": "", "pids": "it depends on a variable that no file sets"},
    )

    assert evidence(found) == []
    assert reasons(found) == ["pids: it depends on a variable that no file sets"]


@pytest.mark.parametrize(("version", "count"), [("2", 1), ("1", 0), ("", 0)])
def test_without_cgroup_v2_the_engine_chooses_the_hosts_cgroups(version: str, count: int) -> None:
    running = replace(WEB, cgroupns_mode="host")
    found = ask(
        compose_drift,
        running,
        engine=engine(cgroup_version=version),
        written={running.id: Written(WEB)},
    )

    assert len(found) == count


def test_a_service_that_the_file_has_no_more_is_drift() -> None:
    assert fail(drift(WEB)).evidence == "the compose file has no service web any more"


def test_a_file_that_was_not_read_is_unknown_never_a_pass() -> None:
    assert reasons(drift(WEB, gap="/srv/shop/compose.yaml cannot be read")) == [
        "/srv/shop/compose.yaml cannot be read"
    ]
    assert reasons(ask(compose_drift, WEB)) == ["its compose file was not looked at"]


def test_a_container_whose_labels_name_no_file_is_unknown() -> None:
    old = replace(WEB, labels={"com.docker.compose.service": "web"})

    assert reasons(ask(compose_drift, old)) == ["its compose file is named by no label"]


def test_containers_that_no_file_describes_cannot_drift() -> None:
    once = replace(WEB, labels={**COMPOSE, "com.docker.compose.oneoff": "True"})

    assert ask(compose_drift, best()) == []
    assert ask(compose_drift, once) == []
