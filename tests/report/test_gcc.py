"""Findings as compilers write them."""

from hullward.model.report import HostReport, Located, Outcome, Report
from hullward.model.severity import Severity
from hullward.report import gcc


def verdict(
    rule: str, line: int, outcome: Outcome = Outcome.FAIL, severity: Severity = Severity.HIGH
) -> Located:
    said = "evidence" if outcome is Outcome.FAIL else ""
    reason = None if said else "a reason"
    return Located(rule, severity, outcome, "web", said, reason, "", (), "a.yaml", line, 3)


def render(*verdicts: Located) -> str:
    return gcc.render(Report("", (HostReport("a.yaml", verdicts=verdicts),)))


def test_each_finding_is_a_line_in_the_order_of_the_file() -> None:
    said = render(
        verdict("b", 9, severity=Severity.LOW),
        verdict("c", 2, severity=Severity.MEDIUM),
        verdict("a", 9, severity=Severity.CRITICAL),
    )

    assert said == (
        "a.yaml:2:3: warning: web: evidence (medium) [c]\n"
        "a.yaml:9:3: error: web: evidence (critical) [a]\n"
        "a.yaml:9:3: note: web: evidence (low) [b]\n"
    )


def test_what_is_unknown_for_one_reason_is_one_line() -> None:
    said = render(verdict("a", 4, Outcome.UNKNOWN), verdict("b", 4, Outcome.UNKNOWN))

    assert said == "a.yaml:4:3: note: web: unknown: a reason [a, b]\n"


def test_what_passes_is_waived_or_has_no_line_is_not_there() -> None:
    quiet = (verdict("a", 4, Outcome.PASS), verdict("b", 4, Outcome.WAIVED))

    assert render(*quiet, verdict("c", 0, Outcome.UNKNOWN)) == ""


def test_a_hostile_name_cannot_forge_a_line() -> None:
    evil = Located(
        "r", Severity.HIGH, Outcome.FAIL, "a\nb", "c\x1bd", None, "", (), "x\ny.yaml", 1, 1
    )

    assert render(evil) == "x\\x0ay.yaml:1:1: error: a\\x0ab: c\\x1bd (high) [r]\n"
