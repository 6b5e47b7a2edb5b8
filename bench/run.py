"""Speed and memory of hullward beside other ways to look at containers, measured in one run.

    make bench                      all of it; needs root, as testbed/ does: ten minutes
    make bench ARGS=--recorded      without Docker: only against the recorded engine
    make bench ARGS='--peer DIR'    docker-bench-security in DIR as well

What is compared: `audit` with the least that can be done, a list and one inspect after the other
on one connection (bare_loop.py), and with the usual shell loop, `docker inspect` and `jq` for each
container. Only rules for containers are asked (`--area container`), as the others look at less.
Start-up is the same audit of a socket that is not there: Python, the imports, the options. All
that an engine is asked in one comparison is asked in turns, A B A B, and each number is the
median. Python keeps its bytecode, as it does for an installed package. Standard output is the
report in Markdown; bench/RESULTS.md keeps one.
"""

import argparse
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from tempfile import TemporaryDirectory

from clock import Command, Run, medians, tell
from engines import ROOT, RealEngine, recorded

_BIN = str(ROOT / ".venv" / "bin" / "hullward")
_LOOPS = 1.5  # times the bare loop, above start-up
_SHELL = 30  # times as fast as the shell loop
_VERSION_SECONDS = 0.150
_PEAK_MB = 120
_BIG = 1000
_SHELL_AT = 50
_SHELL_LOOP = """for id in $(docker ps -q); do docker inspect "$id" | jq -c '.[] |
  {name: .Name, user: .Config.User, add: .HostConfig.CapAdd, drop: .HostConfig.CapDrop,
   opt: .HostConfig.SecurityOpt, binds: .HostConfig.Binds, ports: .HostConfig.PortBindings}'
done"""


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    what: str
    ours: str
    theirs: str
    ratio: float
    target: float
    at_least: bool = False

    def __str__(self) -> str:
        """Give it as Markdown."""
        met = self.ratio >= self.target if self.at_least else self.ratio <= self.target
        sign = "≥" if self.at_least else "≤"
        cells = (self.what, self.ours, self.theirs, f"{self.ratio:.2f}", f"{sign} {self.target:g}")
        return f"| {' | '.join(cells)} | {'yes' if met else '**no**'} |"


def audits(where: str, socket: str, count: int, rounds: int, found: dict[str, Run]) -> None:
    """Measure audits of one engine beside the bare loop."""
    tell(f"{where}, {count} containers")
    loop = (sys.executable, str(ROOT / "bench" / "bare_loop.py"), socket)
    audit = (_BIN, "audit", "--area", "container", f"unix://{socket}", "--format")
    nowhere = (*audit[:4], f"unix://{socket}.nowhere", "--format", "json")
    names = {
        "bare": Command(loop, os.environ, measures_itself=True),
        "start-up": Command(nowhere, os.environ, statuses=(2,)),
        "json": Command((*audit, "json"), os.environ, statuses=(0, 1)),
        "table": Command((*audit, "table"), os.environ, statuses=(0, 1)),
    }
    for name, run in medians(names, rounds).items():
        found[f"{where} {count} {name}"] = run


def beside_bare(key: str, found: Mapping[str, Run]) -> Iterator[Row]:
    """Compare audits with the bare loop: what they take above start-up."""
    bare, start = found[f"{key} bare"], found[f"{key} start-up"]
    for form in ("json", "table"):
        audit = found[f"{key} {form}"]
        yield Row(
            f"audit --format {form}, {key}",
            f"{_ms(audit.wall)} - {_ms(start.wall)} start-up",
            f"{_ms(bare.loop)} bare loop",
            (audit.wall - start.wall) / bare.loop,
            _LOOPS,
        )


def beside_shell(engine: RealEngine, rounds: int, peer: str) -> Iterator[Row]:
    """Compare a whole audit with what people do in a shell."""
    audit = (_BIN, "audit", "--area", "container", "--format", "json")
    nowhere = (*audit, f"unix://{engine.socket}.nowhere")
    names = {
        "audit": Command(audit, engine.environment, statuses=(0, 1)),
        "start-up": Command(nowhere, engine.environment, statuses=(2,)),
    }
    if shutil.which("jq"):
        names["docker inspect and jq for each"] = Command(
            ("bash", "-c", _SHELL_LOOP), engine.environment
        )
    else:
        tell("  skipped: the shell loop, for there is no jq")
    if peer:
        script = ("bash", "docker-bench-security.sh", "-b", "-c", "container_runtime")
        names["docker-bench-security -c container_runtime"] = Command(
            script, engine.environment, folder=peer
        )
    else:
        tell("  skipped: docker-bench-security, for --peer names no checkout")
    found = medians(names, rounds)
    ours, start = found.pop("audit"), found.pop("start-up")
    for name, theirs in found.items():
        yield Row(
            f"audit --format json beside {name}, real {_SHELL_AT}",
            f"{_ms(ours.wall)} - {_ms(start.wall)} start-up",
            _ms(theirs.wall),
            theirs.wall / (ours.wall - start.wall),
            _SHELL,
            at_least=True,
        )


def alone(rounds: int, found: Mapping[str, Run]) -> Iterator[Row]:
    """Compare with limits that need no other program."""
    tell("start-up")
    version = Command((_BIN, "--version"), os.environ)
    cpu = medians({"version": version}, rounds)["version"].cpu
    limit = f"{_ms(_VERSION_SECONDS)} limit"
    yield Row("--version, CPU", _ms(cpu), limit, cpu / _VERSION_SECONDS, 1)
    key = f"recorded {_BIG}"
    for form in ("json", "table"):
        peak = found[f"{key} {form}"].peak_mb
        what = f"audit --format {form}, {key}, peak memory"
        yield Row(what, f"{peak:.0f} MB", f"{_PEAK_MB} MB limit", peak / _PEAK_MB, 1)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def report(rows: list[Row], found: Mapping[str, Run], engine: str) -> Iterator[str]:
    """Give the lines of the report."""
    yield "# What hullward costs\n"
    yield f"Made by `make bench ARGS='{_arguments()}'` on {datetime.now(UTC):%Y-%m-%d}:"
    cores = os.cpu_count()
    kernel = platform.release().partition("-")[0]
    yield f"{cores} cores ({platform.machine()}), Linux {kernel}, {engine},"
    yield f"Python {platform.python_version()}.\n"
    yield "| what | ours | theirs or limit | ratio | target | ok? |"
    yield "| --- | --- | --- | --- | --- | --- |"
    yield from map(str, rows)
    yield "\nEvery process, as a whole:\n"
    yield "| engine, containers, process | wall | CPU | peak memory | its own loop |"
    yield "| --- | --- | --- | --- | --- |"
    for name, run in found.items():
        loop = _ms(run.loop) if run.loop else ""
        yield f"| {name} | {_ms(run.wall)} | {_ms(run.cpu)} | {run.peak_mb:.0f} MB | {loop} |"


def _arguments() -> str:
    words = sys.argv[1:]
    before = ["", *words]
    return " ".join("DIR" if before[i] == "--peer" else word for i, word in enumerate(words))


def main() -> None:
    """Measure, and print the report."""
    with TemporaryDirectory() as folder:
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        measure()


def measure() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Measure hullward beside other ways to look.")
    parser.add_argument("--recorded", action="store_true", help="only the recorded engine")
    parser.add_argument("--peer", default="", metavar="DIR", help="a docker-bench-security")
    parser.add_argument("--rounds", type=int, default=7, help="at least 5 for a result")
    parser.add_argument("--counts", type=int, nargs="+", default=[50, 500])
    parser.add_argument("--engine", default="bench", help="a name that testbed/engine gets")
    options = parser.parse_args()
    rows: list[Row] = []
    found: dict[str, Run] = {}
    version = "the recorded engine"
    if not options.recorded:
        engine = RealEngine(options.engine)
        version = engine.version()
        try:
            for count in options.counts:
                engine.fill(count)
                audits("real", engine.socket, count, options.rounds, found)
                rows += beside_bare(f"real {count}", found)
                if count == _SHELL_AT:
                    rows += beside_shell(engine, options.rounds, options.peer)
        finally:
            engine.purge()
    with recorded(0) as socket:
        audits("recorded", socket, 0, options.rounds, found)
    for count in sorted({*options.counts, _BIG}):
        with recorded(count) as socket:
            audits("recorded", socket, count, options.rounds, found)
        rows += beside_bare(f"recorded {count}", found)
    rows += alone(max(9, options.rounds), found)
    print("\n".join(report(rows, found, version)))


if __name__ == "__main__":
    main()
