"""Compose files judged by the rules for running containers: what, where, and what is not known."""

from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import compose_files
import written
from hullward import judge, judge_compose
from hullward.model.errors import HullwardError
from hullward.model.report import Behaviour, Located, Outcome
from hullward.model.rule import ContainerRule
from hullward.model.severity import Severity
from hullward.model.waiver import Waiver
from hullward.rules import ALL
from hullward.rules.compose import decided
from hullward.rules.compose.services import Services

HERE = written.FILE
SHOP = """\
services:
  proxy:
    image: traefik:v3.3
    network_mode: host
    cap_drop: [ALL]
    cap_add:
      - NET_BIND_SERVICE
      - NET_ADMIN
    volumes:
      - ./conf:/conf:ro
      - /var/run/docker.sock:/var/run/docker.sock:ro
      - type: bind
        source: /etc
        target: /host
  guest:
    image: busybox:1.37
    pid: service:seer
    network_mode: service:proxy
  seer:
    image: busybox:1.37
    pid: host
    security_opt:
      - seccomp:unconfined
    ports:
      - "127.0.0.1:9000:9000"
      - "9001:9001"
    userns_mode: host
    privileged: false
"""


def placed(text: str, *rules: str) -> list[tuple[str, int]]:
    return [(subject, line) for subject, line, _ in written.fails(text, *rules)]


def test_every_rule_for_containers_is_decided_by_a_file_or_named_as_not() -> None:
    rules = {rule.id for rule in ALL if isinstance(rule, ContainerRule)}

    assert set(decided.ABOUT) | decided.UNDECIDED == rules
    assert not set(decided.ABOUT) & decided.UNDECIDED
    assert set(decided.NEAR) <= set(decided.ABOUT)


@pytest.mark.parametrize("text", [SHOP, written.WORST, written.FLAT], ids=["shop", "worst", "flat"])
def test_a_file_is_judged_as_the_containers_that_it_describes(text: str) -> None:
    project, _ = written.project(text, base_yaml=written.BASE)
    running = judge.judge(Services(project, "x").snapshot, ALL, (), written.TODAY)
    files = written.judged(text, base_yaml=written.BASE)
    said = {
        (v.rule, v.subject, part)
        for v in running.verdicts
        if v.outcome is Outcome.FAIL and v.rule in decided.ABOUT
        for part in v.evidence.split("; ")
        if part != "image shop-store"  # built here: nobody pulls it
    }

    found = {
        (v.rule, v.subject, part)
        for v in files.verdicts
        if v.outcome is Outcome.FAIL and v.rule in decided.ABOUT
        for part in v.evidence.removesuffix(" here; the image may have one").split("; ")
    }
    assert found == said
    assert len(found) > 5


def test_each_finding_stands_at_the_line_that_it_is_about() -> None:
    assert placed(SHOP, "container-engine-socket") == [("proxy", 11)]
    assert placed(SHOP, "container-sensitive-bind") == [("proxy", 12)]
    assert placed(SHOP, "container-dangerous-capability") == [("proxy", 8)]
    assert placed(SHOP, "container-host-network") == [("proxy", 4)]
    assert placed(SHOP, "container-seccomp-unconfined") == [("seer", 23)]
    assert placed(SHOP, "container-published-everywhere") == [("seer", 26)]


def test_what_is_missing_stands_at_the_service_or_beside_its_like() -> None:
    text = "services:\n  a:\n    image: x:1\n    cap_drop: [NET_RAW]\n"

    assert placed(text, "container-new-privileges") == [("a", 2)]
    assert placed(text, "container-default-capabilities") == [("a", 4)]


def test_services_that_join_others_are_followed_to_the_hosts_namespaces() -> None:
    found = written.fails(SHOP, "container-joined-namespace")

    assert found == [
        ("guest", 18, "network namespace through proxy: the host's"),
        ("guest", 17, "pid namespace through seer: the host's"),
    ]


def test_an_attack_path_names_its_one_cut() -> None:
    (path,) = (
        v
        for v in written.verdicts(written.judged(SHOP), "container-attack-path")
        if v.outcome is Outcome.FAIL and v.subject == "proxy"
    )

    assert "the engine's socket through /var/run/docker.sock" in path.evidence
    assert "NET_ADMIN on the host's network" in path.evidence
    assert path.severity is Severity.CRITICAL
    assert path.line == 11


def test_a_remedy_names_file_service_and_lines() -> None:
    (socket,) = (
        v
        for v in written.verdicts(written.judged(SHOP), "container-engine-socket")
        if v.outcome is Outcome.FAIL
    )

    assert socket.remedy == (
        "In /srv/shop/compose.yaml, service proxy, remove:\n"
        "  volumes:\n    - /var/run/docker.sock:/var/run/docker.sock:ro\n"
        "then: docker compose up -d proxy"
    )


def test_what_no_file_decides_is_unknown_for_every_service() -> None:
    report = written.judged(SHOP)

    for rule in decided.UNDECIDED:
        found = written.verdicts(report, rule)
        assert [v.outcome for v in found] == [Outcome.UNKNOWN] * 3
        assert {v.reason for v in found} == {judge_compose.UNDECIDED}


def test_a_pass_that_rests_on_the_engine_says_so() -> None:
    found = written.verdicts(written.judged(written.FLAT), "container-seccomp-unconfined")

    assert {(v.outcome, v.reason) for v in found} == {(Outcome.PASS, judge_compose.ASSUMED)}


def test_the_user_of_an_image_is_unknown_and_one_that_is_written_is_not() -> None:
    text = (
        "services:\n  a: {image: x:1}\n  b: {image: x:1, user: '0'}\n  c: {image: x:1, user: '7'}\n"
    )
    found = written.verdicts(written.judged(text), "container-root")

    assert [(v.subject, v.outcome) for v in found] == [
        ("a", Outcome.UNKNOWN),
        ("b", Outcome.FAIL),
        ("c", Outcome.PASS),
    ]


def test_a_missing_variable_is_unknown_with_its_line_and_hides_nothing_else() -> None:
    text = (
        "services:\n  a:\n    image: x:1\n    privileged: ${MIGHTY}\n    volumes:\n"
        "      - ${DATA}:/data\n      - /var/run/docker.sock:/s\n"
    )
    report = written.judged(text)
    mighty = written.verdicts(report, "container-privileged")
    socket = written.verdicts(report, "container-engine-socket")

    assert [(v.outcome, v.line) for v in mighty] == [(Outcome.UNKNOWN, 4)]
    assert mighty[0].reason == "the variable MIGHTY is not set (/srv/shop/compose.yaml:4:17)"
    assert [(v.outcome, v.line) for v in socket] == [(Outcome.FAIL, 7), (Outcome.UNKNOWN, 6)]


def test_a_variable_that_is_set_is_judged() -> None:
    text = "services:\n  a:\n    image: x:1\n    privileged: ${MIGHTY}\n"
    report = written.judged(text, environment={"MIGHTY": "true"})

    assert [v.outcome for v in written.verdicts(report, "container-privileged")] == [Outcome.FAIL]


def test_of_a_part_of_a_service_only_what_is_written_is_judged() -> None:
    text = "services:\n  a:\n    cap_add: [SYS_ADMIN]\n    privileged: false\n"
    report = written.judged(text)
    fails = [(v.rule, v.line) for v in _located(report.verdicts) if v.outcome is Outcome.FAIL]
    (pids,) = written.verdicts(report, "container-no-pids-limit")

    assert fails == [("container-dangerous-capability", 3)]
    assert pids.outcome is Outcome.UNKNOWN
    assert "the rest of the service is in another file" in (pids.reason or "")


def test_a_sandbox_makes_findings_one_grade_milder() -> None:
    text = "services:\n  a: {image: x:1, privileged: true, runtime: runsc}\n"
    (found,) = written.verdicts(written.judged(text), "container-privileged")

    assert found.severity is Severity.HIGH
    assert "one grade milder: it runs in the sandbox runsc" in found.evidence


def test_a_comment_with_a_reason_waives_and_one_without_does_not() -> None:
    text = (
        "services:\n  a:\n    image: x:1\n"
        "    privileged: true  # hullward: ignore[container-privileged] it is a test\n"
        "    pid: host  # hullward: ignore[container-host-pid]\n"
    )
    report = written.judged(text)
    (waived,) = written.verdicts(report, "container-privileged")
    (counts,) = written.verdicts(report, "container-host-pid")
    notes = judge_compose.ignore_notes(written.written(text), _located(report.verdicts))

    assert waived.outcome is Outcome.WAIVED
    assert waived.reason == "waived at /srv/shop/compose.yaml:4:23: it is a test"
    assert counts.outcome is Outcome.FAIL
    assert list(notes) == [
        f"{HERE}:5:16: the waiver of container-host-pid gives no reason, so it does not count."
    ]


def test_a_comment_that_waives_nothing_is_told() -> None:
    text = (
        "services:\n  a:  # hullward: ignore[container-privileged, container-what] because\n"
        "    image: x:1  # hullward: skip\n"
    )
    notes = judge_compose.ignore_notes(
        written.written(text), _located(written.judged(text).verdicts)
    )

    assert list(notes) == [
        "/srv/shop/compose.yaml:2:7: the waiver of container-privileged covers no finding.",
        "/srv/shop/compose.yaml:2:7: the waiver names container-what, which is no rule.",
        "/srv/shop/compose.yaml:3:17: `hullward: skip` says nothing: write `ignore[RULE] reason`.",
    ]


def test_a_waiver_of_the_settings_covers_a_service_until_its_end() -> None:
    text = "services:\n  a: {image: x:1, privileged: true}\n  b: {image: x:1, privileged: true}\n"
    waivers = (
        Waiver("container-privileged", "a", "known", date(2027, 1, 1)),
        Waiver("container-privileged", "b", "known", date(2026, 1, 1)),
    )
    found = written.verdicts(written.judged(text, *waivers), "container-privileged")

    assert [(v.subject, v.outcome) for v in found] == [("a", Outcome.WAIVED), ("b", Outcome.FAIL)]


def test_the_row_of_a_service_has_its_verdict() -> None:
    text = (
        "services:\n  best:\n    image: x:1\n    user: 1000:1000\n    cap_drop: [ALL]\n"
        "    security_opt: [no-new-privileges:true]\n  root:\n    image: x:1\n    user: root\n"
    )
    rows = {row.name: row.behaviour for row in written.judged(text).rows}

    assert rows == {"best": Behaviour.YES, "root": Behaviour.NO}


def test_a_rule_that_breaks_is_a_verdict_of_its_own() -> None:
    rule = next(rule for rule in ALL if rule.id == "container-privileged")
    assert isinstance(rule, ContainerRule)
    broken = ContainerRule(
        id=rule.id, title=rule.title, severity=rule.severity, rationale=rule.rationale,
        remedy=rule.remedy, refs=rule.refs, check=lambda c, s: iter([1 // 0]),  # type: ignore[list-item]  # noqa: ARG005
    )  # fmt: skip
    report = judge_compose.check(written.written(SHOP), (broken,), (), written.TODAY)

    assert {v.outcome for v in report.verdicts} == {Outcome.BROKEN}
    assert report.incomplete


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        ("pid: host", 0),
        ("privileged: true", 0),
        ("security_opt: [label:disable]", 1),
        ("pid: host\n    security_opt: [label:disable]", 1),
    ],
)
def test_selinux_that_is_switched_off_is_told_where_the_file_says_it(
    lines: str, count: int
) -> None:
    text = f"services:\n  a:\n    image: x:1\n    {lines}\n"

    assert len(written.fails(text, "container-selinux-disabled")) == count


def test_a_network_without_protection_is_found_in_the_file() -> None:
    text = (
        "services: {a: {image: x:1}}\nnetworks:\n  wild:\n    driver_opts:\n"
        "      com.docker.network.bridge.gateway_mode_ipv4: nat-unprotected\n"
    )

    assert placed(text, "network-gateway-unprotected") == [("project", 3)]


@given(compose_files.documents(), st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_file_is_judged_and_every_finding_has_a_line_of_it(
    document: dict[str, Any],
    flow: bool,  # noqa: FBT001 - hypothesis draws it
) -> None:
    text = compose_files.texts(document, flow=flow)
    try:
        report = written.judged(text)
    except HullwardError:
        return
    lines = text.count("\n") + 1

    assert not any(v.outcome is Outcome.BROKEN for v in report.verdicts)
    for verdict in _located(report.verdicts):
        if verdict.outcome is Outcome.FAIL:
            assert verdict.file == written.FILE
            assert 1 <= verdict.line <= lines


def _located(verdicts: object) -> list[Located]:
    return [v for v in verdicts if isinstance(v, Located)]  # type: ignore[attr-defined]
