import re

import pytest

from builders import snapshot
from hullward.model.facts import Container
from hullward.report.markdown import escape, render
from scenes import audited, shop


def test_there_is_one_line_of_the_table_for_each_container() -> None:
    lines = render(audited(shop())).splitlines()

    names = [line.split(" | ")[0] for line in lines if re.match(r"\| \w", line)]
    assert names == [
        "| CONTAINER",
        "| best",
        "| cache",
        r"| ci\-runner",
        r"| files\-sftp\-server\-1",
        "| lost",
        "| proxy",
        "| sidecar",
        r"| stopped \(exited\)",
    ]


def test_every_line_of_the_table_has_the_same_cells() -> None:
    lines = [line for line in render(audited(shop())).splitlines() if line.startswith("|")]

    assert {line.replace(r"\|", "").count("|") for line in lines} == {9}


def test_findings_stand_below_their_severity_worst_first() -> None:
    lines = render(audited(shop())).splitlines()

    assert [line for line in lines if line.startswith("#")] == [
        "## default",
        "### Critical",
        "### High",
        "### Medium",
        "### Low",
        "### Info",
        "### Unknown",
        "### Waived",
        "## ssh://away",
    ]
    assert (
        r"- **container\-host\-network** proxy: waived: it must see the clients' addresses" in lines
    )
    assert "Not audited: ssh: connection refused" in lines


def test_notes_are_quoted_at_the_end() -> None:
    assert render(audited(shop())).splitlines()[-1].startswith(r"> The waiver of container\-root")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a|b", r"a\|b"),
        ("<script>", r"\<script\>"),
        ("`x`", r"\`x\`"),
        ("[x](y)", r"\[x\]\(y\)"),
        ("&lt;", r"\&lt;"),
        ("a\nb", r"a\\x0ab"),
        ("plain", "plain"),
    ],
)
def test_text_is_shown_as_it_is(text: str, expected: str) -> None:
    assert escape(text) == expected


def test_a_name_cannot_open_a_cell() -> None:
    lines = render(audited(snapshot(Container("a|b|c")))).splitlines()

    assert lines[4].startswith(r"| a\|b\|c | root |")
