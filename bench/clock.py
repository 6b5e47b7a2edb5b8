"""Time, CPU and memory of whole processes, and medians of runs that take turns."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from tempfile import TemporaryFile


@dataclass(frozen=True)
class Run:
    """What one process used; `loop` is the time that it measured itself, if it did."""

    wall: float
    cpu: float
    peak_mb: float
    loop: float = 0


@dataclass(frozen=True)
class Command:
    """A process to measure."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    folder: str = "."
    statuses: tuple[int, ...] = (0,)
    measures_itself: bool = False

    def __call__(self) -> Run:
        """Run it once, alone; raises RuntimeError when it fails."""
        with TemporaryFile("w+") as output, TemporaryFile("w+") as words:
            start = time.perf_counter()
            process = subprocess.Popen(  # noqa: S603 - an argument tuple, no shell
                self.arguments,
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output if self.measures_itself else subprocess.DEVNULL,
                stderr=words,
            )
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode not in self.statuses:
                words.seek(0)
                command = " ".join(self.arguments)
                message = f"exit status {process.returncode}: {command}\n{words.read(400)}"
                raise RuntimeError(message)
            output.seek(0)
            loop = float(output.read() or 0)
        return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, loop)


def medians(commands: Mapping[str, Callable[[], Run]], rounds: int) -> dict[str, Run]:
    """Run each in turn, A B A B, after one round that only warms the caches."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            run = command()
            if turn:
                runs[name].append(run)
        tell(f"  round {turn} of {rounds}")
    return {name: _median(found) for name, found in runs.items()}


def _median(runs: Sequence[Run]) -> Run:
    return Run(
        statistics.median(run.wall for run in runs),
        statistics.median(run.cpu for run in runs),
        statistics.median(run.peak_mb for run in runs),
        statistics.median(run.loop for run in runs),
    )


def tell(text: str) -> None:
    """Say to the person who waits how far it is."""
    print(text, file=sys.stderr, flush=True)
