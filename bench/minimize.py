"""Is what `hullward minimize` finds right? Real services, real engine, every answer tried out.

usage: bench/minimize.py [--engine NAME] [--subsets] [--write FILE] [SERVICE...]

For each service: the set that hullward finds; the set that elimination finds, one capability after
the other from all that are granted, as a person would do it; with --subsets, where at most six were
observed, whether any other subset works. And whether dropping any one of the found set is noticed.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from clock import tell

from hullward.host.contexts import Target
from hullward.host.endpoints import UnixEndpoint
from hullward.host.reader import Access
from hullward.minimize import labs, probes
from hullward.minimize.proof import BASELINES, Proof
from hullward.minimize.search import Outcome, Set, Verdict, dangerous_first
from hullward.minimize.trial import Asked

ROOT = Path(__file__).resolve().parent.parent
_SMALL = 6
_DEMO: Mapping[str, Mapping[str, Any]] = {
    "nginx": {"tags": ["hullward-demo/nginx:1"], "probes": ["http://:80/"]},
    "redis": {"tags": ["hullward-demo/redis:1"], "probes": ["cmd:redis-cli -h $TARGET set a b"]},
    "haproxy": {"tags": ["hullward-demo/haproxy:1"], "probes": ["http://:80/"]},
    "python": {"tags": ["hullward-demo/python:1"], "probes": ["http://:8000/"]},
    "model": {"tags": ["hullward-demo/model:1"], "probes": ["http://:8080/"]},
}


def services() -> Mapping[str, Mapping[str, Any]]:
    """Describe every service of the bench."""
    return {**_DEMO, **json.loads((ROOT / "testbed/services.json").read_text())}


class Engine:
    """A private engine, started if it is not up."""

    def __init__(self, name: str) -> None:
        """Start it."""
        self.name = name
        lines = _said(str(ROOT / "testbed/engine"), "up", name).splitlines()
        exported = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        self.env = {**os.environ, **exported}
        self.env["PATH"] = exported["PATH"].replace("$PATH", os.environ["PATH"])
        socket = exported["DOCKER_HOST"].removeprefix("unix://")
        self.target = Target(name, UnixEndpoint(socket))

    def docker(self, *words: str) -> str:
        """Run the docker command on it."""
        return _said("docker", *words, env=self.env)

    def load(self, names: Sequence[str]) -> None:
        """Build and load the images of services."""
        _said(str(ROOT / "testbed/images"), "load", *names, env=self.env)


def _said(*command: str, env: Mapping[str, str] | None = None) -> str:
    return subprocess.run(  # noqa: S603 - an argument tuple
        command, env=env, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


def examine(engine: Engine, name: str, service: Mapping[str, Any], *, subsets: bool) -> Any:  # noqa: ANN401 - JSON
    """Run one service, minimise it, and try out whether the answer is right."""
    container = f"bench-{name}"
    if container in engine.docker("ps", "-a", "--format", "{{.Names}}").split():
        engine.docker("rm", "-f", "-v", container)
    engine.docker("run", "-d", "--name", container, *service.get("options", ()), service["tags"][0])
    asked = Asked(tuple(map(probes.parse, service["probes"])))
    try:
        with labs.prepared(engine.target, Access(timeout=60), container, asked) as several:
            return _examined(name, several, subsets=subsets)
    finally:
        engine.docker("rm", "-f", "-v", container)


def _examined(name: str, several: labs.Labs, *, subsets: bool) -> Any:  # noqa: ANN401 - JSON
    begin = time.monotonic()
    proof = Proof(several, 120, lambda *_: None)
    baselines = time.monotonic() - begin
    found = proof.search()
    quick, trials = time.monotonic() - begin, proof.count
    tell(f"  {name}: {_names(found.minimum)} by {trials} trials in {quick:.0f} s")
    begin = time.monotonic()
    linear = _linear(proof.granted, lambda names: proof.trials([(names, "linear")])[0])
    slow = time.monotonic() - begin + baselines
    # One trial may fail by chance, and elimination by hand would believe it: ask once more.
    for one in linear - found.minimum:
        if proof.trials([(linear - {one}, "once more")])[0].verdict is Verdict.SAME:
            tell(f"  {name}: elimination alone kept {one} by chance")
            linear -= {one}
    singles = [(found.minimum - {one}, "mutation") for one in found.minimum]
    caught = sum(outcome.verdict is not Verdict.SAME for outcome in proof.trials(singles))
    result = {
        "service": name,
        "observed": sorted(proof.start),
        "found": sorted(found.minimum),
        "tolerated": sorted(n.capability for n in found.needs if n.verdict is Verdict.DIFFERS),
        "linear": sorted(linear),
        "caught": caught,
        "proven": found.proven,
        "trials": trials,
        "bound": len(proof.start) + len(found.minimum) + 8,
        "linear_trials": BASELINES + len(proof.granted) + 1,
        "seconds": round(quick, 1),
        "linear_seconds": round(slow, 1),
    }
    if subsets and len(proof.start) <= _SMALL:
        result["subsets"] = _every_subset(proof, found.minimum)
    return result


def _linear(granted: Set, trial: Callable[[Set], Outcome]) -> Set:
    """Comment out one after the other, and see whether it still works."""
    kept = granted
    trial(kept)
    for name in dangerous_first(granted):
        if trial(kept - {name}).verdict is Verdict.SAME:
            kept -= {name}
    return kept


def _every_subset(proof: Proof, found: Set) -> str:
    """Say whether exactly those subsets of the observed work that hold the found set."""
    names = sorted(proof.start)
    sets = [frozenset(c) for size in range(len(names) + 1) for c in combinations(names, size)]
    outcomes = proof.trials([(one, "subset") for one in sets])
    wrong = [
        one
        for one, outcome in zip(sets, outcomes, strict=True)
        if (outcome.verdict is Verdict.SAME) != (found <= one)
    ]
    return "as expected" if not wrong else "; ".join(map(_names, wrong))


def _names(names: Set) -> str:
    return " ".join(sorted(names)) or "none"


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """Write the results for people."""
    lines = [
        "| service | found | as linear | each drop noticed | trials (bound) | seconds, linear |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for one in results:
        if "error" in one:
            lines.append(f"| {one['service']} | {one['error']} | | | | |")
            continue
        agrees = "yes" if one["linear"] == one["found"] else f"NO: {' '.join(one['linear'])}"
        subsets = f"; subsets {one['subsets']}" if "subsets" in one else ""
        found = " ".join(f"{name}*" if name in one["tolerated"] else name for name in one["found"])
        lines.append(
            f"| {one['service']} | {found or 'none'} | {agrees}{subsets} | "
            f"{one['caught']} of {len(one['found'])} | {one['trials']} ({one['bound']}) | "
            f"{one['seconds']:.0f}, {one['linear_seconds']:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Examine the named services, by default all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engine", default="bench-minimize")
    parser.add_argument("--subsets", action="store_true")
    parser.add_argument("--write", default="")
    parser.add_argument("service", nargs="*")
    options = parser.parse_args()
    known = services()
    names = options.service or list(known)
    engine = Engine(options.engine)
    engine.load(names)
    results = []
    for name in names:
        try:
            results.append(examine(engine, name, known[name], subsets=options.subsets))
        except Exception as error:  # noqa: BLE001 - the others are still to be examined
            results.append({"service": name, "error": f"{type(error).__name__}: {error}"})
        print(json.dumps(results[-1]), flush=True)
    text = table(results)
    print(text)
    if options.write:
        Path(options.write).write_text(text + "\n")
    right = all(
        "error" not in one and one["linear"] == one["found"] and one["caught"] == len(one["found"])
        for one in results
    )
    sys.exit(0 if right else 1)


if __name__ == "__main__":
    main()
