"""`hullward compose check` beside compose-lint, in one run: time, memory, and who finds what.

    python bench/compose.py --corpus DIR    the compose files below DIR, such as a clone of a
                                            public repository; nothing of them is kept
    python bench/compose.py                 the small files of tests/compose/corpus, repeated

compose-lint is installed with pip into a folder that is thrown away, or `--lint PROGRAM` names one.
Both read the same files in turns, A B A B; each number is the median. Python keeps its bytecode, as
it does for an installed package. A finding of theirs is ours too where one of the rules that
src/hullward/report/compose_peer_rules.py names for it fails for the same service. Standard output
is the report in Markdown.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import venv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from clock import Command, Run, medians, tell
from compose_reasons import OURS, THEIRS
from engines import ROOT

from hullward.report.compose_peer_rules import LINT, PEERS

_BIN = str(ROOT / ".venv" / "bin" / "hullward")
_OWN = ROOT / "tests" / "compose" / "corpus"
_AT_LEAST = 108
_COVERS = {peer.id: frozenset(peer.rules) for peer in PEERS if peer.tool == LINT}
_FINDINGS = (0, 1, 2)

Place = tuple[str, str]


@dataclass
class Answers:
    """What both say: by file and service, the rules that fail, and what ours say of all rules."""

    theirs: dict[Place, set[str]] = field(default_factory=dict)
    ours: dict[tuple[str, str, str], str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    refused_by_them: set[str] = field(default_factory=set)


def corpus(folder: Path | None, into: Path) -> list[str]:
    """Copy the compose files with their folders, as both read .env and Dockerfiles beside them."""
    if folder is None:
        own = sorted(_OWN.glob("*.yaml"))
        copies = -(-_AT_LEAST // max(len(own), 1))
        for number in range(copies):
            shutil.copytree(_OWN, into / str(number))
        return sorted(str(p.relative_to(into)) for p in into.glob("*/*.yaml"))
    shutil.copytree(folder, into / "corpus", ignore=shutil.ignore_patterns(".git"))
    names = ("compose*.y*ml", "docker-compose*.y*ml")
    found = {path for name in names for path in (into / "corpus").rglob(name)}
    return sorted(str(path.relative_to(into)) for path in found if not _template(path))


def _template(path: Path) -> bool:
    """Whether it is a template for ytt, which neither program reads."""
    return any(
        line.lstrip().startswith("#@") for line in path.read_text(errors="replace").split("\n")
    )


def installed(folder: Path) -> str:
    """Install compose-lint; give its program."""
    tell("installing compose-lint")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "compose-lint"]
    subprocess.run(pip, check=True)  # noqa: S603 - our own command
    return str(folder / "venv" / "bin" / "compose-lint")


def answers(commands: Mapping[str, Command], files: Sequence[str]) -> Answers:
    """Run each once more for what it finds."""
    found = Answers()
    theirs = _json(commands["compose-lint"])
    for finding in theirs["findings"]:
        if not finding["suppressed"]:
            place = finding["file"], finding["service"]
            found.theirs.setdefault(place, set()).add(finding["rule_id"])
    found.refused_by_them = {str(error.get("file", "")) for error in theirs["errors"]} & set(files)
    for project in _json(commands["hullward --format json"])["hosts"]:
        if project["error"]:
            found.refused[project["target"]] = project["error"].partition(": ")[2]
        for verdict in project["verdicts"]:
            key = project["target"], verdict["subject"], verdict["rule"]
            if found.ours.get(key) != "fail":
                found.ours[key] = verdict["verdict"]
    return found


def _json(command: Command) -> dict[str, list[dict[str, Any]]]:
    done = subprocess.run(  # noqa: S603 - our own command
        command.arguments,
        cwd=command.folder,
        env=command.environment,
        capture_output=True,
        check=False,
    )
    answer: dict[str, list[dict[str, str]]] = json.loads(done.stdout)
    return answer


def of_theirs(found: Answers) -> Iterator[str]:
    """Write what became of each of their rules' findings."""
    yield "| compose-lint | findings | ours too | unknown here | refused here | not ours | why |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    counts: dict[str, Counter[str]] = {}
    for (file, service), ids in found.theirs.items():
        for id_ in ids:
            said = {found.ours.get((file, service, rule), "") for rule in _COVERS.get(id_, ())}
            fate = next((word for word in ("fail", "unknown") if word in said), "none")
            fate = "refused" if file in found.refused else fate
            counts.setdefault(id_, Counter())[fate] += 1
    for id_, fates in sorted(counts.items()):
        cells = [fates[word] or "" for word in ("fail", "unknown", "refused", "none")]
        why = THEIRS.get(id_, "**not explained**") if fates["none"] or fates["unknown"] else ""
        yield f"| {id_} | {fates.total()} | {' | '.join(map(str, cells))} | {why} |"


def of_ours(found: Answers) -> Iterator[str]:
    """Write which of our findings they do not have."""
    yield "| hullward | findings | only ours | why |"
    yield "| --- | --- | --- | --- |"
    totals: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    covered = {rule: {i for i, rules in _COVERS.items() if rule in rules} for rule in _rules()}
    for (file, service, rule), verdict in found.ours.items():
        if verdict == "fail":
            totals[rule] += 1
            shared = covered.get(rule, set()) & found.theirs.get((file, service), set())
            alone[rule] += not shared
    for rule, count in alone.most_common():
        if count:
            why = OURS.get(rule, "" if rule not in covered else "**not explained**")
            yield f"| `{rule}` | {totals[rule]} | {count} | {why or 'they have no such rule'} |"


def _rules() -> set[str]:
    return {rule for rules in _COVERS.values() for rule in rules}


def speed(runs: Mapping[str, Run]) -> Iterator[str]:
    """Write the times, and the ratios to compose-lint's."""
    theirs = runs["compose-lint"]
    yield "| process | wall | CPU | peak memory | wall, times theirs | CPU, times theirs |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, run in runs.items():
        cells = (f"{run.wall * 1000:.0f} ms", f"{run.cpu * 1000:.0f} ms", f"{run.peak_mb:.0f} MB")
        ratios = (f"{run.wall / theirs.wall:.2f}", f"{run.cpu / theirs.cpu:.2f}")
        yield f"| {' | '.join((name, *cells, *ratios))} |"


def page(runs: Mapping[str, Run], found: Answers, files: int, version: str) -> Iterator[str]:
    """Write the whole report."""
    machine = f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}"
    theirs = sum(map(len, found.theirs.values()))
    ours = Counter(found.ours.values())["fail"]
    yield from (f"# compose check beside {version}", "")
    yield f"{files} files, {datetime.now(UTC):%Y-%m-%d}, {machine}."
    yield from ("", *speed(runs), "")
    yield f"They find {theirs}, hullward {ours}. What they find:"
    yield from ("", *of_theirs(found), "", "What only hullward finds:", "", *of_ours(found), "")
    for file, error in sorted(found.refused.items()):
        also = ", and by compose-lint" if file in found.refused_by_them else ""
        yield f"- Refused{also}: {Path(file).parent.name}: {error}"


def main() -> None:
    """Measure, compare, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--corpus", type=Path, help="a folder with compose files")
    parser.add_argument("--lint", help="an installed compose-lint")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "DOCKER_"))}
    with TemporaryDirectory() as name:
        folder = Path(name)
        lint = arguments.lint or installed(folder)
        files = corpus(arguments.corpus, folder / "files")
        if len(files) < _AT_LEAST:
            sys.exit(f"{len(files)} compose files are too few: give a --corpus with {_AT_LEAST}.")
        check = (_BIN, "compose", "check", "--format")
        where = str(folder / "files")
        commands = {
            "compose-lint": Command(
                (lint, "check", "--format", "json", *files), environment, where, _FINDINGS
            ),
            "hullward --format json": Command(
                (*check, "json", *files), environment, where, _FINDINGS
            ),
            "hullward --format gcc": Command(
                (*check, "gcc", *files), environment, where, _FINDINGS
            ),
        }
        tell(f"{len(files)} files")
        runs = medians(commands, arguments.rounds)
        version = subprocess.check_output((lint, "--version"), text=True).strip()  # noqa: S603
        found = answers(commands, files)
    print("\n".join(page(runs, found, len(files), version)))


if __name__ == "__main__":
    main()
