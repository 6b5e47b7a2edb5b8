"""Which package a file is of: the lists of dpkg say the same as dpkg-query -S."""

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from hullward.collect.packages import DPKG_OWNERS

FORMAT = Path("/var/lib/dpkg/info/format")

pytestmark = pytest.mark.skipif(
    not shutil.which("dpkg-query") or not FORMAT.exists(), reason="this machine has no dpkg"
)


def owners(*paths: str, script: str = DPKG_OWNERS) -> list[str]:
    words = ("sh", "-s", "--", *paths)
    done = subprocess.run(  # noqa: S603 - an argument tuple
        words, input=f'{script}dpkg_owners "$@"', capture_output=True, text=True, check=False
    )
    return done.stdout.splitlines()


def told(*paths: str) -> list[str]:
    words = ("dpkg-query", "-S", *paths)
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - an argument tuple
    return [line for line in done.stdout.splitlines() if not line.startswith("diversion by ")]


def files(count: int) -> list[str]:
    """Pick files that packages listed: programs, libraries of several architectures, settings."""
    listed = [
        line
        for path in sorted(FORMAT.parent.glob("*.list"))
        for line in path.read_text().splitlines()
        if Path(line).is_file() and line.isprintable() and not set(line) & set("[]*?\\")
    ]
    return random.Random(7).sample(listed, min(count, len(listed)))  # noqa: S311 - a choice of files


def test_grep_and_dpkg_query_name_the_same_packages() -> None:
    paths = files(40)
    said = {tuple(line.split(": ")) for line in owners(*paths)}
    expected = {
        (name, line.rpartition(": ")[2])
        for line in told(*paths)
        for name in line.rpartition(": ")[0].split(", ")
    }

    assert said == expected


def test_a_file_of_no_package_is_told_from_one_that_begins_alike() -> None:
    path = files(1)[0]

    assert owners(f"{path}.none", path, "/no/such")[1:] == [
        f"no path found matching {path}.none",
        "no path found matching /no/such",
    ]


@pytest.mark.parametrize("path", ["/usr/bin/*", "/usr/bin/[a-z]", ".*", "-e", "--help", "/x y"])
def test_a_path_is_no_pattern_and_no_option(path: str) -> None:
    assert owners(path) == [f"no path found matching {path}"]


def test_lists_of_another_format_are_left_to_dpkg_query(tmp_path: Path) -> None:
    (tmp_path / "format").write_text("9\n")
    path = files(1)[0]
    said = owners(path, script=DPKG_OWNERS.replace("/var/lib/dpkg/info", str(tmp_path)))

    assert said == told(path)
