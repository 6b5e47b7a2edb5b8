import os
import stat
from pathlib import Path

import pytest

from fakes import attempt
from hullward.host import files
from hullward.host.procfs import Procfs
from hullward.model.errors import HullwardError


def test_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\x00\xff")

    assert files.read(str(tmp_path / "f"), what="snapshot") == b"\x00\xff"


def test_file_that_never_ends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_LIMIT", 1024 * 1024)

    with pytest.raises(HullwardError, match="larger than 1 MiB"):
        files.read("/dev/zero", what="snapshot")


@pytest.mark.parametrize(("path", "there"), [("f", True), ("none", False), ("a\0b", False)])
def test_file_is_there_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, there: object
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "f").touch()

    assert attempt(lambda: files.exists(path)) == there


def test_file_is_written_for_its_owner_and_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("something longer")
    path.chmod(0o644)
    files.write(str(path), b"new")

    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_link_keeps_its_place(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to("folder/f")
    files.write(str(tmp_path / "link"), b"new")

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "f").read_bytes() == b"new"


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    files.write(str(pipe), b"new")
    text = os.read(reader, 100)
    os.close(reader)

    assert text == b"new"
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_dev_null_stays_a_device() -> None:
    files.write("/dev/null", b"new")

    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("path", ["none/f", "", ".", "a\0b", "x" * 300])
def test_place_that_cannot_be_written_is_an_error_and_stays_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(HullwardError, match="cannot be written"):
        files.write(path, b"new")

    assert list(tmp_path.iterdir()) == []


def test_own_process_is_seen_in_proc() -> None:
    proc = Procfs()

    assert os.getpid() in set(proc.pids())
    assert (proc.read(os.getpid(), "status") or "").startswith("Name:")


def test_sockets_of_a_process_are_the_inodes_of_its_links(tmp_path: Path) -> None:
    folder = tmp_path / "7" / "fd"
    folder.mkdir(parents=True)
    (folder / "0").symlink_to("/dev/null")
    (folder / "1").symlink_to("socket:[4711]")
    (folder / "2").symlink_to("pipe:[1]")

    assert Procfs(str(tmp_path)).sockets(7) == frozenset({4711})


def test_process_that_is_gone_or_hidden_is_none(tmp_path: Path) -> None:
    proc = Procfs(str(tmp_path))

    assert (proc.read(7, "status"), proc.sockets(7)) == (None, None)


def test_file_of_proc_that_fails_while_it_is_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").mkdir()

    assert Procfs(str(tmp_path)).read(7, "status") is None


def test_text_of_proc_that_is_no_utf8_is_read_with_marks(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_bytes(b"Name:\t\xff\n")

    assert Procfs(str(tmp_path)).read(7, "status") == "Name:\t\N{REPLACEMENT CHARACTER}\n"


def test_folder_without_a_proc_raises_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Procfs(str(tmp_path / "none")).pids()
