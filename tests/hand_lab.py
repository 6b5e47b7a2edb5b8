"""Files and a journal in a folder, and the real script of a change, killed wherever one likes."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from hullward.apply.journal import Entry, Journal
from hullward.host.hands import Answer
from hullward.model.plan import Act, Edit, Owner, Plan, Way

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("bash"), reason="changes are made by root; needs bash"
)
KILLED = -9

# Kills the shell, as `kill -9` does, before its command number N.
_KILLER = """
set -T
killed_at=0
counted() {
  killed_at=$((killed_at + 1))
  [ $killed_at != N ] || kill -9 $$
}
trap '[ $BASH_SUBSHELL != 0 ] || counted' DEBUG
"""


@dataclass
class Shell:
    """Runs scripts here; the next one is killed before its command number `kill`."""

    where: str = "here"
    kill: int = 0
    program: str = "sh"
    status: int = 0
    path: str = ""

    def run(self, script: str, seconds: float) -> Answer:
        text, program = script, self.program
        if self.kill:
            text, program = _KILLER.replace("N", str(self.kill), 1) + script, "bash"
        self.kill = 0
        done = subprocess.run(  # noqa: S603 - a shell
            (program, "-s"),
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            env={"PATH": f"{self.path}:{os.environ['PATH']}" if self.path else os.environ["PATH"]},
        )
        self.status = done.returncode
        assert not done.stderr or self.status == KILLED, done.stderr
        return Answer(done.stdout, done.returncode)


File = tuple[str, int, int, int]


@dataclass
class Site:
    """Three files in a folder of their own: one to be edited, one to be made, one to go."""

    root: Path
    shell: Shell

    @property
    def journal(self) -> Journal:
        return Journal(self.shell, str(self.root / "journal"))

    def path(self, name: str) -> str:
        return str(self.root / "etc" / name)

    def files(self) -> Mapping[str, File]:
        """Give text, uid, gid and mode of every file, leftovers included."""
        found = {}
        for path in sorted((self.root / "etc").rglob("*")):
            if path.is_file():
                seen = path.lstat()
                found[path.name] = (
                    path.read_text(),
                    seen.st_uid,
                    seen.st_gid,
                    seen.st_mode & 0o7777,
                )
        return found

    def plan(self, *, within: int = 60, activate: str = "true") -> Plan:
        log = self.root / "log"
        return Plan(
            "Try",
            "none",
            (
                Edit(self.path("edited"), "old\n", "new\n"),
                Edit(self.path("sub/made"), None, "made\n", None, Owner(0, 5, 0o600)),
                Edit(self.path("gone"), "gone\n", None),
            ),
            Way(activate=(Act(("sh", "-c", f"echo forth >>{log}; {activate}")),)),
            Way(activate=(Act(("sh", "-c", f"echo back >>{log}")),)),
            within=within,
        )

    def expire(self, entry: Entry) -> None:
        """Do what the timer does, by the copy of the script that lies beside the change."""
        hand = f"{self.journal.folder}/changes/{entry.number}/hand"
        self.shell.run(f'sh "{hand}" expire {entry.number} {entry.token}', 60)

    def commands(self) -> str:
        """Give the commands that were run so far."""
        log = self.root / "log"
        return log.read_text() if log.exists() else ""


OLD: Mapping[str, File] = {"edited": ("old\n", 1, 2, 0o640), "gone": ("gone\n", 0, 0, 0o644)}
NEW: Mapping[str, File] = {"edited": ("new\n", 1, 2, 0o640), "made": ("made\n", 0, 5, 0o600)}


def site(root: Path) -> Site:
    """Lay the files down as they were before."""
    folder = root / "etc"
    folder.mkdir(parents=True)
    for name, (text, uid, gid, mode) in OLD.items():
        (folder / name).write_text(text)
        os.chown(folder / name, uid, gid)
        (folder / name).chmod(mode)
    return Site(root, Shell())
