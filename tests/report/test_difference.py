import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hullward.model.errors import HullwardError
from hullward.model.report import HostReport, Outcome, Report
from hullward.model.severity import Severity
from hullward.report import changes, json_reader, json_report
from hullward.report.difference import Difference, Kind, Presence, Side, compare, paired
from hullward.report.text import visible
from report_samples import host, hostile, report, reports, steady, verdict

PASS, UNKNOWN, WAIVED = (verdict(o) for o in (Outcome.PASS, Outcome.UNKNOWN, Outcome.WAIVED))
BROKEN = verdict(Outcome.BROKEN)
FAIL = verdict(Outcome.FAIL, evidence="uid 0")
HIGH = verdict(Outcome.FAIL, severity=Severity.HIGH, evidence="uid 0")


@pytest.mark.parametrize(
    ("before", "after", "kind", "new"),
    [
        (PASS, FAIL, Kind.FOUND, True),
        (UNKNOWN, FAIL, Kind.FOUND, True),
        (WAIVED, FAIL, Kind.FOUND, True),
        (FAIL, HIGH, Kind.GRAVER, True),
        (PASS, UNKNOWN, Kind.LOST, False),
        (PASS, BROKEN, Kind.LOST, False),
        (FAIL, PASS, Kind.FIXED, False),
        (HIGH, FAIL, Kind.MILDER, False),
        (UNKNOWN, PASS, Kind.CLEARED, False),
        (FAIL, UNKNOWN, Kind.HIDDEN, False),
        (FAIL, BROKEN, Kind.HIDDEN, False),
        (FAIL, WAIVED, Kind.ACCEPTED, False),
        (WAIVED, PASS, Kind.FIXED, False),
        (FAIL, verdict(Outcome.FAIL, evidence="uid 1"), Kind.EVIDENCE, False),
    ],
)
def test_each_step_has_its_kind(before, after, kind, new) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    found = compare(report(host(before)), report(host(after)))

    assert [change.kind for change in found.changes] == [kind]
    assert bool(found.new()) is new


def test_a_finding_of_a_new_container_counts_and_the_container_is_named() -> None:
    found = compare(report(host(names=())), report(host(FAIL)))

    assert [change.kind for change in found.new()] == [Kind.APPEARED]
    assert found.presences == (Presence("default", "web", came=True),)


def test_a_finding_that_left_with_its_container_is_better() -> None:
    found = compare(report(host(FAIL)), report(host(names=())))

    assert [change.kind for change in found.side(Side.BETTER)] == [Kind.LEFT]


def test_a_rule_that_is_no_longer_asked_is_not_better() -> None:
    found = compare(report(host(FAIL)), report(host()))

    assert [change.kind for change in found.changes] == [Kind.UNASKED]
    assert found.side(Side.BETTER) == ()


def test_the_findings_of_a_target_that_does_not_answer_are_hidden_not_fixed() -> None:
    found = compare(report(host(FAIL)), report(HostReport("default", error="no answer")))

    assert [change.kind for change in found.changes] == [Kind.HIDDEN]
    assert found.presences == (Presence("default", "", came=False, why="no answer"),)


def test_only_findings_as_grave_as_asked_for_count() -> None:
    found = compare(report(host(PASS)), report(host(FAIL)))

    assert found.new(Severity.MEDIUM)
    assert not found.new(Severity.HIGH)


def test_the_only_targets_of_two_reports_are_the_same_host() -> None:
    old, note = paired(report(host(FAIL, target="here")), report(host(FAIL, target="ssh://b")))

    assert compare(old, report(host(FAIL, target="ssh://b"))) == Difference()
    assert note == "here is compared with ssh://b."


@steady
@given(reports)
def test_nothing_differs_from_itself(found: Report) -> None:
    assert compare(found, found) == Difference()


@steady
@given(reports, reports)
def test_the_other_way_round_every_step_is_turned(old: Report, new: Report) -> None:
    there, back = compare(old, new), compare(new, old)

    steps = {(c.target, c.rule, c.subject, c.before, c.after) for c in there.changes}
    assert steps == {(c.target, c.rule, c.subject, c.after, c.before) for c in back.changes}
    assert {(p.target, p.name, not p.came) for p in there.presences} == {
        (p.target, p.name, p.came) for p in back.presences
    }


@steady
@given(reports, reports)
def test_what_is_better_one_way_is_worse_the_other_way(old: Report, new: Report) -> None:
    better = {(c.target, c.rule, c.subject) for c in compare(old, new).side(Side.BETTER)}
    worse = {(c.target, c.rule, c.subject) for c in compare(new, old).side(Side.WORSE)}
    waived = {
        (c.target, c.rule, c.subject)
        for c in compare(old, new).side(Side.BETTER)
        if c.before and c.before.outcome is Outcome.WAIVED
    }

    assert better - waived <= worse


@steady
@given(reports, reports)
def test_every_finding_that_was_no_finding_is_new(old: Report, new: Report) -> None:
    def fails(found: Report) -> set[tuple[str, str, str]]:
        return {
            (h.target, v.rule, v.subject)
            for h in found.hosts
            for v in h.verdicts
            if v.outcome is Outcome.FAIL
        }

    counted = {(c.target, c.rule, c.subject) for c in compare(old, new).new()}

    assert fails(new) - fails(old) <= counted


@steady
@given(reports, reports)
def test_a_report_read_back_from_json_compares_as_the_report_itself(
    old: Report, new: Report
) -> None:
    def again(found: Report) -> Report:
        return json_reader.load(_written(found), "r.json")

    assert compare(again(old), again(new)).changes == compare(old, new).changes


def _written(found: Report) -> bytes:
    """Write the report with its containers; those of the samples have no snapshot."""
    value = json.loads(json_report.render(found))
    for written, host_ in zip(value["hosts"], found.hosts, strict=True):
        written["containers"] = [{"name": row.name} for row in host_.rows]
    return json.dumps(value).encode()


@steady
@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_rubbish_is_an_error_with_advice(data: bytes) -> None:
    with pytest.raises(HullwardError):
        json_reader.load(data, "r.json")


@steady
@given(st.data())
def test_a_report_cut_anywhere_is_an_error(data: st.DataObject) -> None:
    whole = json_report.render(report(host(FAIL))).encode().rstrip()
    cut = data.draw(st.integers(0, len(whole) - 1))

    with pytest.raises(HullwardError):
        json_reader.load(whole[:cut], "r.json")


def test_a_report_of_the_future_is_refused() -> None:
    with pytest.raises(HullwardError, match="schema version '9'"):
        json_reader.load(b'{"schema_version": "9"}', "r.json")


def test_the_table_tells_what_is_new_then_what_is_better() -> None:
    privileged = verdict(Outcome.FAIL, rule="container-privileged", severity=Severity.CRITICAL)
    found = compare(report(host(FAIL)), report(host(PASS, privileged)))

    assert changes.table(found) == (
        "WORSE\n"
        "  critical container-privileged  default/web: new\n"
        "             nothing more is said\n"
        "\n"
        "BETTER\n"
        "  medium   container-root  default/web: fixed\n"
        "             uid 0\n"
        "\n"
        "1 new finding; 1 worse, 1 better, 0 otherwise different\n"
    )


def test_no_difference_is_one_line() -> None:
    assert changes.table(Difference()) == "Nothing changed.\n"


def test_json_tells_both_states() -> None:
    value = json.loads(changes.as_json(compare(report(host(PASS)), report(host(FAIL)))))

    change = value["changes"][0]
    assert value["summary"] == {"new": 1, "worse": 1, "better": 0, "other": 0}
    assert (change["before"]["verdict"], change["after"]["verdict"]) == ("pass", "fail")


@steady
@given(st.text(st.characters(), max_size=8), st.sampled_from(["table", "markdown", "json"]))
def test_hostile_text_reaches_no_terminal(text: str, form: str) -> None:
    written = changes.RENDERERS[form](compare(report(), hostile(text)), notes=[text])

    assert all(visible(line) == line for line in written.split("\n"))
