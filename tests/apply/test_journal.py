"""The real script of a change on real files: what it refuses, what it keeps, what it gives back."""

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from fakes import attempt
from hand_lab import NEW, OLD, Site, needs_root, site
from hullward.apply import script
from hullward.apply.journal import Entry
from hullward.model.errors import HullwardError
from hullward.model.plan import Act, Edit, Owner, Plan, Way

pytestmark = needs_root


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Site]:
    """Give files and a journal; whatever a test leaves open is put back, and its timer stopped."""
    laid = site(tmp_path)
    yield laid
    for change in laid.journal.changes():
        if not change.over:
            laid.journal.reverted(change.number)


def opened(made: Site, plan: Plan | None = None) -> Entry:
    return made.journal.opened(plan or made.plan(), "me@here")


def refused(work: Callable[[], object]) -> str:
    found = attempt(work)
    assert isinstance(found, HullwardError)
    assert found.advice
    return found.what


def tool(*command: str, given: str = "") -> int:
    """Run a program for its exit status."""
    return subprocess.run(  # noqa: S603 - of this file
        command, input=given, capture_output=True, text=True, check=False
    ).returncode


def states(made: Site) -> list[str]:
    return [change.state for change in made.journal.changes()]


def edit_of(made: Site, name: str, before: str | None, after: str | None) -> Plan:
    return Plan("One", "none", (Edit(made.path(name), before, after),), within=60)


def test_a_change_is_carried_out_and_confirmed(made: Site) -> None:
    entry = opened(made)
    made.journal.checked(entry)
    made.journal.carried_out(entry)
    made.journal.confirmed(entry)

    assert made.files() == NEW
    assert made.commands() == "forth\n"
    assert states(made) == ["confirmed"]


def test_a_change_that_is_put_back_leaves_every_file_as_it_was(made: Site) -> None:
    folders = sorted(str(path) for path in (made.root / "etc").rglob("*"))
    times = (made.root / "etc/edited").stat().st_mtime_ns
    entry = opened(made)
    made.journal.carried_out(entry)
    made.journal.reverted(entry.number)

    assert made.files() == OLD
    assert (made.root / "etc/edited").stat().st_mtime_ns == times
    assert sorted(str(path) for path in (made.root / "etc").rglob("*")) == folders
    assert made.commands() == "forth\nback\n"
    assert states(made) == ["reverted"]


def test_the_inverse_plan_gives_back_what_was(made: Site) -> None:
    for plan in (made.plan(), made.plan().inverse()):
        entry = opened(made, plan)
        made.journal.carried_out(entry)
        made.journal.confirmed(entry)

    assert {name: file[0] for name, file in made.files().items()} == {
        name: file[0] for name, file in OLD.items()
    }


def test_nothing_is_changed_before_it_is_carried_out(made: Site) -> None:
    opened(made)

    assert made.files() == OLD
    assert states(made) == ["prepared"]
    assert (made.root / "journal").stat().st_mode & 0o777 == 0o700


def test_extended_attributes_and_lists_stay(made: Site) -> None:
    path = made.path("edited")
    try:
        os.setxattr(path, "user.note", b"keep")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    entry = opened(made)
    made.journal.carried_out(entry)

    assert os.getxattr(path, "user.note") == b"keep"
    made.journal.reverted(entry.number)
    assert os.getxattr(path, "user.note") == b"keep"


def test_a_second_change_is_refused_with_the_name_and_age_of_the_first(made: Site) -> None:
    opened(made)
    made.shell.where = "web1"

    assert refused(lambda: opened(made)).startswith(
        "Change 1 on web1 is not finished: Try, by me@here, begun "
    )


def test_of_two_that_begin_at_once_one_is_refused(made: Site) -> None:
    found: list[Entry | HullwardError] = []
    threads = [
        threading.Thread(target=lambda: found.append(attempt(lambda: opened(made))))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(isinstance(one, Entry) for one in found) == 1
    assert len(found) == 4


def test_a_file_that_somebody_has_written_is_refused_at_both_ends(made: Site) -> None:
    Path(made.path("edited")).write_text("mine\n")
    assert refused(lambda: opened(made)) == (
        f"Somebody has written {made.path('edited')} since it was looked at."
    )
    Path(made.path("edited")).write_text("old\n")
    entry = opened(made)
    Path(made.path("edited")).write_text("mine\n")

    assert "Somebody has written" in refused(lambda: made.journal.carried_out(entry))
    assert Path(made.path("edited")).read_text() == "mine\n"
    Path(made.path("edited")).write_text("old\n")


def test_what_somebody_wrote_in_between_is_kept_when_the_original_comes_back(made: Site) -> None:
    entry = opened(made)
    made.journal.carried_out(entry)
    Path(made.path("edited")).write_text("mine\n")
    made.journal.reverted(entry.number)

    assert made.files() == OLD
    assert (made.root / "journal/changes/1/edit/000/lost").read_text() == "mine\n"


def test_a_check_that_fails_changes_nothing_and_leaves_no_entry(made: Site) -> None:
    check = Act(("sh", "-c", 'cat "$1" >&2; exit 1', "-", f"{{new:{made.path('edited')}}}"))
    plan = replace(made.plan(), forth=Way(check=(check,)))
    entry = opened(made, plan)

    assert refused_words(lambda: made.journal.checked(entry)) == (
        "The new files do not pass their check: new."
    )
    assert made.files() == OLD
    assert states(made) == []


def refused_words(work: Callable[[], object]) -> str:
    found = attempt(work)
    assert isinstance(found, HullwardError)
    return found.what


def test_candidates_are_for_checks_and_never_installed(made: Site) -> None:
    way = Way(
        check=(Act(("grep", "-q", "^x$", "{candidate:main.conf}")),),
        candidates=(("main.conf", "x\n"),),
    )
    entry = opened(made, replace(made.plan(), forth=way))
    made.journal.checked(entry)

    assert Path(entry.candidate("main.conf")).read_text() == "x\n"
    assert Path(entry.new(made.path("edited"))).read_text() == "new\n"
    assert made.files() == OLD


def test_programs_that_fail_are_put_back_by_the_host_itself(made: Site) -> None:
    entry = opened(made, made.plan(activate="echo no port >&2; exit 1"))

    assert refused_words(lambda: made.journal.carried_out(entry)) == (
        "The programs did not take the change: no port."
    )
    assert made.files() == OLD
    assert made.commands() == "forth\nback\n"
    assert states(made) == ["reverted"]


def test_the_host_takes_back_what_is_not_confirmed_and_refuses_the_late_word(made: Site) -> None:
    entry = opened(made, made.plan(within=1))
    made.journal.carried_out(entry)
    for _ in range(200):
        if states(made) == ["reverted"]:
            break
        time.sleep(0.1)

    assert made.files() == OLD
    assert made.commands() == "forth\nback\n"
    assert "came too late" in refused(lambda: made.journal.confirmed(entry))


def test_a_confirmation_after_the_end_is_late_even_if_the_timer_died(made: Site) -> None:
    entry = opened(made, made.plan(within=30))
    made.journal.carried_out(entry)
    folder = made.root / "journal/changes/1"
    os.killpg(int((folder / "timer.pid").read_text()), 9)
    token, end, boot = (folder / "timer").read_text().split()
    (folder / "timer").write_text(f"{token} {int(end) - 40} {boot}\n")

    assert "came too late" in refused(lambda: made.journal.confirmed(entry))
    assert states(made) == ["active"]


def test_an_unknown_token_confirms_nothing(made: Site) -> None:
    entry = opened(made)
    made.journal.carried_out(entry)

    stranger = made.journal.resumed(entry.number)

    assert "came too late" in refused(lambda: made.journal.confirmed(stranger))


def test_a_confirmed_change_has_no_timer_any_more(made: Site) -> None:
    entry = opened(made)
    made.journal.carried_out(entry)
    pid = int((made.root / "journal/changes/1/timer.pid").read_text())
    assert Path(f"/proc/{pid}").exists()
    made.journal.confirmed(entry)
    for _ in range(50):
        if not Path(f"/proc/{pid}").exists():
            break
        time.sleep(0.1)

    assert not Path(f"/proc/{pid}").exists()


def test_a_script_that_is_cut_off_anywhere_does_nothing(made: Site) -> None:
    text = script.script(
        script.opening(made.plan(), "me", made.journal.folder), made.journal.folder
    )
    for share in range(1, 10):
        part = text[: len(text) * share // 10]

        assert tool("sh", "-s", given=part)
    assert not Path(made.journal.folder).exists()
    assert made.files() == OLD


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    if tool("mount", "-t", "tmpfs", "-o", options, "hullward", str(folder)):
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        assert not tool("umount", str(folder))


def test_a_read_only_file_system_is_told_before_anything_is_changed(made: Site) -> None:
    folder = made.root / "etc" / "ro"
    folder.mkdir()
    with mounted(folder, "size=64k,mode=755"):
        (folder / "file").write_text("a")
        assert not tool("mount", "-o", "remount,ro", str(folder))
        found = refused(lambda: opened(made, edit_of(made, "ro/file", "a", "b")))

        assert found == f"{folder}/file is on a file system that is mounted read-only."
    assert states(made) == []


def test_a_full_disk_is_told_before_anything_is_changed(made: Site) -> None:
    folder = made.root / "etc" / "full"
    folder.mkdir()
    with mounted(folder, "size=16k,mode=755"):
        (folder / "file").write_text("a")
        found = refused(lambda: opened(made, edit_of(made, "full/file", "a", "b" * 40000)))

        assert found == f"There is no room on the disk of {folder}/file."
        assert sorted(path.name for path in folder.iterdir()) == ["file"]
    assert states(made) == []


def test_an_immutable_file_is_named(made: Site) -> None:
    path = made.path("edited")
    if not shutil.which("chattr") or tool("chattr", "+i", path):
        pytest.skip("no file can be made immutable here")
    try:
        found = refused(lambda: opened(made))
    finally:
        assert not tool("chattr", "-i", path)

    assert found == f"{path} is immutable."


def test_a_folder_that_others_may_write_is_refused(made: Site) -> None:
    (made.root / "etc").chmod(0o777)

    assert (
        refused(lambda: opened(made)) == f"Others than root can replace files in {made.root}/etc."
    )


def test_a_link_is_followed_when_it_is_read_and_never_written_through(made: Site) -> None:
    link = made.root / "etc" / "link"
    link.symlink_to("edited")
    (now,) = made.journal.look([str(link)])

    assert (now.path, now.text, now.uid, now.gid, now.mode) == (
        made.path("edited"),
        "old\n",
        1,
        2,
        0o640,
    )
    assert "Somebody has written" in refused(
        lambda: opened(made, edit_of(made, "link", "old\n", "x"))
    )


def test_what_cannot_be_read_as_a_text_is_refused(made: Site) -> None:
    (made.root / "etc/latin").write_bytes(b"caf\xe9")
    (made.root / "etc/dangling").symlink_to("nowhere")

    assert "is not UTF-8 (byte 4)" in refused(lambda: made.journal.look([made.path("latin")]))
    assert "a link to a file that is not there" in refused(
        lambda: made.journal.look([made.path("dangling")])
    )
    assert "is no file" in refused(lambda: made.journal.look([str(made.root)]))


def test_line_ends_and_missing_last_ones_stay(made: Site) -> None:
    (made.root / "etc/crlf").write_bytes(b"a\r\nb")
    (now,) = made.journal.look([made.path("crlf")])
    entry = opened(made, edit_of(made, "crlf", now.text, "a\r\nc"))
    made.journal.carried_out(entry)

    assert (made.root / "etc/crlf").read_bytes() == b"a\r\nc"


def test_hostile_names_and_texts_are_only_names_and_texts(made: Site) -> None:
    name = "$(touch pwned) '; \"`x`"
    text = "'; touch pwned\n$(touch pwned)\n"
    entry = opened(made, edit_of(made, name, None, text))
    made.journal.carried_out(entry)

    assert (made.root / "etc" / name).read_text() == text
    assert not Path("pwned").exists()
    assert "is no path" in refused(lambda: opened(made, edit_of(made, "a\nb", None, "x")))


def test_a_clock_that_jumps_changes_neither_age_nor_end(made: Site, tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "date").write_text("#!/bin/sh\necho 4102444800\n")
    (folder / "date").chmod(0o755)
    entry = opened(made)
    made.journal.carried_out(entry)
    made.shell.path = str(folder)
    (change,) = made.journal.changes()

    assert change.age < 60
    assert change.left is not None
    assert 0 < change.left <= 60
    made.journal.confirmed(entry)


def test_owner_and_mode_are_right_from_the_start(made: Site) -> None:
    path = made.path("secret")
    plan = Plan("One", "none", (Edit(path, None, "x", None, Owner(3, 4, 0o600)),), within=60)
    entry = opened(made, plan)
    seen = Path(entry.new(path)).stat()

    assert (seen.st_uid, seen.st_gid, seen.st_mode & 0o7777) == (3, 4, 0o600)
