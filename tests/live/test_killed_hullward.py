"""hullward itself, killed before and after each of its conversations with the host."""

import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from hand_lab import NEW, OLD, Site, needs_root, site

pytestmark = [pytest.mark.live, needs_root]

_CHANGE = """
import os, sys
from pathlib import Path
import msgspec
from hullward import flow
from hullward.apply.journal import Journal
from hullward.host.contexts import Target
from hullward.host.endpoints import UnixEndpoint
from hullward.host.hands import Hands
from hullward.host.reader import Access
from hullward.model.plan import Plan
root = Path(sys.argv[1])
plan = msgspec.json.decode((root / "plan").read_bytes(), type=Plan)
journal = Journal(Hands(Target("x", UnixEndpoint("/x")), Access(30)), str(root / "journal"))
(root / "pid").write_text(f"{os.getpid()}\\n")
flow.change(journal, plan, flow.Work(), flow.Person("me@here", lambda _: True, lambda _: None))
print("done")
"""
# Stands in for sh where hullward calls it: it kills hullward, and lets the host go on.
_SH = """\
#!/bin/bash
if [ "$PPID" != "$(cat ROOT/pid)" ]; then exec /bin/sh "$@"; fi
n=$(($(cat ROOT/calls 2>/dev/null || echo 0) + 1)); echo $n >ROOT/calls
if [ $n != AT ]; then exec /bin/sh "$@"; fi
[ WHEN = after ] || kill -9 $PPID
/bin/sh "$@"
[ WHEN = before ] || kill -9 $PPID
"""
# Opened, checked, carried out, confirmed; each time the login's shell, root's, and the one that
# reads the script.
_CALLS = 12


def change(made: Site, at: int, when: str) -> int:
    folder = made.root / "bin"
    folder.mkdir()
    text = _SH.replace("ROOT", str(made.root)).replace("AT", str(at)).replace("WHEN", when)
    (folder / "sh").write_text(text)
    (folder / "sh").chmod(0o755)
    (made.root / "plan").write_bytes(msgspec.json.encode(made.plan(within=30)))
    return subprocess.run(  # noqa: S603 - of this file
        (sys.executable, "-c", _CHANGE, str(made.root)),
        capture_output=True,
        check=False,
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
    ).returncode


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, _CALLS + 1))
def test_killed_at_a_conversation_it_leaves_old_or_new_and_a_way_to_both(
    tmp_path: Path, at: int, when: str
) -> None:
    made = site(tmp_path)

    assert change(made, at, when) == -9

    time.sleep(1)
    assert made.files() in (OLD, NEW)
    for entry in made.journal.changes():
        if entry.over:
            assert made.files() == NEW
        elif entry.files == "new":
            resumed = made.journal.resumed(entry.number)
            made.journal.carried_out(resumed)
            made.journal.confirmed(resumed)
            assert made.files() == NEW
        else:
            made.journal.reverted(entry.number)
            assert made.files() == OLD
    assert all(entry.over for entry in made.journal.changes())


def test_undisturbed_it_has_so_many_steps(tmp_path: Path) -> None:
    made = site(tmp_path)

    assert change(made, 0, "before") == 0
    assert (tmp_path / "calls").read_text() == f"{_CALLS}\n"
    assert made.files() == NEW
