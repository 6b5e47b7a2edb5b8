import csv
import io

import pytest

from builders import snapshot
from hullward.model.facts import Container
from hullward.report.csv_report import render
from scenes import audited, shop


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_there_is_one_line_for_each_container_and_each_unreachable_host() -> None:
    head, *lines = rows(render(audited(shop())))

    assert head == [
        "TARGET", "CONTAINER", "USER", "CAP_ADD", "CAP_DROP", "SEC_OPT", "BIND_MOUNTS", "PORTS",
        "VERDICT", "WORST",
    ]  # fmt: skip
    assert [line[:2] for line in lines] == [
        ["default", "best"],
        ["default", "cache"],
        ["default", "ci-runner"],
        ["default", "files-sftp-server-1"],
        ["default", "lost"],
        ["default", "proxy"],
        ["default", "sidecar"],
        ["default", "stopped (exited)"],
        ["ssh://away", ""],
    ]
    assert {len(line) for line in lines} == {len(head)}


def test_lists_are_joined_by_spaces() -> None:
    (line,) = [line for line in rows(render(audited(shop()))) if line[1] == "files-sftp-server-1"]

    assert line == [
        "default",
        "files-sftp-server-1",
        "sftp (101)",
        "CHOWN SETGID SETUID SYS_CHROOT",
        "ALL",
        "no-new-privileges",
        "/etc/localtime:/etc/localtime:ro",
        "*:2222->22/tcp",
        "yes",
        "medium",
    ]


def test_a_host_that_was_not_audited_says_why() -> None:
    assert rows(render(audited()))[1][8] == "not audited: ssh: connection refused"


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_cell_is_never_a_formula(name: str) -> None:
    line = rows(render(audited(snapshot(Container(name)))))[1]

    assert line[1] == f"'{name}"
