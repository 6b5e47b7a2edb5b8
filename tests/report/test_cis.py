import re
from pathlib import Path

from hullward.model.rule import Rule
from hullward.report import cis
from hullward.report.cis_checks import CHECKS
from hullward.rules import ALL, profiles

PAGE = Path(__file__).parents[2] / "docs" / "cis.md"

# The numbers of docker-bench-security, from its own list.
NUMBERS = (
    *(f"1.1.{n}" for n in range(1, 19)),
    *("1.2.1", "1.2.2"),
    *(f"2.{n}" for n in range(1, 19)),
    *(f"3.{n}" for n in range(1, 25)),
    *(f"4.{n}" for n in range(1, 13)),
    *(f"5.{n}" for n in range(1, 33)),
    *("6.1", "6.2"),
    *(f"7.{n}" for n in range(1, 10)),
    *(f"8.1.{n}" for n in range(1, 8)),
    "8.2.1",
    *("C.1", "C.1.1", "C.2"),
    *(f"C.5.3.{n}" for n in range(1, 5)),
)


def test_every_check_of_the_benchmark_has_exactly_one_row() -> None:
    rows = re.findall(r"^\| ([0-9C][0-9.]*) \|", cis.render(ALL), re.MULTILINE)

    assert sorted(rows) == sorted(NUMBERS)


def test_every_check_has_a_rule_or_a_reason() -> None:
    judged = cis.judged_by(ALL)

    assert [check.id for check in CHECKS if not judged[check.id] and not check.why] == []


def test_every_number_that_a_rule_names_is_one_of_the_benchmark() -> None:
    named = {ref.split(":")[1] for rule in ALL for ref in rule.refs if ref.startswith("cis-docker")}

    assert named <= set(NUMBERS)


def test_every_check_of_daemon_and_files_has_a_rule() -> None:
    judged = cis.judged_by(ALL)

    assert [n for n in NUMBERS if n[:2] in {"2.", "3."} and not judged[n]] == []


def test_rules_that_a_check_names_exist() -> None:
    ids = {rule.id for rule in ALL}

    assert [name for check in CHECKS for name in check.rules if name not in ids] == []


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text() == cis.render(ALL), "make docs"


def test_no_profile_is_empty_and_the_second_level_holds_the_first() -> None:
    # docker-bench-security's profile cis_level1 runs next to nothing.
    chosen = {name: ids(profiles.apply(name, ALL)) for name in profiles.PROFILES}

    assert all(len(found) > 40 for found in chosen.values())
    assert chosen["cis-1"] < chosen["cis-2"]
    assert {r.id for r in ALL if r.severity.rank >= 3} <= chosen[profiles.DEFAULT]


def test_what_profiles_leave_out_are_rules_that_exist() -> None:
    known = ids(ALL)

    for profile in profiles.PROFILES.values():
        assert set(profile.without) <= known
        assert set(profile.grades) <= known


def ids(rules: tuple[Rule, ...]) -> set[str]:
    return {rule.id for rule in rules}
