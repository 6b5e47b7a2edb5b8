import pytest

from hullward.model.severity import Severity


def test_ranks_go_from_critical_down_to_info() -> None:
    assert [(s.value, s.rank) for s in Severity] == [
        ("critical", 4),
        ("high", 3),
        ("medium", 2),
        ("low", 1),
        ("info", 0),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Severity.CRITICAL, Severity.HIGH),
        (Severity.LOW, Severity.INFO),
        (Severity.INFO, Severity.INFO),
    ],
)
def test_lowered_is_one_grade_milder_and_info_stays(before: Severity, after: Severity) -> None:
    assert before.lowered() is after
