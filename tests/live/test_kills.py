"""Whatever is killed, at whatever command: the old state, the new one, or a known way to both."""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from hand_lab import KILLED, NEW, OLD, Site, needs_root, site
from hullward.apply.journal import Entry
from hullward.model.change import Change
from hullward.model.errors import HullwardError

pytestmark = [pytest.mark.live, needs_root]

TEMPORARY = ".hullward.part"


@pytest.fixture
def disk() -> Iterator[Path]:
    """Give a folder in memory, where hundreds of fsync take no time."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


def nothing(_: Site) -> None:
    """Begin with an untouched host."""


def opened(made: Site) -> Entry:
    return made.journal.opened(made.plan(), "me@here")


def carried_out(made: Site) -> Entry:
    entry = opened(made)
    made.journal.carried_out(entry)
    return entry


def killed(made: Site, work: Callable[[], object], at: int, *, fails: bool) -> bool:
    """Do the work with a kill before command number `at`; False when it has fewer commands."""
    made.shell.kill = at
    try:
        work()
    except (HullwardError, StopIteration):
        # A change that is to fail does so when nothing kills it any more.
        assert made.shell.status == KILLED or fails
        return made.shell.status == KILLED
    return False


def whole(made: Site) -> None:
    """Check that every file is whole, old or new, with the owner and mode that belong to it."""
    found = {name: file for name, file in made.files().items() if name != TEMPORARY}
    assert "edited" in found
    for name, file in found.items():
        assert file in {OLD.get(name), NEW.get(name)}


def told(change: Change) -> None:
    """Check that the journal says how far it came, and that mixed files never are for long."""
    assert change.files in {"old", "new", "mixed"}
    if change.files == "mixed":
        assert change.state in {"applying", "reverting"}
    if change.state != "prepared":
        assert change.left is not None


def ended(made: Site, entry: Entry | None, at: int, *, fails: bool) -> None:
    """Let the next hullward find what was left: it finishes it, undoes it, or the timer does."""
    whole(made)
    changes = made.journal.changes()
    if not changes:
        opened(made)
        assert made.files() == OLD
        return
    (change,) = changes
    if change.over:
        assert made.files() == (NEW if change.state == "confirmed" else OLD)
        return
    told(change)
    if at % 3 == 0 and not fails and change.state not in {"reverting", "restored"}:
        resumed = made.journal.resumed(change.number)
        made.journal.carried_out(resumed)
        made.journal.confirmed(resumed)
        assert made.files() == NEW
    elif at % 3 == 1 or entry is None or change.state == "prepared":
        made.journal.reverted(change.number)
        assert made.files() == OLD
    else:
        made.expire(entry)
        assert made.files() == OLD
    assert all(change.over for change in made.journal.changes())


def every_kill(
    root: Path,
    first: Callable[[Site], Entry | None],
    step: Callable[[Site, Entry | None], object],
    *,
    fails: bool = False,
) -> int:
    """Do `first` undisturbed, and then `step` with a kill before each of its commands in turn."""
    for at in count(1):
        made = site(root / str(at))
        entry = first(made)
        if not killed(made, partial(step, made, entry), at, fails=fails):
            return at
        ended(made, entry, at, fails=fails)
    raise AssertionError


def test_killed_while_the_journal_is_written(disk: Path) -> None:
    assert every_kill(disk, nothing, lambda made, _: opened(made)) > 100


def test_killed_while_it_is_carried_out(disk: Path) -> None:
    def step(made: Site, entry: Entry | None) -> None:
        assert entry
        made.journal.carried_out(entry)

    assert every_kill(disk, opened, step) > 100


def test_killed_while_it_is_confirmed(disk: Path) -> None:
    def step(made: Site, entry: Entry | None) -> None:
        assert entry
        made.journal.confirmed(entry)

    assert every_kill(disk, carried_out, step) > 20


def test_killed_while_it_is_put_back(disk: Path) -> None:
    def step(made: Site, entry: Entry | None) -> None:
        assert entry
        made.journal.reverted(entry.number)

    assert every_kill(disk, carried_out, step) > 50


def test_killed_while_a_failed_restart_is_put_back(disk: Path) -> None:
    def step(made: Site, entry: Entry | None) -> None:
        assert entry
        made.journal.carried_out(entry)

    def failing(made: Site) -> Entry:
        return made.journal.opened(made.plan(activate="exit 7"), "me@here")

    assert every_kill(disk, failing, step, fails=True) > 100
