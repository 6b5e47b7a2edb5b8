"""A host over ssh, whose Docker is a service that can be changed; see testbed/service."""

import json
import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from live_cases import IMAGE
from live_engine import CLEAN, HULLWARD, SCRIPTS, LiveEngine, said

DAEMON_JSON = "/etc/docker/daemon.json"
VERSIONS = ("20.10", "26.1", "28.5")


class Served:
    """The host, and hullward as its users call it."""

    def __init__(self, live: LiveEngine) -> None:
        self.live = live
        self.config = said(str(SCRIPTS / "sshd"), "config", live.name).strip()
        self.target = (f"ssh://{live.name}", "--ssh-config", self.config)

    def docker(self, *words: str) -> str:
        return self.live.docker(*words)

    def inside(self, script: str) -> str:
        """Run a script as root on the host."""
        space = self.live.home / "ns" / "mnt"
        net = f"/run/netns/hullward-{self.live.name}"
        enter = ("nsenter", f"--mount={space}", f"--net={net}")
        return said(*enter, "sh", "-ec", script).strip()

    def settings(self, text: str) -> None:
        self.inside(f"printf %s {shlex.quote(text)} >{DAEMON_JSON}")

    def start(self, *words: str, **env: str) -> subprocess.Popen[str]:
        """Start hullward, and do not wait for it."""
        return subprocess.Popen(  # noqa: S603 - our own command
            (*HULLWARD, *words, *self.target),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**CLEAN, **env},
        )

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run hullward to its end."""
        with self.start(*words, **env) as process:
            out, err = process.communicate(timeout=240)
        assert "Traceback" not in err, err
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def done(self, *words: str) -> str:
        """Run hullward, which must succeed."""
        found = self.run(*words)
        assert found.returncode == 0, (found.stdout, found.stderr)
        return found.stdout

    def changes(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = json.loads(self.run("changes", "--format", "json").stdout)[
            "changes"
        ]
        return listed

    def until(self, question: str, answer: str, seconds: float = 60) -> None:
        """Wait until a script on the host says something."""
        end = time.monotonic() + seconds
        while (found := self.inside(f"{question} 2>/dev/null || :")) != answer:
            assert time.monotonic() < end, (question, found)
            time.sleep(0.1)

    def state(self, number: int) -> str:
        return f"cat /var/lib/hullward/changes/{number}/state"

    def remaps(self) -> bool:
        return "name=userns" in self.docker("info", "--format", "{{.SecurityOptions}}")

    def root_of(self, container: str) -> int:
        """Say whose the first process of a container is, by the kernel's own word."""
        pid = self.docker("inspect", "--format", "{{.State.Pid}}", container)
        return int(self.live.kernel(int(pid))["Uid"].split()[0])

    def fresh(self) -> None:
        """Have an engine that does not remap, no journal, and two containers."""
        self.inside(
            "if [ -s /run/broken ]; then /etc/init.d/docker restart; fi; rm -rf /var/lib/hullward"
        )
        self.settings('{\n    "debug": false\n}')
        self.inside("/etc/init.d/docker restart")
        old = self.docker("ps", "-aq").split()
        if old:
            self.docker("rm", "-f", "-v", *old)
        self.container("keep", "--restart", "unless-stopped")
        self.container("plain", "-v", "data:/data")

    def container(self, name: str, *options: str) -> None:
        """Run one that ends as soon as it is told."""
        self.docker("run", "-d", "--stop-signal", "KILL", "--name", name, *options, IMAGE)


@contextmanager
def served(version: str, folder: Path) -> Iterator[Served]:
    """Start an engine of its own as a service, and delete it in the end."""
    name = f"live-served-{version.partition('.')[0]}"
    env = {**os.environ, **CLEAN, "ENGINE": version}
    said(str(SCRIPTS / "engine"), "up", name, env=env)
    try:
        live = LiveEngine(name, folder)
        live.install()
        said(str(SCRIPTS / "service"), "up", name)
        yield Served(live)
    finally:
        said(str(SCRIPTS / "engine"), "purge", name)
