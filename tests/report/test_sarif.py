import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hullward.model.report import Outcome, Report
from hullward.model.severity import Severity
from hullward.report import sarif
from report_samples import host, hostile, one_of_everything, report, reports, steady, verdict

_SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0.json").read_text())
_VALIDATOR = jsonschema.Draft4Validator(
    _SCHEMA, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER
)


def _run(found: Report) -> dict[str, Any]:
    log = json.loads(sarif.render(found))
    _VALIDATOR.validate(log)
    return dict(log["runs"][0])


def test_fails_waived_and_unknown_are_results_and_passes_are_counted() -> None:
    run = _run(one_of_everything())

    assert [
        (r["ruleId"], r["kind"], r["level"], len(r["suppressions"])) for r in run["results"]
    ] == [
        ("container-root", "fail", "warning", 0),
        ("container-privileged", "fail", "error", 0),
        ("daemon-api-exposed", "open", "none", 0),
        ("container-root", "fail", "warning", 1),
    ]
    assert run["properties"] == {"passed": 1}


def test_a_waiver_is_a_suppression_with_its_reason() -> None:
    run = _run(one_of_everything())

    assert run["results"][3]["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "waived: until the move"}
    ]


def test_what_broke_or_was_not_reached_is_a_notification_and_no_success() -> None:
    invocation = _run(one_of_everything())["invocations"][0]

    said = [
        (n["descriptor"]["id"], n["message"]["text"])
        for n in invocation["toolExecutionNotifications"]
    ]
    assert invocation["executionSuccessful"] is False
    assert said == [
        ("rule-broken", "default: the rule broke on db: KeyError: 'x'"),
        ("target-not-audited", "ssh://b: it does not answer. Is it on?"),
    ]


def test_the_index_of_a_result_leads_to_its_rule() -> None:
    run = _run(one_of_everything())
    rules = run["tool"]["driver"]["rules"]

    assert all(rules[r["ruleIndex"]]["id"] == r["ruleId"] for r in run["results"])
    assert rules[0]["help"]["text"]
    assert {rule["id"]: rule["properties"]["security-severity"] for rule in rules} == {
        "container-gpu": "2.0",
        "container-privileged": "9.5",
        "container-root": "5.5",
        "daemon-api-exposed": "9.5",
    }


def test_a_fingerprint_does_not_depend_on_what_was_seen() -> None:
    seen = verdict(Outcome.FAIL, evidence="pid 17", severity=Severity.LOW)
    again = replace(seen, evidence="pid 4711", severity=Severity.HIGH)

    first, second = (_run(report(host(v)))["results"][0] for v in (seen, again))
    assert first["partialFingerprints"] == second["partialFingerprints"]


def test_fingerprints_of_other_rules_targets_and_subjects_differ() -> None:
    found = {sarif.fingerprint(*key) for key in (("a", "b", "c"), ("a", "bc", ""), ("a", "c", "b"))}

    assert len(found) == 3


def test_a_name_cannot_make_a_link() -> None:
    text = _run(report(host(verdict(Outcome.FAIL, evidence="[x](https://evil)"))))["results"][0]

    assert "](" not in text["message"]["text"]


def test_a_name_of_dots_stays_one_segment_of_the_path() -> None:
    result = _run(report(host(verdict(Outcome.FAIL, subject=".."), target="../x")))["results"][0]

    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location["uri"] == "..%2Fx/%2E%2E"


@steady
@given(reports)
def test_every_report_fits_the_schema(found: Report) -> None:
    assert _run(found)["results"] is not None


@steady
@given(st.text(st.characters(), max_size=8))
def test_hostile_text_fits_the_schema_and_stays_ascii(text: str) -> None:
    written = sarif.render(hostile(text))
    _VALIDATOR.validate(json.loads(written))

    assert written.isascii()
