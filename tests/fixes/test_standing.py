import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hullward.fixes import nft, standing
from hullward.fixes.standing import Standing
from hullward.model.change import FileNow
from hullward.model.errors import HullwardError
from hullward.model.walls import Ground, Loaded

WALL = Standing("hullward_isolation", "isolate", "the wall between users and containers")
TEXT = nft.table(WALL.table, "isolate", {}, "")
GROUND = Ground(init="systemd")
EMPTY = tuple(FileNow(path) for path in WALL.paths("systemd"))
INITS = ("systemd", "openrc", "")


def after(plan_text: str, init: str) -> tuple[FileNow, ...]:
    files = tuple(FileNow(path) for path in WALL.paths(init))
    plan = standing.plan(WALL, replace(GROUND, init=init), plan_text, files)
    return tuple(
        FileNow(e.path, e.after, 0, 0, e.becomes.mode if e.becomes else 0) for e in plan.edits
    )


@given(init=st.sampled_from(INITS))
def test_a_plan_and_its_inverse_lead_there_and_back(init: str) -> None:
    ground = replace(GROUND, init=init)
    files = tuple(FileNow(path) for path in WALL.paths(init))
    plan = standing.plan(WALL, ground, TEXT, files)

    assert plan.inverse().inverse() == plan
    assert [edit.after for edit in plan.inverse().edits] == [None] * len(files)
    assert plan.forth.activate[0].words == plan.back.activate[0].words


def test_the_text_is_checked_by_nft_before_anything_is_changed() -> None:
    (act,) = standing.plan(WALL, GROUND, TEXT, EMPTY).forth.check

    assert act.words == ("/usr/sbin/nft", "-c", "-f", "{new:/etc/hullward/isolate.nft}")


def test_without_a_known_init_system_it_says_that_a_restart_ends_it() -> None:
    plan = standing.plan(WALL, replace(GROUND, init=""), TEXT, EMPTY[:1])

    assert [edit.path for edit in plan.edits] == ["/etc/hullward/isolate.nft"]
    assert "at the next boot the table is gone" in plan.forth.notes[0]


def test_the_end_removes_every_file() -> None:
    loaded = replace(GROUND, loaded={WALL.table: Loaded(ours=True)})
    plan = standing.plan(WALL, loaded, None, after(TEXT, "systemd"))

    assert [edit.after for edit in plan.edits] == [None, None, None]
    assert (plan.forth.proof, plan.back.proof) == ("off", "on")


def test_what_is_in_place_and_what_is_not_there_is_left_alone() -> None:
    loaded = replace(GROUND, loaded={WALL.table: Loaded(ours=True)})

    with pytest.raises(HullwardError, match="is in place, and as it would be made now"):
        standing.plan(WALL, loaded, TEXT, after(TEXT, "systemd"))
    with pytest.raises(HullwardError, match="is not there"):
        standing.plan(WALL, GROUND, None, EMPTY)
    # A table that somebody has deleted since is made again.
    again = standing.plan(WALL, GROUND, TEXT, after(TEXT, "systemd"))
    assert again.forth.proof == "on"


@pytest.mark.parametrize(
    ("ground", "what"),
    [
        (replace(GROUND, nft=""), "has no nft"),
        (replace(GROUND, version=(0, 9, 0)), r"nft 0\.9\.0 on this host is too old"),
        (replace(GROUND, loaded={WALL.table: Loaded(ours=False)}), "that hullward did not make"),
    ],
)
def test_a_host_on_which_it_cannot_be_done_is_refused(ground: Ground, what: str) -> None:
    with pytest.raises(HullwardError, match=what) as told:
        standing.plan(WALL, ground, TEXT, EMPTY)

    assert told.value.advice


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("command", ["isolate", "firewall"])
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path, command: str) -> None:
    unit = tmp_path / f"hullward-{command}.service"
    unit.write_text(standing.systemd(replace(WALL, command=command)))

    done = subprocess.run(  # noqa: S603 - a temporary file of ours
        ("systemd-analyze", "verify", "--man=no", str(unit)),  # noqa: S607 - as it is found
        capture_output=True,
        text=True,
        check=False,
    )

    assert [line for line in done.stderr.splitlines() if unit.name in line] == []


def loaded_by(tmp_path: Path) -> str:
    """Run the loader with an nft that only says which file it would load."""
    program = tmp_path / "nft"
    program.write_text('#!/bin/sh\necho "$2"\n')
    program.chmod(0o755)
    text = standing.loader(WALL, str(program), str(tmp_path)).replace(
        WALL.text, str(tmp_path / "isolate.nft")
    )
    done = subprocess.run(
        ("/bin/sh", "-eu"), input=text, capture_output=True, text=True, check=True
    )
    return done.stdout.strip().removeprefix(f"{tmp_path}{os.sep}")


def change(tmp_path: Path, state: str, *, old: bool) -> None:
    """Write an entry of the journal as apply/hand.sh does."""
    edit = tmp_path / "changes/7/edit/000"
    edit.mkdir(parents=True)
    (tmp_path / "changes/7/state").write_text(f"{state}\n")
    (edit / "path").write_text(str(tmp_path / "isolate.nft"))
    if old:
        (edit / "old").write_text("old")


def test_at_boot_the_text_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "isolate.nft").write_text("new")

    assert loaded_by(tmp_path) == "isolate.nft"


def test_at_boot_nothing_is_loaded_where_there_is_nothing(tmp_path: Path) -> None:
    assert loaded_by(tmp_path) == ""


@pytest.mark.parametrize("state", ["applied", "activating", "active", "reverting"])
def test_at_boot_a_change_that_nobody_has_confirmed_is_not_loaded(
    tmp_path: Path, state: str
) -> None:
    (tmp_path / "isolate.nft").write_text("new")
    change(tmp_path, state, old=True)

    assert loaded_by(tmp_path) == "changes/7/edit/000/old"
    (tmp_path / "changes/7/edit/000/old").unlink()
    assert loaded_by(tmp_path) == ""


@pytest.mark.parametrize("state", ["confirmed", "reverted"])
def test_at_boot_a_finished_change_is_loaded(tmp_path: Path, state: str) -> None:
    (tmp_path / "isolate.nft").write_text("new")
    change(tmp_path, state, old=True)

    assert loaded_by(tmp_path) == "isolate.nft"


def agreed(tmp_path: Path, init: str, *, there: bool) -> list[str]:
    """Run what makes kernel and init system agree, with programs that only say what they get."""
    for name in ("nft", "systemctl", "rc-update", "rc-service"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\necho {name} "$@" >>{tmp_path}/said\n[ "$2" != - ] || cat\n')
        program.chmod(0o755)
    ground = replace(GROUND, init=init, nft=str(tmp_path / "bin/nft"))
    loaded = replace(ground, loaded={WALL.table: Loaded(ours=True)})
    files = tuple(FileNow(path) for path in WALL.paths(init))
    plan = standing.plan(WALL, loaded, TEXT, files)
    unit = tmp_path / WALL.unit(init).removeprefix("/")
    wants = (
        unit.parent / "multi-user.target.wants" / unit.name
        if init == "systemd"
        else tmp_path / "etc/runlevels/default" / unit.name
    )
    for path in (unit, wants, tmp_path / "text"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if there or path == wants:
            path.write_text("")
    moved = {WALL.unit(init): str(unit), WALL.text: str(tmp_path / "text")}
    (act,) = plan.forth.activate
    subprocess.run(  # noqa: S603 - of ours
        [moved.get(word, word) for word in act.words],
        check=True,
        env={"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"},
        stdout=subprocess.DEVNULL,
    )
    assert wants.exists() is there
    return [line.split("/bin/")[-1] for line in (tmp_path / "said").read_text().splitlines()]


def test_systemd_learns_of_the_unit_before_the_new_text_is_loaded(tmp_path: Path) -> None:
    assert agreed(tmp_path, "systemd", there=True) == [
        "systemctl daemon-reload",
        "systemctl --quiet enable hullward-isolate.service",
        "systemctl start hullward-isolate.service",
        f"nft -f {tmp_path}/text",
    ]


def test_systemd_forgets_the_unit_and_the_table_goes(tmp_path: Path) -> None:
    assert agreed(tmp_path, "systemd", there=False) == [
        "systemctl --quiet stop hullward-isolate.service",
        "systemctl daemon-reload",
        "nft -f -",
    ]


def test_openrc_learns_and_forgets_it_as_well(tmp_path: Path) -> None:
    assert agreed(tmp_path, "openrc", there=True) == [
        "rc-update --quiet add hullward-isolate default",
        "rc-service --quiet hullward-isolate start",
        f"nft -f {tmp_path}/text",
    ]
    (tmp_path / "said").unlink()
    assert agreed(tmp_path, "openrc", there=False) == ["nft -f -"]
