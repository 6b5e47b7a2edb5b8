"""The side by side with docker-bench-security: what both said, and whether that is the same."""

import json
from collections import Counter

import cis_agreement
import pytest
from cis_reasons import WHY
from clock import Run
from hypothesis import given
from hypothesis import strategies as st
from peer_checks import HOST, PART_OF, RULES_OF, Said, agrees, compare, ours, theirs

from hullward import rules
from hullward.model.report import Outcome, Verdict
from hullward.model.severity import Severity
from hullward.report.cis_checks import CHECKS

NUMBERS = [check.id for check in CHECKS]


def log(*results: dict[str, object]) -> bytes:
    return json.dumps({"tests": [{"id": "5", "results": list(results)}]}).encode()


def their(**result: object) -> Said:
    (said,) = dict(theirs(log({"id": "5.4", **result}))).values()
    return said


def verdict(rule: str, outcome: Outcome, subject: str = "web", evidence: str = "") -> Verdict:
    return Verdict(rule, Severity.HIGH, outcome, subject, evidence, "why")


def our(number: str, *verdicts: Verdict) -> Said:
    return dict(ours(verdicts))[number]


def test_a_warning_names_its_containers() -> None:
    said = their(result="WARN", items=["web:SYS_ADMIN", "db"], details="Containers")

    assert (said.word, said.failing, said.looked) == ("WARN", frozenset({"web", "db"}), True)


def test_the_network_check_names_containers_second() -> None:
    (said,) = dict(theirs(log({"id": "5.30", "result": "WARN", "items": ["abc:web"]}))).values()

    assert said.failing == {"web"}


@pytest.mark.parametrize(
    ("result", "failing", "looked"),
    [
        ({"result": "PASS"}, set(), True),
        ({"result": "WARN"}, {HOST}, True),
        ({"result": "INFO", "items": ["web:x"]}, {"web"}, True),
        ({"result": "INFO", "details": "users appear to be set"}, {HOST}, True),
        ({"result": "INFO", "details": "File not found"}, set(), False),
        ({"result": "NOTE"}, set(), False),
        ({}, set(), False),
    ],
)
def test_what_it_found_is_told_from_what_it_did_not_look_at(
    result: dict[str, object], failing: set[str], *, looked: bool
) -> None:
    said = their(**result)

    assert (said.failing, said.looked) == (frozenset(failing), looked)


def test_items_of_a_check_of_the_host_are_no_containers() -> None:
    (said,) = dict(
        theirs(log({"id": "1.1.3", "result": "WARN", "items": ["/usr/bin/dockerd"]}))
    ).values()

    assert said.failing == {HOST}


def test_a_failed_container_is_named_and_a_passed_one_is_not() -> None:
    rule = next(iter(RULES_OF["5.4"]))
    said = our("5.4", verdict(rule, Outcome.FAIL), verdict(rule, Outcome.PASS, "db"))

    assert (said.word, said.failing) == ("fail", frozenset({"web"}))


def test_what_could_not_be_judged_is_unknown_and_no_pass() -> None:
    rule = next(iter(RULES_OF["2.1"]))

    assert our("2.1", verdict(rule, Outcome.UNKNOWN, "host")).word == "unknown"
    assert our("2.1", verdict(rule, Outcome.BROKEN, "host")).word == "unknown"


def test_evidence_of_another_check_of_the_same_rule_does_not_count() -> None:
    rule = next(iter(RULES_OF["3.17"]))
    evidence = "/etc/docker/daemon.json (mode 622): everyone can write it"
    owner, mode = (
        our(number, verdict(rule, Outcome.FAIL, "host", evidence)) for number in ("3.17", "3.18")
    )

    assert (owner.word, mode.word) == ("pass", "fail")


def test_a_check_without_a_rule_says_why() -> None:
    absent = [check for check in CHECKS if not RULES_OF[check.id]]
    said = dict(ours([]))

    assert absent
    assert all(said[check.id].word == "no rule" and said[check.id].because for check in absent)


PASS, FAIL = Said("PASS"), Said("WARN", frozenset({"web"}))
US_PASS, US_FAIL = Said("pass"), Said("fail", frozenset({"web"}))


@pytest.mark.parametrize(
    ("they", "we", "outcome"),
    [
        (PASS, US_PASS, "agree"),
        (FAIL, US_FAIL, "agree"),
        (FAIL, US_PASS, "only theirs: web: **differs: look**"),
        (PASS, US_FAIL, "only ours: web: **differs: look**"),
        (FAIL, Said("pass", unknown=frozenset({"web"})), "unknown to us: web"),
        (PASS, Said("unknown", unknown=frozenset({HOST}), because="no"), "unknown: no"),
        (Said("INFO", looked=False, because="File not found"), US_PASS, "agree: not there"),
        (Said("INFO", looked=False, because="File not found"), US_FAIL, "**differs: look**"),
        (Said("NOTE", looked=False), US_FAIL, "judged only by us"),
        (PASS, Said("no rule", looked=False, because="manual"), "no rule: manual"),
    ],
)
def test_two_answers_are_the_same_or_told_apart(they: Said, we: Said, outcome: str) -> None:
    assert compare("9.9", they, we, {}) == outcome


def test_a_known_difference_comes_with_its_reason() -> None:
    why = {("9.9", "ours"): "it is blind"}

    assert compare("9.9", PASS, US_FAIL, why) == "only ours: web: it is blind"
    assert compare("9.9", Said("NOTE", looked=False), US_FAIL, {("9.9", "blind"): "b"}) == "b"


names = st.frozensets(st.sampled_from(["web", "db", HOST]))
answers = st.builds(Said, st.sampled_from(["a", "unknown"]), names, names, st.booleans(), st.text())


@given(st.sampled_from(NUMBERS), answers, answers)
def test_different_findings_never_agree(number: str, they: Said, we: Said) -> None:
    outcome = compare(number, they, we, WHY)
    same = they.failing == we.failing or not they.looked
    assert outcome
    assert same or not agrees(outcome)


def test_every_reason_and_pattern_is_about_a_check_with_a_rule() -> None:
    judged = {check.id for check in CHECKS if RULES_OF[check.id]}

    assert {number for number, _ in WHY} <= judged
    assert PART_OF.keys() <= judged
    assert {side for _, side in WHY} <= {"theirs", "ours", "blind", "unknown"}
    assert {id_ for ids in RULES_OF.values() for id_ in ids} <= {rule.id for rule in rules.ALL}


def test_the_table_has_a_row_for_each_check_that_they_ran_and_counts_them() -> None:
    count: Counter[str] = Counter()
    they = {"5.4": FAIL, "5.5": PASS, "5.6": PASS}
    we = dict(ours([])) | {"5.4": US_FAIL, "5.5": US_PASS, "5.6": US_FAIL}
    rows = [row.split(" | ")[0] for row in cis_agreement.table(they, we, count, "plain")][2:]

    assert rows == ["| 5.4", "| 5.5", "| 5.6"]
    assert count == {"agree": 2, "differ, for the reason given": 1}


def test_a_target_that_is_missed_is_told() -> None:
    found = {"docker-bench-security": Run(60, 1, 1), "ours": Run(1, 1, 1), "slow": Run(2, 1, 1)}
    *_, quick, slow = cis_agreement.speed(found)

    assert quick.endswith("| 60.0 | ≥ 50: yes |")
    assert slow.endswith("| 30.0 | ≥ 50: **no** |")
