"""A private engine of testbed/ with containers of every kind, and what hullward says of it."""

import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

from hullward.collect import saved
from hullward.model.facts import Container, Snapshot
from live_cases import ALL, CASES, IMAGE, LABEL, NETWORK, PASSWD, SECCOMP, VOLUMES, Case, here

SCRIPTS = Path(os.environ.get("HULLWARD_TESTBED_SCRIPTS", "testbed"))
NAMES = [name for name in os.environ.get("HULLWARD_LIVE_ENGINES", "").split(",") if name]
HULLWARD = (sys.executable, "-m", "hullward")
AT_ONCE = 4
CLEAN = {
    name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "COV_"))
}


def said(*command: str, env: Mapping[str, str] = CLEAN, given: bytes = b"") -> str:
    """Run a program, and give what it printed; its failure fails the test with its words."""
    done = subprocess.run(command, input=given, capture_output=True, check=False, env=env)  # noqa: S603 - of this file
    assert done.returncode == 0, (command, done.stderr.decode())
    return done.stdout.decode()


class LiveEngine:
    """A private engine, and what hullward says of it."""

    def __init__(self, name: str, folder: Path) -> None:
        lines = said(str(SCRIPTS / "engine"), "env", name).splitlines()
        exported = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        self.name = name
        self.folder = folder
        self.url = exported["DOCKER_HOST"]
        self.bin = exported["PATH"].removesuffix(":$PATH")
        self.env = {
            **CLEAN,
            **exported,
            "PATH": f"{self.bin}:{os.environ['PATH']}",
        }
        self.home = Path(self.url.removeprefix("unix://")).parent.parent

    def docker(self, *words: str, given: bytes = b"") -> str:
        return said(f"{self.bin}/docker", *words, env=self.env, given=given).strip()

    def hullward(self, *words: str, before: tuple[str, ...] = (), **env: str) -> str:
        """Run the command as its users do; findings are no failure."""
        done = subprocess.run(  # noqa: S603 - our own command
            [*before, *HULLWARD, *words],
            capture_output=True,
            text=True,
            check=False,
            env={**CLEAN, **env},
            cwd=self.folder,
        )
        assert done.returncode in {0, 1}, done.stderr
        assert done.stderr == "" or done.stderr.startswith("Saved "), done.stderr
        return done.stdout

    def snapshot(self, *words: str, before: tuple[str, ...] = (), **env: str) -> Snapshot:
        path = self.folder / "snapshot.json"
        self.hullward("collect", "--all", "-o", str(path), *words, before=before, **env)
        (snapshot,) = saved.load(path.read_bytes(), str(path))
        return snapshot

    @cached_property
    def report(self) -> dict[str, Any]:
        text = self.hullward("audit", "--all", self.url, "--format", "json")
        value: dict[str, Any] = json.loads(text)
        return value

    @cached_property
    def rows(self) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in self.report["hosts"][0]["containers"]}

    @cached_property
    def look(self) -> Snapshot:
        return self.snapshot(self.url)

    def container(self, name: str) -> Container:
        (found,) = (c for c in self.look.containers if c.name == name)
        return found

    def kernel(self, pid: int) -> dict[str, str]:
        """Give the lines of the kernel's own report on a process."""
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}

    @cached_property
    def old(self) -> bool:
        """Whether it is Docker 20.10, which does not ask the machine what it can grant."""
        return self.docker("version", "--format", "{{.Server.Version}}").startswith("20.10")

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The containers that this engine can start on this machine."""
        lacking = self.old and here() != ALL
        return tuple(case for case in CASES if not (lacking and case.everything))

    @cached_property
    def grantable(self) -> frozenset[str]:
        """The capabilities that this engine can grant on this machine; an old one knows 38."""
        return here() - {"BPF", "CHECKPOINT_RESTORE", "PERFMON"} if self.old else here()

    def install(self) -> None:
        """Give the engine an image of one program, without a registry."""
        said(str(SCRIPTS / "sshd"), "up", self.name)
        program = self.home.parent.parent / "pkgs/busybox/bin/busybox"
        applets = said(str(program), "--list").split()
        self.docker(
            "import",
            "-c",
            'CMD ["sleep", "3600"]',
            "-",
            IMAGE,
            given=_root(program.read_bytes(), applets),
        )

    def start(self) -> None:
        """Start every container of the cases, and wait until their programs run."""
        self.clean()
        (self.folder / "seccomp.json").write_text(json.dumps(SECCOMP))
        (self.folder / "passwd").write_text(PASSWD)
        (self.folder / "bind").mkdir(exist_ok=True)
        self.docker("network", "create", "--label", LABEL, NETWORK)
        for name, options in VOLUMES.items():
            words = [word for option in options for word in ("-o", option)]
            self.docker("volume", "create", "--label", LABEL, *words, name)
        first = [case for case in self.cases if not case.after]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for round_ in (first, [case for case in self.cases if case.after]):
                list(pool.map(self._run, round_))

    def _run(self, case: Case) -> None:
        options = [option.format(folder=self.folder) for option in case.options]
        verb = ("create",) if case.created else ("run", "-d")
        self.docker(*verb, "--name", case.name, "--label", LABEL, *options, IMAGE, *case.command)
        for words in case.then:
            self.docker(*(word.format(name=case.name) for word in words))

    def clean(self) -> None:
        for kind, remove in (
            (("ps", "-aq"), ("rm", "-f", "-v")),
            (("volume", "ls", "-q"), ("volume", "rm")),
            (("network", "ls", "-q"), ("network", "rm")),
        ):
            found = self.docker(*kind, "--filter", f"label={LABEL}").split()
            if found:
                self.docker(*remove, *found)


def _root(busybox: bytes, applets: list[str]) -> bytes:
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:

        def add(name: str, data: bytes, **more: Any) -> None:  # noqa: ANN401 - of a TarInfo
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o755
            for key, value in more.items():
                setattr(member, key, value)
            tar.addfile(member, BytesIO(data))

        for folder in ("bin", "etc", "tmp"):
            add(folder, b"", type=tarfile.DIRTYPE)
        add("bin/busybox", busybox)
        for applet in applets:
            if applet != "busybox":
                add(f"bin/{applet}", b"", type=tarfile.SYMTYPE, linkname="busybox")
        add("etc/passwd", PASSWD.replace("toor:x:77:", "toor:x:0:").encode(), mode=0o644)
        add("etc/group", b"root:x:0:\napp:x:1000:\n", mode=0o644)
    return buffer.getvalue()
