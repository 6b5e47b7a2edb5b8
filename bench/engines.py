"""Engines to measure against: a real private one, and the recorded one."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from bare_loop import Local
from clock import tell

ROOT = Path(__file__).resolve().parent.parent
RECORDING = ROOT / "bench" / "recordings" / "demo.json"
_IMAGE = "hullward-demo/busybox:1"
_AT_ONCE = 6


class RealEngine:
    """A private engine of testbed/, filled with containers that sleep."""

    def __init__(self, name: str) -> None:
        """Start it, or find it running."""
        self.name = name
        lines = _testbed("engine", "up", name)
        found = re.findall(r"^export (\w+)=(.*)$", lines, re.MULTILINE)
        exports = {key: os.path.expandvars(value) for key, value in found}
        self.environment: Mapping[str, str] = {**os.environ, **exports}
        self.socket = self.environment["DOCKER_HOST"].removeprefix("unix://")
        _testbed("images", "load", "busybox", environment=self.environment)
        self._count = len(self._ask("GET", "/containers/json?all=1"))

    def fill(self, count: int) -> None:
        """Start containers until there are `count`."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for done in pool.map(self._start, range(self._count, count)):
                if done % 50 == 49:  # noqa: PLR2004 - now and then
                    tell(f"  {done + 1} containers run")
        self._count = count

    def version(self) -> str:
        """Name the engine."""
        answer = self._ask("GET", "/version")
        return f"Docker {answer['Version']}"

    def purge(self) -> None:
        """Remove it with its containers and data."""
        _testbed("engine", "purge", self.name)

    def _start(self, number: int) -> int:
        body = {
            "Image": _IMAGE,
            "Cmd": ["sleep", "1000000"],
            "Env": ["SHOP_MODE=test", "SHOP_URL=http://127.0.0.1:8080/"],
            "Labels": {"com.example.shop": "bench", "com.docker.compose.service": "sleeper"},
            "HostConfig": {"NetworkMode": "none"},
        }
        made = self._ask("POST", f"/containers/create?name=sleeper-{number}", body)
        self._ask("POST", f"/containers/{made['Id']}/start")
        return number

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, str]:
        connection = Local(self.socket)
        text = json.dumps(body) if body else None
        connection.request(method, f"/v1.41{path}", text, {"Content-Type": "application/json"})
        response = connection.getresponse()
        data = response.read()
        connection.close()
        if response.status >= 300:  # noqa: PLR2004 - HTTP's first status that is no success
            raise RuntimeError(data.decode(errors="replace"))
        answer: dict[str, str] = json.loads(data or b"{}")
        return answer


@contextmanager
def recorded(count: int) -> Iterator[str]:
    """Serve the recording from a process of its own; give the path of its socket."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "docker.sock")
        module = [sys.executable, "-m", "hullward.host.recorded"]
        arguments = [*module, "serve", str(RECORDING), str(path), "--containers", str(count)]
        process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL)  # noqa: S603 - no shell
        try:
            while not path.exists():
                if process.poll() is not None:
                    message = "the recorded engine did not start"
                    raise RuntimeError(message)
                time.sleep(0.05)
            yield str(path)
        finally:
            process.terminate()
            process.wait()


def _testbed(*words: str, environment: Mapping[str, str] | None = None) -> str:
    command = [str(ROOT / "testbed" / words[0]), *words[1:]]
    return subprocess.run(  # noqa: S603 - an argument list, no shell
        command, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
