import pytest
from msgspec.structs import replace

from builders import ask, best, evidence, fail
from hullward.model.facts import Container
from hullward.model.rule import ContainerRule
from hullward.model.severity import Severity
from hullward.rules.containers import limits


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (limits.no_memory_limit, "Memory is 0"),
        (limits.no_cpu_limit, "no quota, shares or set of processors"),
        (limits.no_pids_limit, "PidsLimit is not set"),
        (limits.no_healthcheck, "no health check is defined"),
    ],
    ids=lambda value: value.id if isinstance(value, ContainerRule) else "",
)
def test_a_missing_limit_is_named(rule: ContainerRule, said: str) -> None:
    answer = fail(ask(rule, Container("web")))

    assert (answer.evidence, answer.severity) == (said, None)


@pytest.mark.parametrize(
    "rule",
    [
        limits.no_memory_limit,
        limits.no_cpu_limit,
        limits.no_pids_limit,
        limits.no_healthcheck,
        limits.restart_always,
        limits.ulimit,
        limits.no_log,
    ],
    ids=lambda rule: rule.id,
)
def test_every_limit_can_be_met(rule: ContainerRule) -> None:
    assert ask(rule, best()) == []


def test_an_unhealthy_container_is_worse_than_an_unchecked_one() -> None:
    answer = fail(ask(limits.no_healthcheck, Container("web", health="unhealthy")))

    assert answer.evidence == "its health check says unhealthy"
    assert answer.severity is Severity.LOW


def test_a_health_check_that_is_switched_off_is_none() -> None:
    assert evidence(ask(limits.no_healthcheck, Container("web", health="none"))) == [
        "no health check is defined"
    ]


@pytest.mark.parametrize(
    ("policy", "attempts", "said"),
    [
        ("always", 0, ["restart policy is always"]),
        ("unless-stopped", 0, ["restart policy is unless-stopped"]),
        ("on-failure", 0, ["restart policy is on-failure:0"]),
        ("on-failure", 6, ["restart policy is on-failure:6"]),
        ("on-failure", 5, []),
        ("on-failure", 1, []),
        ("no", 0, []),
        ("", 0, []),
    ],
)
def test_restart_always_fires_for_every_policy_without_a_small_end(
    policy: str, attempts: int, said: list[str]
) -> None:
    container = replace(best(), restart=policy, restart_attempts=attempts)

    assert evidence(ask(limits.restart_always, container)) == said


def test_ulimit_names_the_limits_in_order() -> None:
    assert evidence(ask(limits.ulimit, Container("web", ulimits=("nproc", "core")))) == [
        "ulimits: core, nproc"
    ]


@pytest.mark.parametrize(
    ("driver", "said"),
    [("none", ["its log driver is none"]), ("json-file", []), ("", [])],
)
def test_no_log_fires_for_the_driver_none(driver: str, said: list[str]) -> None:
    assert evidence(ask(limits.no_log, Container("web", log_driver=driver))) == said
