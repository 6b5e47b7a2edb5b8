from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from hullward.model.report import Report
from hullward.report import junit
from report_samples import hostile, one_of_everything, reports, steady


def _suites(found: Report) -> ET.Element:
    return ET.fromstring(junit.render(found).encode())  # noqa: S314 - written by us


def test_a_suite_is_a_target_and_a_case_a_verdict() -> None:
    root = _suites(one_of_everything())

    assert root.get("tests") == "7"
    sums = ("name", "tests", "failures", "errors", "skipped")
    assert [tuple(map(suite.get, sums)) for suite in root] == [
        ("default", "6", "2", "1", "2"),
        ("ssh://b", "1", "0", "1", "0"),
    ]


def test_each_case_says_what_became_of_it() -> None:
    cases = _suites(one_of_everything()).iter("testcase")

    assert [
        (c.get("classname"), c.get("name"), [(n.tag, n.get("message")) for n in c]) for c in cases
    ] == [
        ("default/db", "container-root", []),
        ("default/web", "container-root", [("failure", "uid 0")]),
        ("default/db", "container-privileged", [("failure", "it is")]),
        ("default/engine", "daemon-api-exposed", [("skipped", "unknown: no /info")]),
        ("default/db", "container-root", [("skipped", "waived: until the move")]),
        ("default/db", "container-gpu", [("error", "KeyError: 'x'")]),
        ("ssh://b", "audit", [("error", "it does not answer")]),
    ]


def test_a_failure_tells_its_severity_and_remedy() -> None:
    failure = next(_suites(one_of_everything()).iter("failure"))

    assert failure.get("type") == "medium"
    assert (failure.text or "").endswith("then: docker compose up -d web")


@steady
@given(st.text(st.characters(), max_size=8))
def test_hostile_text_is_legal_xml(text: str) -> None:
    names = {case.get("name") for case in _suites(hostile(text)).iter("testcase")}

    assert "container-root" in names


@steady
@given(reports)
def test_the_sums_are_those_of_the_cases(found: Report) -> None:
    root = _suites(found)

    assert root.get("tests") == str(len(list(root.iter("testcase"))))
    assert int(root.get("failures", "")) == len(list(root.iter("failure")))
