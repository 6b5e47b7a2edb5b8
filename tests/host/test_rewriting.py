"""A file of the user's is replaced whole, as it was but for its text, or not at all."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from hullward.host import beside, rewriting
from hullward.model.errors import HullwardError

OLD, NEW = b"old\n", b"new text\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "compose.yaml"
    path.write_bytes(OLD)
    path.chmod(0o640)
    return path


def refusal(path: Path, project: Path | None = None, data: bytes = OLD) -> str:
    with pytest.raises(HullwardError) as error:
        rewriting.original(str(path), str(project or path.parent), data)
    return error.value.what


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_new_text_has_the_mode_and_the_owner_of_the_old_one(file: Path) -> None:
    if os.geteuid() == 0:
        os.chown(file, 1234, 4321)
    before = file.stat()

    rewriting.replace(rewriting.original(str(file), str(file.parent), OLD), NEW)

    after = file.stat()
    assert file.read_bytes() == NEW
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )
    assert names(file.parent) == ["compose.yaml"]


def test_attributes_of_the_file_stay(file: Path) -> None:
    try:
        os.setxattr(file, "user.note", b"mine")
    except OSError:
        pytest.skip("the file system has no attributes")

    rewriting.replace(rewriting.original(str(file), str(file.parent), OLD), NEW)

    assert os.getxattr(file, "user.note") == b"mine"


def test_the_copy_beside_it_is_the_old_file(file: Path) -> None:
    original = rewriting.original(str(file), str(file.parent), OLD)

    first, second = Path(rewriting.keep(original)), Path(rewriting.keep(original))

    assert first != second
    assert first.parent == second.parent == file.parent
    assert first.read_bytes() == second.read_bytes() == OLD
    assert stat.S_IMODE(first.stat().st_mode) == 0o640
    assert first.suffix == ".bak"


def test_a_file_that_changes_while_it_is_edited_is_not_overwritten(file: Path) -> None:
    original = rewriting.original(str(file), str(file.parent), OLD)
    file.write_bytes(b"somebody else\n")

    with pytest.raises(HullwardError, match="was changed while it was edited"):
        rewriting.replace(original, NEW)

    assert file.read_bytes() == b"somebody else\n"
    assert names(file.parent) == ["compose.yaml"]


def test_a_file_that_is_replaced_or_vanishes_meanwhile_is_left_alone(file: Path) -> None:
    original = rewriting.original(str(file), str(file.parent), OLD)
    file.unlink()
    with pytest.raises(HullwardError, match="cannot be written: No such file"):
        rewriting.replace(original, NEW)
    file.write_bytes(OLD)

    with pytest.raises(HullwardError, match="was changed while it was edited"):
        rewriting.replace(original, NEW)

    assert file.read_bytes() == OLD


def test_other_bytes_than_those_that_were_judged_are_refused(file: Path) -> None:
    assert refusal(file, data=b"other") == f"{file} was changed while it was read."


def test_a_link_inside_the_project_is_followed_and_stays_a_link(file: Path) -> None:
    link = file.with_name("docker-compose.yml")
    link.symlink_to(file.name)

    rewriting.replace(rewriting.original(str(link), str(file.parent), OLD), NEW)

    assert link.is_symlink()
    assert file.read_bytes() == NEW


def test_a_link_out_of_the_project_is_refused(file: Path) -> None:
    project = file.parent / "project"
    project.mkdir()
    link = project / "compose.yaml"
    link.symlink_to(file)

    assert "which is outside of" in refusal(link)
    assert "which is outside of" in refusal(link, project)


def test_a_file_with_a_second_name_is_refused(file: Path) -> None:
    os.link(file, file.with_name("other.yaml"))

    assert refusal(file) == f"{file} has a second name (a hard link)."


def test_what_is_no_file_or_not_there_is_refused(tmp_path: Path) -> None:
    assert "cannot be written: Is a directory" in refusal(tmp_path)
    assert "cannot be written: No such file" in refusal(tmp_path / "none.yaml")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everything")
@pytest.mark.parametrize("which", ["file", "folder"])
def test_without_permission_nothing_is_written(file: Path, which: str) -> None:
    (file if which == "file" else file.parent).chmod(0o500)

    try:
        assert "no permission" in refusal(file)
    finally:
        file.parent.chmod(0o700)


def test_git_holds_a_file_only_where_it_is_as_it_was_committed(file: Path) -> None:
    def git(*words: str) -> None:
        name = ("-c", "user.name=a", "-c", "user.email=a@b")
        command = ("git", "-C", str(file.parent), *name, *words)
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - an argument tuple

    assert not beside.committed(str(file))
    git("init", "-q")
    assert not beside.committed(str(file))
    git("add", file.name)
    assert not beside.committed(str(file))
    git("commit", "-q", "-m", "one")
    assert beside.committed(str(file))
    file.write_bytes(NEW)
    assert not beside.committed(str(file))
