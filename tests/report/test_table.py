"""The report for a person; golden files are made anew with UPDATE_GOLDEN=1."""

import os
import re
from pathlib import Path

import pytest

from builders import Facts, snapshot
from hullward.model.facts import Container
from hullward.model.report import Report
from hullward.report.table import Style, render
from hullward.report.text import width
from scenes import audited, in_order, shop

GOLDEN = Path(__file__).parent / "golden"
STYLES = {
    "80": Style(80),
    "120": Style(120),
    "200": Style(200),
    "wide": Style(80, wide=True),
    "risk": Style(120, by_risk=True),
}
ESCAPE = re.compile(r"\x1b\[\d+m")


@pytest.mark.parametrize("name", STYLES)
def test_the_whole_report_reads_as_it_always_did(name: str) -> None:
    written = render(audited(shop()), STYLES[name])
    file = GOLDEN / f"table-{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(written, "utf-8")

    assert written == file.read_text("utf-8")


@pytest.mark.parametrize("columns", [70, 80, 100, 109, 110, 111, 120, 160, 200, 300])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    lines = render(audited(shop()), Style(columns)).splitlines()

    assert [line for line in lines if width(line) > columns] == []


def test_a_wide_report_has_one_line_for_each_container() -> None:
    lines = render(audited(shop()), Style(80, wide=True)).splitlines()

    heads = [line.split()[0] for line in lines[2:11]]
    assert heads == [
        "CONTAINER",
        "best",
        "cache",
        "ci-runner",
        "files-sftp-server-1",
        "lost",
        "proxy",
        "sidecar",
        "stopped",
    ]


def test_by_risk_the_worst_comes_first_and_what_was_not_read_before_it() -> None:
    lines = render(audited(shop()), Style(80, wide=True, by_risk=True)).splitlines()

    names = [line.split()[0] for line in lines[3:11]]
    assert names == [
        "lost", "ci-runner", "proxy", "sidecar", "cache", "stopped", "files-sftp-server-1", "best",
    ]  # fmt: skip


@pytest.mark.parametrize("name", STYLES)
def test_without_colour_nothing_is_painted(name: str) -> None:
    assert "\x1b" not in render(audited(shop()), STYLES[name])


@pytest.mark.parametrize("columns", [80, 120])
def test_colour_changes_nothing_but_colour(columns: int) -> None:
    report = audited(shop())
    plain, painted = render(report, Style(columns)), render(report, Style(columns, colour=True))

    assert "\x1b[31m" in painted
    assert ESCAPE.sub("", painted) == plain
    assert all(line.endswith("\x1b[0m") for line in painted.splitlines() if "\x1b" in line)


def test_a_host_without_containers_says_so() -> None:
    assert "No container." in render(audited(snapshot()), Style(80)).splitlines()


def test_a_host_that_was_not_audited_is_a_row_with_the_reason() -> None:
    lines = render(audited(), Style(80)).splitlines()

    assert lines[:2] == ["ssh://away", "  not audited: ssh: connection refused"]


def test_a_clean_host_counts_zeros() -> None:
    text = render(audited(in_order()), Style(80))

    assert "Findings: 0 critical, 0 high, 0 medium, 0 low, 1 info\n" in text


def test_a_long_path_loses_its_middle_where_that_makes_it_fit() -> None:
    lines = render(audited(shop()), Style(80)).splitlines()

    (line,) = [line for line in lines if "builds" in line]
    assert line.startswith("                               bind /srv/…/builds:/builds")


@pytest.mark.parametrize(
    ("facts", "shown"),
    [
        ({"user": "0:0"}, "0:0 (root)"),
        ({"user": "app", "uid": 5}, "app (5)"),
        ({"user": "app", "uid": None}, "app (uid ?)"),
        ({"user": "5:5", "uid": 5}, "5:5"),
        ({}, "root"),
    ],
)
def test_a_user_is_shown_with_what_it_means(facts: Facts, shown: str) -> None:
    lines = render(audited(snapshot(Container("web", **facts))), Style(200, wide=True)).splitlines()

    assert lines[3].startswith(f"web        {shown}  ")


def test_an_empty_report_is_an_empty_line() -> None:
    assert render(Report("", ()), Style(80)) == "\n"
