"""Diffs of edits: what patch(1) makes of them is the edited text."""

import shutil
import subprocess
from pathlib import Path

import pytest

from hullward.compose import unified
from hullward.compose.changes import Change, Edited, Piece, spliced
from hullward.compose.concealed import concealed
from hullward.compose.edit import edit
from hullward.compose.nodes import parse

TEXT = "services:\n  web:\n    image: a\n  db:\n    image: b\n"
DROP = Change("web", ("cap_drop",), ("ALL",))


def test_no_line_stands_in_it_that_was_not_touched() -> None:
    edited = edit(TEXT, [DROP], "compose.yaml")

    assert (
        unified.render(TEXT, edited, "/srv/compose.yaml")
        == """\
--- a/srv/compose.yaml
+++ b/srv/compose.yaml
@@ -1,5 +1,7 @@
 services:
   web:
     image: a
+    cap_drop:
+      - ALL
   db:
     image: b
"""
    )


def test_nothing_to_change_is_no_diff() -> None:
    assert unified.render(TEXT, Edited(TEXT), "a") == ""


def test_lines_far_apart_stand_in_hunks_of_their_own() -> None:
    text = "".join(f"line {n}\n" for n in range(20))
    pieces = (Piece(0, 0, "new\n"), Piece(len(text), len(text), "last\n"))

    diff = unified.render(text, Edited(spliced(text, pieces), pieces), "a")

    assert [line for line in diff.splitlines() if line[:1] == "@"] == [
        "@@ -1,3 +1,4 @@",
        "@@ -18,3 +19,4 @@",
    ]


def test_values_of_variables_do_not_stand_around_a_change() -> None:
    text = """\
services:
  web:
    image: a
    environment:
      A: hunter2
      B: hunter3
"""
    edited = edit(text, [DROP], "compose.yaml")

    diff = unified.render(text, edited, "a", concealed(text, parse(text, "a")))

    assert not unified.readable_only(text, edited, concealed(text, parse(text, "a")))
    assert diff.partition("+++ b/a\n")[2] == "@@ -6,0 +7,2 @@\n+    cap_drop:\n+      - ALL\n"


@pytest.mark.parametrize(
    "service",
    [
        "{image: a, environment: {A: hunter2}}",
        "{image: a, environment: ['A=hunter2']}",
        "{image: a, build: {args: {A: hunter2}}}",
        "{image: a, command: [run, --password=hunter2]}",
    ],
)
def test_values_on_a_changed_line_are_masked(service: str) -> None:
    text = f"services:\n  web: {service}\n"
    edited = edit(text, [DROP], "compose.yaml")
    hidden = concealed(text, parse(text, "a"))

    diff = unified.render(text, edited, "a", hidden)

    assert unified.readable_only(text, edited, hidden)
    assert "hunter2" not in diff
    assert "cap_drop: [" in diff


@pytest.mark.skipif(shutil.which("patch") is None, reason="there is no patch(1) here")
@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.rstrip("\n"),
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n", "\r\n").rstrip(),
        TEXT.replace("\n    image: a", " {image: a}"),
        "\ufeff" + TEXT,
        "".join(f"# {n}\n" for n in range(9)) + TEXT + "".join(f"# {n}\n" for n in range(9)),
    ],
)
def test_patch_makes_the_edited_text_of_it(text: str, tmp_path: Path) -> None:
    edited = edit(text, [DROP, Change("db", DROP.path, DROP.value)], "compose.yaml")
    file = tmp_path / "compose.yaml"
    file.write_bytes(text.encode())

    diff = "# a reason\n" + unified.render(text, edited, "compose.yaml")
    subprocess.run(  # noqa: S603 - an argument tuple
        ["patch", "-p1", "--binary", "--fuzz=0", "-d", tmp_path],  # noqa: S607 - any patch will do
        input=diff.encode(),
        check=True,
        capture_output=True,
    )

    assert file.read_bytes() == edited.text.encode()
