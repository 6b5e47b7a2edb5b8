from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from builders import best, engine, process, snapshot
from hullward.judge import ENGINE, HOST, judge, waiver_notes
from hullward.model.facts import Container, Snapshot, Unread
from hullward.model.host import Host
from hullward.model.report import Behaviour, HostReport, Outcome, Row, Verdict
from hullward.model.rule import (
    ContainerRule,
    EngineRule,
    Fail,
    Rule,
    Unknown,
    container_rule,
    engine_rule,
    host_rule,
)
from hullward.model.severity import Severity
from hullward.model.users import Users
from hullward.model.waiver import Waiver
from hullward.rules import ALL
from hullward.rules.containers.privileges import root

TODAY = date(2026, 11, 1)
WEB = Container("web")


def rule(
    *answers: Fail | Unknown, host_risk: bool = False, id_: str = "container-x"
) -> ContainerRule:
    """Make a rule that says the same of every container."""

    @container_rule(
        id=id_,
        title="X",
        severity=Severity.HIGH,
        rationale="Why.",
        remedy="Mend it.",
        refs=("x(7)",),
        host_risk=host_risk,
    )
    def check(container: Container, snapshot: Snapshot) -> Iterator[Fail | Unknown]:
        del container, snapshot
        yield from answers

    return check


def engine_says(*answers: Fail | Unknown) -> EngineRule:
    @engine_rule(
        id="daemon-x", title="X", severity=Severity.LOW, rationale="", remedy="Mend it.", refs=()
    )
    def check(snapshot: Snapshot) -> Iterator[Fail | Unknown]:
        del snapshot
        yield from answers

    return check


@container_rule(
    id="container-broken", title="", severity=Severity.LOW, rationale="", remedy="", refs=()
)
def broken(container: Container, snapshot: Snapshot) -> Iterator[Fail | Unknown]:
    del snapshot
    if container.name == "web":
        raise ValueError("no such thing")
    yield Fail("found")


def ask(*rules: Rule, waivers: tuple[Waiver, ...] = (), host: Snapshot | None = None) -> HostReport:
    return judge(host or snapshot(WEB), rules, waivers, TODAY)


def one(*rules: Rule, waivers: tuple[Waiver, ...] = (), host: Snapshot | None = None) -> Verdict:
    (verdict,) = ask(*rules, waivers=waivers, host=host).verdicts
    return verdict


def test_a_rule_without_an_answer_is_a_pass() -> None:
    assert one(rule()) == Verdict(
        "container-x", Severity.HIGH, Outcome.PASS, "web", "", None, "", ("x(7)",)
    )


def test_a_fail_brings_its_own_severity_and_remedy() -> None:
    assert one(rule(Fail("seen", Severity.LOW, "Do this."))) == Verdict(
        "container-x", Severity.LOW, Outcome.FAIL, "web", "seen", None, "Do this.", ("x(7)",)
    )


def test_a_fail_without_severity_and_remedy_has_the_rules() -> None:
    verdict = one(rule(Fail("seen")))

    assert (verdict.severity, verdict.remedy) == (Severity.HIGH, "Mend it.")


def test_several_fails_are_joined_and_graded_by_the_worst() -> None:
    verdict = one(
        rule(Fail("a", Severity.LOW, "Do a."), Fail("b", Severity.CRITICAL), Fail("a"), Fail("c"))
    )

    assert verdict.severity is Severity.CRITICAL
    assert verdict.evidence == "a; b; c"
    assert verdict.remedy == "Do a.\nMend it."


def test_a_fail_beats_an_unknown_and_keeps_its_reason() -> None:
    verdict = one(rule(Unknown("not seen"), Fail("seen")))

    assert (verdict.outcome, verdict.evidence, verdict.reason) == (Outcome.FAIL, "seen", "not seen")


def test_an_unknown_beats_silence_and_says_each_reason_once() -> None:
    verdict = one(rule(Unknown("a"), Unknown("b"), Unknown("a")))

    assert (verdict.outcome, verdict.reason) == (Outcome.UNKNOWN, "a; b")
    assert verdict.severity is Severity.HIGH


def test_an_unknown_without_a_reason_is_still_unknown() -> None:
    assert one(rule(Unknown(""))).outcome is Outcome.UNKNOWN


def test_a_rule_that_crashes_is_broken_and_hides_no_other() -> None:
    report = ask(broken, rule(Fail("seen")), host=snapshot(WEB, Container("db")))

    assert [(v.rule, v.subject, v.outcome, v.reason) for v in report.verdicts] == [
        ("container-broken", "web", Outcome.BROKEN, "ValueError: no such thing"),
        ("container-broken", "db", Outcome.FAIL, None),
        ("container-x", "web", Outcome.FAIL, None),
        ("container-x", "db", Outcome.FAIL, None),
    ]
    assert report.incomplete


def test_a_rule_of_the_engine_is_asked_once() -> None:
    report = ask(engine_says(Fail("seen")), host=snapshot(WEB, Container("db")))

    assert [(v.rule, v.subject, v.outcome) for v in report.verdicts] == [
        ("daemon-x", ENGINE, Outcome.FAIL)
    ]


def test_a_finding_of_the_engine_is_not_one_of_a_container_by_that_name() -> None:
    (row,) = ask(engine_says(Fail("seen")), host=snapshot(Container("engine"))).rows

    assert (row.failed, row.worst) == (0, None)


@pytest.mark.parametrize(
    ("host_risk", "options", "severity", "evidence"),
    [
        pytest.param(
            True,
            ("name=userns",),
            Severity.MEDIUM,
            "seen (one grade milder: its user namespace is remapped)",
            id="remapped",
        ),
        pytest.param(
            True,
            ("name=rootless",),
            Severity.MEDIUM,
            "seen (one grade milder: the engine is rootless)",
            id="rootless",
        ),
        pytest.param(True, (), Severity.HIGH, "seen", id="root of the host"),
        pytest.param(False, ("name=userns",), Severity.HIGH, "seen", id="no risk to the host"),
    ],
)
def test_a_risk_to_the_host_is_milder_where_root_is_not_the_hosts(
    options: tuple[str, ...], severity: Severity, evidence: str, *, host_risk: bool
) -> None:
    host = snapshot(WEB, engine=engine(security_options=options))

    verdict = one(rule(Fail("seen"), host_risk=host_risk), host=host)

    assert (verdict.severity, verdict.evidence) == (severity, evidence)


@pytest.mark.parametrize("answers", [(), (Unknown("not seen"),)], ids=["pass", "unknown"])
def test_only_a_fail_is_lowered(answers: tuple[Unknown, ...]) -> None:
    host = snapshot(WEB, engine=engine(security_options=("name=userns",)))

    verdict = one(rule(*answers, host_risk=True), host=host)

    assert (verdict.severity, verdict.evidence) == (Severity.HIGH, "")


@pytest.mark.parametrize(
    ("target", "covered"),
    [
        ("web", True),
        ("w*", True),
        ("?eb", True),
        ("[vw]eb", True),
        ("*", True),
        ("default/web", True),
        ("default/*", True),
        ("def*/web", True),
        ("db", False),
        ("WEB", False),
        ("other/web", False),
        ("other/*", False),
    ],
)
def test_a_waiver_covers_by_glob_with_the_host_where_it_has_a_slash(
    target: str, *, covered: bool
) -> None:
    waiver = Waiver("container-x", target, "we know")

    verdict = one(rule(Fail("seen")), waivers=(waiver,))

    assert verdict.outcome is (Outcome.WAIVED if covered else Outcome.FAIL)


def test_a_waived_finding_stays_visible_with_the_reason() -> None:
    waiver = Waiver("container-x", "web", "we know", date(2026, 12, 31))

    verdict = one(rule(Fail("seen", Severity.LOW)), waivers=(waiver,))

    assert (verdict.evidence, verdict.severity) == ("seen", Severity.LOW)
    assert verdict.reason == "waived until 2026-12-31: we know"


def test_a_waiver_without_an_end_says_none() -> None:
    assert one(rule(Fail("x")), waivers=(Waiver("container-x", "*", "so"),)).reason == "waived: so"


@pytest.mark.parametrize(
    ("expires", "outcome"),
    [
        (date(2026, 10, 31), Outcome.FAIL),
        (date(2026, 11, 1), Outcome.WAIVED),
        (date(2026, 11, 2), Outcome.WAIVED),
    ],
)
def test_a_waiver_counts_until_the_end_of_its_last_day(expires: date, outcome: Outcome) -> None:
    waiver = Waiver("container-x", "web", "we know", expires)

    assert one(rule(Fail("seen")), waivers=(waiver,)).outcome is outcome


@pytest.mark.parametrize("answers", [(), (Unknown("not seen"),)], ids=["pass", "unknown"])
def test_a_waiver_hides_neither_a_pass_nor_an_unknown(answers: tuple[Unknown, ...]) -> None:
    waiver = Waiver("container-x", "web", "we know")

    assert one(rule(*answers), waivers=(waiver,)).outcome is not Outcome.WAIVED


def test_a_waiver_of_the_engine_covers_it() -> None:
    waiver = Waiver("daemon-x", "engine", "we know")

    assert one(engine_says(Fail("seen")), waivers=(waiver,)).outcome is Outcome.WAIVED


def test_a_waived_finding_is_not_counted_but_makes_no_container_well_behaved() -> None:
    waiver = Waiver("container-x", "best", "we know")

    (row,) = ask(rule(Fail("seen")), waivers=(waiver,), host=snapshot(best())).rows

    assert (row.failed, row.worst, row.behaviour) == (0, None, Behaviour.NO)


def test_what_was_not_asked_gives_no_verdict_but_still_makes_a_container_misbehave() -> None:
    host = judge(snapshot(best()), [rule(Fail("seen"))], (), TODAY, asked=())

    (row,) = host.rows

    assert (host.verdicts, row.behaviour, row.reasons) == ((), Behaviour.NO, ("x",))


def test_notes_name_waivers_that_are_over_or_cover_nothing() -> None:
    waivers = (
        Waiver("container-x", "web", "used"),
        Waiver("container-x", "db", "unused"),
        Waiver("container-x", "web", "over", date(2026, 10, 31)),
        Waiver("container-y", "web", "of a rule that was not asked"),
    )

    notes = waiver_notes([ask(rule(Fail("seen")), waivers=waivers)], waivers, TODAY)

    assert notes == (
        "The waiver of container-x for db covers no finding.",
        "The waiver of container-x for web expired on 2026-10-31 and counts no more.",
    )


def test_a_waiver_of_a_rule_that_passed_covers_no_finding() -> None:
    waivers = (Waiver("container-x", "web", "unused"),)

    assert waiver_notes([ask(rule())], waivers, TODAY) == (
        "The waiver of container-x for web covers no finding.",
    )


def test_a_waiver_of_one_host_is_judged_by_that_host() -> None:
    waivers = (Waiver("container-x", "prod/web", "known"),)
    hosts = [
        judge(snapshot(WEB, target=target), [rule(Fail("seen"))], waivers, TODAY)
        for target in ("prod", "test")
    ]

    assert [v.outcome for host in hosts for v in host.verdicts] == [Outcome.WAIVED, Outcome.FAIL]
    assert waiver_notes(hosts, waivers, TODAY) == ()


def test_rows_are_sorted_by_name_with_the_unread_among_them() -> None:
    host = snapshot(
        Container("web"), Container("app"), unread=(Unread("lost", "f" * 64, "answer 500"),)
    )

    assert [row.name for row in ask(host=host).rows] == ["app", "lost", "web"]


def test_a_container_that_was_not_read_is_unknown_for_every_rule_of_containers() -> None:
    host = snapshot(unread=(Unread("lost", "f" * 64, "answer 500"),))

    report = ask(*ALL, host=host)

    lost = {v.rule: (v.outcome, v.reason) for v in report.verdicts if v.subject == "lost"}
    expected = {r.id: (Outcome.UNKNOWN, "answer 500") for r in ALL if isinstance(r, ContainerRule)}
    assert lost == expected
    assert report.rows == (
        Row("lost", "f" * 64, None, Behaviour.UNKNOWN, ("answer 500",), None, 0),
    )
    assert report.incomplete


def test_a_row_counts_its_findings_and_names_the_worst() -> None:
    first = rule(Fail("a", Severity.LOW), id_="container-a")
    second = rule(Fail("b", Severity.MEDIUM), id_="container-b")

    (row,) = ask(first, second, host=snapshot(best())).rows

    assert (row.failed, row.worst, row.behaviour) == (2, Severity.MEDIUM, Behaviour.YES)


@pytest.mark.parametrize("severity", [Severity.HIGH, Severity.CRITICAL])
def test_a_grave_finding_makes_a_container_not_well_behaved(severity: Severity) -> None:
    (row,) = ask(rule(Fail("seen", severity)), host=snapshot(best())).rows

    assert (row.behaviour, row.reasons) == (Behaviour.NO, ("x",))


def test_a_grave_finding_comes_after_the_missed_criteria() -> None:
    (row,) = ask(rule(Fail("seen"))).rows

    assert row.reasons == ("runs as root", "default capabilities", "may gain privileges", "x")


def test_what_the_criteria_say_is_not_said_twice() -> None:
    container = Container("web", privileged=True)

    (row,) = ask(*ALL, host=snapshot(container)).rows

    assert row.reasons == (
        "runs as root",
        "privileged",
        "may gain privileges",
        "seccomp-unconfined",
    )


def test_a_grave_finding_beats_what_is_not_known_of_the_criteria() -> None:
    container = Container("web", user="app", uid=None, cap_drop=("ALL",))
    host = snapshot(container, engine=engine(security_options=None))

    (row,) = ask(rule(Fail("seen")), host=host).rows

    assert (row.behaviour, row.reasons) == (Behaviour.NO, ("x",))


def test_a_container_whose_processes_left_root_is_not_well_behaved_but_low() -> None:
    left = Container("cache", processes=(process(uid=999, bounding=0, no_new_privileges=True),))

    report = ask(root, host=snapshot(left))

    assert [(v.severity, v.outcome) for v in report.verdicts] == [(Severity.LOW, Outcome.FAIL)]
    assert (report.rows[0].behaviour, report.rows[0].reasons[0]) == (
        Behaviour.NO,
        "starts as root, runs as 999",
    )


def test_two_containers_by_the_same_name_keep_their_own_findings() -> None:
    host = snapshot(Container("twin"), Container("twin", user="1", uid=1))

    rows = ask(root, host=host).rows

    assert sorted(row.failed for row in rows) == [0, 1]


def test_verdicts_come_rule_by_rule_in_the_order_of_the_containers() -> None:
    host = snapshot(Container("b"), Container("a"))

    verdicts = ask(rule(id_="container-z"), rule(id_="container-y"), host=host).verdicts

    assert [(v.rule, v.subject) for v in verdicts] == [
        ("container-z", "b"),
        ("container-z", "a"),
        ("container-y", "b"),
        ("container-y", "a"),
    ]


def test_to_judge_twice_gives_the_same_report() -> None:
    host = snapshot(best(), WEB)

    assert ask(*ALL, host=host) == ask(*ALL, host=host)


@host_rule(
    id="users-x",
    title="X",
    severity=Severity.LOW,
    rationale="",
    remedy="Mend it.",
    refs=(),
    needs="users",
)
def of_host(host: Host, snapshot: Snapshot) -> Iterator[Fail | Unknown]:
    """Say of every host who it is."""
    del snapshot
    yield Fail(f"{host.name} is wrong")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({}, "the host was not looked at"),
        ({"gaps": {"host": "ssh was refused"}}, "ssh was refused"),
        ({"host": Host()}, "the host was not asked for it"),
        ({"host": Host(gaps={"users": "getent hangs"})}, "getent hangs"),
    ],
)
def test_a_rule_on_the_host_is_unknown_without_host_or_area(
    facts: dict[str, Any], reason: str
) -> None:
    (verdict,) = judge(snapshot(**facts), [of_host], (), TODAY).verdicts

    assert (verdict.outcome, verdict.subject, verdict.reason) == (Outcome.UNKNOWN, HOST, reason)


def test_a_rule_on_the_host_is_asked_once_its_area_is_there() -> None:
    host = Host("web1", users=Users())

    (verdict,) = judge(snapshot(WEB, host=host), [of_host], (), TODAY).verdicts

    assert (verdict.outcome, verdict.subject, verdict.evidence) == (
        Outcome.FAIL,
        HOST,
        "web1 is wrong",
    )
