"""A whole audit over ssh beside the least that it needs: two handshakes and the raw API.

    bench/over_ssh.py [--rounds N] [--containers N]      needs root, as testbed/ does

A private engine of testbed/ with 50 containers, and a real sshd on its host. Three things are
measured as whole, in turns: `ssh HOST true`, which is one handshake; the bare loop, which is one
list and one inspect after the other through `ssh HOST docker system dial-stdio`, another handshake
and the raw API; `hullward audit ssh://HOST` with every rule, engine and host. The audit may take
twice as long as the first two together. Its handshakes are counted in the log of sshd. Standard
output is the section in Markdown that bench/RESULTS.md keeps.
"""

import argparse
import json
import os
import platform
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

from clock import Command, Run, medians
from engines import ROOT, RealEngine

_HULLWARD = str(ROOT / ".venv" / "bin" / "hullward")
_TIMES = 2
_HANDSHAKES = 2


class Through(HTTPConnection):
    """HTTP through the standard input and output of a command."""

    def __init__(self, command: tuple[str, ...]) -> None:
        """Start nothing yet."""
        super().__init__("docker")
        self._command = command

    def connect(self) -> None:
        """Start the command."""
        self.sock, theirs = socket.socketpair()
        with theirs:
            ends = theirs.fileno()
            self._process = subprocess.Popen(self._command, stdin=ends, stdout=ends)  # noqa: S603 - no shell

    def close(self) -> None:
        """End it."""
        super().close()
        self._process.wait()


def bare_loop(command: tuple[str, ...]) -> Callable[[], Run]:
    """Give the loop as something to measure."""

    def once() -> Run:
        start = time.perf_counter()
        connection = Through(command)

        def get(path: str) -> list[Mapping[str, str]]:
            connection.request("GET", f"/v1.41{path}")
            answer: list[Mapping[str, str]] = json.loads(connection.getresponse().read())
            return answer

        for entry in get("/containers/json"):
            get(f"/containers/{entry['Id']}/json")
        wall = time.perf_counter() - start
        connection.close()
        return Run(wall, 0, 0)

    return once


def sshd(name: str) -> str:
    """Start an sshd on the engine's host; give the path of an ssh_config."""
    command = (str(ROOT / "testbed" / "sshd"), "up", name)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - no shell


def logins(config: str) -> int:
    """Count the handshakes that ended in a login, by sshd's own log."""
    log = Path(config).with_name("log").read_text(errors="replace")
    return len(re.findall(r"^Accepted \w+ for ", log, re.MULTILINE))


def measured(engine: RealEngine, config: str, rounds: int) -> tuple[dict[str, Run], int]:
    """Measure the three; give the handshakes of one audit as well."""
    ssh = ("ssh", "-T", "-F", config, engine.name)
    where = (f"ssh://{engine.name}", "--ssh-config", config)
    audit = Command(
        (_HULLWARD, "audit", *where, "--rule", "*", "--format", "json"), os.environ,
        statuses=(0, 1),
    )  # fmt: skip
    before = logins(config)
    audit()
    count = logins(config) - before
    commands: dict[str, Callable[[], Run]] = {
        "`ssh HOST true`": Command((*ssh, "true"), os.environ),
        "bare loop over ssh": bare_loop((*ssh, "docker", "system", "dial-stdio")),
        "`hullward audit ssh://HOST --rule '*' --format json`": audit,
    }
    return medians(commands, rounds), count


def section(found: Mapping[str, Run], handshakes: int, containers: int, what: str) -> Iterator[str]:
    """Give the lines of the section."""
    shake, loop, audit = (run.wall for run in found.values())
    ratio = audit / (shake + loop)
    yield f"## A whole audit over ssh, {containers} containers\n"
    yield f"Made by `python bench/over_ssh.py` on {datetime.now(UTC):%Y-%m-%d}: {what}.\n"
    yield "| what | result | target | ok? |"
    yield "| --- | --- | --- | --- |"
    for name, run in found.items():
        yield f"| {name} | {run.wall * 1000:.0f} ms | | |"
    good = "yes" if ratio <= _TIMES else "**no**"
    yield f"| audit / (handshake + bare loop) | {ratio:.2f} | ≤ {_TIMES} | {good} |"
    good = "yes" if handshakes <= _HANDSHAKES else "**no**"
    yield f"| handshakes of the audit | {handshakes} | ≤ {_HANDSHAKES} | {good} |"


def main() -> None:
    """Measure, and print the section."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--containers", type=int, default=50)
    parser.add_argument("--engine", default="sshbench", help="the name of the private engine")
    options = parser.parse_args()
    engine = RealEngine(options.engine)
    try:
        engine.fill(options.containers)
        config = sshd(options.engine)
        with TemporaryDirectory() as folder:
            os.environ["PYTHONPYCACHEPREFIX"] = folder
            found, handshakes = measured(engine, config, options.rounds)
        kernel = platform.release().partition("-")[0]
        what = f"{os.cpu_count()} cores, Linux {kernel}, {engine.version()}"
        print("\n".join(section(found, handshakes, options.containers, what)))
    finally:
        engine.purge()


if __name__ == "__main__":
    main()
