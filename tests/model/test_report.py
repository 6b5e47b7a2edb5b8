from hullward.model.facts import Snapshot, Unread
from hullward.model.report import HostReport, Outcome, Report, Verdict
from hullward.model.severity import Severity


def verdict(outcome: Outcome, severity: Severity = Severity.HIGH) -> Verdict:
    return Verdict("container-x", severity, outcome, "web")


def test_failed_is_what_no_waiver_covers_from_a_grade_on() -> None:
    high, low = verdict(Outcome.FAIL), verdict(Outcome.FAIL, Severity.LOW)
    others = [verdict(o, Severity.CRITICAL) for o in Outcome if o is not Outcome.FAIL]
    report = Report(
        "", (HostReport("a", verdicts=(low, *others)), HostReport("b", verdicts=(high,)))
    )

    assert report.failed() == (low, high)
    assert report.failed(Severity.MEDIUM) == (high,)
    assert report.failed(Severity.CRITICAL) == ()


def test_a_report_is_incomplete_for_errors_broken_rules_and_unread_containers() -> None:
    unread = Snapshot("a", unread=(Unread("web", "1", "answer 500"),))

    assert HostReport("a", error="no engine").incomplete
    assert HostReport("a", Snapshot("a"), verdicts=(verdict(Outcome.BROKEN),)).incomplete
    assert HostReport("a", unread).incomplete
    assert not HostReport("a", Snapshot("a"), verdicts=(verdict(Outcome.UNKNOWN),)).incomplete
