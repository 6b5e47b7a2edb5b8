"""Compose files on a disk: which are found, which belong together, and what is refused."""

import os
from pathlib import Path

import pytest

from hullward.compose.model import MissingFileError
from hullward.host import compose_files
from hullward.model.errors import HullwardError


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("services: {}\n")


def test_every_project_of_a_folder_is_found_with_its_override(tmp_path: Path) -> None:
    make(
        tmp_path,
        "compose.yaml",
        "compose.override.yaml",
        "compose.prod.yml",
        "b/docker-compose.yml",
        "b/docker-compose-dev.yaml",
        "b/traefik.compose.yaml",
        "b/values.yaml",
        "b/composer.yaml",
        "c/.devcontainer/docker-compose.yaml",
        "c/compose.override.yml",
        "node_modules/x/compose.yaml",
        ".git/compose.yaml",
    )
    found = [
        tuple(os.path.relpath(name, tmp_path) for name in group)
        for group in compose_files.find(str(tmp_path))
        if isinstance(group, tuple)
    ]

    assert found == [
        ("compose.prod.yml",),
        ("compose.yaml", "compose.override.yaml"),
        ("b/docker-compose-dev.yaml",),
        ("b/docker-compose.yml",),
        ("b/traefik.compose.yaml",),
        ("c/compose.override.yml",),
        ("c/.devcontainer/docker-compose.yaml",),
    ]


def test_a_file_by_one_of_composes_names_takes_its_override_along(tmp_path: Path) -> None:
    make(tmp_path, "compose.yaml", "compose.override.yml", "other.yaml")
    here = str(tmp_path)

    assert compose_files.beside(f"{here}/compose.yaml") == (
        f"{here}/compose.yaml",
        f"{here}/compose.override.yml",
    )
    assert compose_files.beside(f"{here}/compose.override.yml") == (
        f"{here}/compose.yaml",
        f"{here}/compose.override.yml",
    )
    assert compose_files.beside(f"{here}/other.yaml") == (f"{here}/other.yaml",)


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    make(tmp_path, "a/compose.yaml")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)

    assert len(list(compose_files.find(str(tmp_path)))) == 1


def test_a_file_that_is_not_there_is_missing_and_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="cannot be read: No such file"):
        compose_files.load(str(tmp_path / "no.yaml"))
    with pytest.raises(HullwardError, match=r"not a regular file|Is a directory"):
        compose_files.load(str(tmp_path))


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "compose.yaml"
    os.mkfifo(pipe)

    with pytest.raises(HullwardError, match="not a regular file"):
        compose_files.load(str(pipe))


def test_a_file_beyond_all_sense_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "compose.yaml"
    with path.open("wb") as file:
        file.truncate(compose_files.LIMIT + 1)

    with pytest.raises(HullwardError, match="larger than 16 MiB"):
        compose_files.load(str(path))


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(HullwardError, match="cannot be read"):
        compose_files.load(name)


def test_a_folder_that_is_gone_is_one_error(tmp_path: Path) -> None:
    (error,) = compose_files.find(str(tmp_path / "gone"))

    assert isinstance(error, HullwardError)
    assert "cannot be listed: No such file" in error.what


def test_paths_are_written_from_the_current_folder_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert compose_files.short(f"{tmp_path}/a/b.yaml") == "a/b.yaml"
    assert compose_files.short(f"{tmp_path}x/b.yaml") == f"{tmp_path}x/b.yaml"
    assert compose_files.folder("a/b.yaml") == f"{tmp_path}/a"
