"""hullward beside docker-bench-security on one live host: the same answers, and how fast.

    bench/cis_agreement.py --peer DIR     DIR is a checkout of docker-bench-security; needs root

A private engine of testbed/ is filled with the demo and with a container for about every fault of
the CIS Docker Benchmark, 40 or more. docker-bench-security runs inside the engine's namespaces
(network, mounts), from a copy of the checkout, with a private /tmp, and with a pgrep that sees only
the processes of that host, as on a machine with one engine; hullward comes over ssh to the same
host. Three states are compared: the daemon as it comes, a swarm, and a daemon with other settings
and files with wrong owners and modes. Standard output is the report in Markdown; every row where
the two differ says why, or "differs: look". bench/CIS_AGREEMENT.md keeps one.
"""

import argparse
import os
import platform
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from cis_hosts import ROOT, CisHost
from cis_reasons import WHY
from clock import Command, Run, medians, tell
from peer_checks import Said, agrees, compare, ours, theirs

from hullward.report import json_reader
from hullward.report.cis_checks import CHECKS

_HULLWARD = str(ROOT / ".venv" / "bin" / "hullward")
_TIMES = 50  # times as fast, says the issue
_FIRST = "host_configuration,docker_daemon_configuration,docker_daemon_files"


@dataclass(frozen=True)
class Peer:
    """A copy of docker-bench-security that cannot write outside of its folder."""

    folder: Path
    host: CisHost

    def command(self, checks: str = "") -> Command:
        """Give the whole run, or that of some checks."""
        script = 'mount -t tmpfs tmp /tmp && cd "$0" && exec bash docker-bench-security.sh "$@"'
        enter = (*self.host.nsenter(), "unshare", "--mount", "--propagation", "private")
        words = ("sh", "-ec", script, f"{self.folder}/copy", "-b", "-l", f"{self.folder}/log")
        path = f"{self.folder}/bin:{self.host.environment['PATH']}"
        environment = {
            **self.host.environment, "PATH": path, "DOCKER_HOST": "unix:///run/docker.sock",
        }  # fmt: skip
        return Command((*enter, *words, *(("-c", checks) if checks else ())), environment)

    def prepare(self, checkout: str) -> None:
        """Copy the checkout, and write the pgrep that sees one host."""
        if not (self.folder / "copy").exists():
            ignored = shutil.ignore_patterns(".git")
            shutil.copytree(checkout, self.folder / "copy", ignore=ignored)
        pgrep = self.folder / "bin" / "pgrep"
        pgrep.parent.mkdir(exist_ok=True)
        only = f"--ns {self.host.daemon_pid()} --nslist mnt"
        pgrep.write_text(f'#!/bin/sh\nexec {shutil.which("pgrep")} {only} "$@"\n')
        pgrep.chmod(0o755)

    def said(self) -> Mapping[str, Said]:
        """Read what the last run logged."""
        return dict(theirs((self.folder / "log.json").read_bytes()))


def ssh_audit(host: CisHost, *which: str) -> tuple[str, ...]:
    """Give the command of an audit over ssh, of all rules if nothing else is said."""
    where = (f"ssh://{host.name}", "--ssh-config", host.ssh_config)
    return (_HULLWARD, "audit", *where, *(which or ("--rule", "*")), "--format", "json")


def our_answers(host: CisHost) -> Mapping[str, Said]:
    """Audit the host once."""
    done = subprocess.run(ssh_audit(host), capture_output=True, check=False)  # noqa: S603 - no shell
    report = json_reader.load(done.stdout, "the audit")
    if report.hosts[0].error:
        raise RuntimeError(report.hosts[0].error)
    return dict(ours(report.hosts[0].verdicts))


def table(
    they: Mapping[str, Said], we: Mapping[str, Said], count: Counter[str], state: str
) -> Iterator[str]:
    """Give a row for each check that docker-bench-security ran."""
    yield "| check | what | docker-bench | hullward | agree, or why not |"
    yield "| --- | --- | --- | --- | --- |"
    for check in CHECKS:
        if check.id not in they:
            continue
        their, our = they[check.id], we[check.id]
        outcome = compare(check.id, their, our, WHY)
        count[_kind(outcome)] += 1
        if "look**" in outcome:
            tell(f"LOOK {state} {check.id}: {their.because} / {our.because} / {outcome}")
        cells = (check.id, check.what, _cell(their), _cell(our), outcome.replace("|", "\\|"))
        yield f"| {' | '.join(cells)} |"


def _kind(outcome: str) -> str:
    if agrees(outcome):
        return "agree"
    if outcome.startswith("no rule"):
        return "no rule"
    if outcome.startswith("judged only"):
        return "judged only by us"
    if outcome.startswith("unknown"):
        return "unknown to us"
    return "**unexplained**" if "look**" in outcome else "differ, for the reason given"


def _cell(said: Said) -> str:
    numbers = []
    if said.failing and said.failing != {"(host)"}:
        numbers.append(str(len(said.failing)))
    if said.unknown and said.word != "unknown":
        numbers.append(f"{len(said.unknown)} unknown")
    return said.word + (f" ({', '.join(numbers)})" if numbers else "")


def times(host: CisHost, peer: Peer, rounds: int) -> dict[str, Run]:
    """Measure both as whole processes, in turns."""
    inside = (*host.nsenter(), _HULLWARD, "audit", "unix:///run/docker.sock")
    commands = {
        "docker-bench-security": peer.command(),
        "hullward over ssh": Command(ssh_audit(host), host.environment, statuses=(0, 1)),
        "hullward over ssh, --profile cis-2": Command(
            ssh_audit(host, "--profile", "cis-2"), host.environment, statuses=(0, 1)
        ),
        "hullward on the host": Command(
            (*inside, "--rule", "*", "--format", "json"), host.environment, statuses=(0, 1)
        ),
    }
    return medians(commands, rounds)


def speed(found: Mapping[str, Run]) -> Iterator[str]:
    """Give the table of times."""
    they = found["docker-bench-security"].wall
    yield "| program | wall | CPU of its own | times as fast | target |"
    yield "| --- | --- | --- | --- | --- |"
    for name, run in found.items():
        ratio = they / run.wall
        target = "" if name == "docker-bench-security" else f"≥ {_TIMES}: "
        target += "" if not target else "yes" if ratio >= _TIMES else "**no**"
        yield f"| {name} | {run.wall:.2f} s | {run.cpu:.2f} s | {ratio:.1f} | {target} |"


def _commit(checkout: str) -> str:
    command = ("git", "-C", checkout, "log", "-1", "--format=%h of %cs")
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - no shell


def states(host: CisHost, peer: Peer, options: argparse.Namespace) -> Iterator[str]:
    """Compare the three states of the host."""
    count: Counter[str] = Counter()
    running = len(host.docker("ps", "-q").split())
    yield f"## Times, {running} running containers\n"
    yield from speed(times(host, peer, options.rounds))
    yield "\n## The daemon as it comes\n"
    yield from table(peer.said(), our_answers(host), count, "plain")
    peer.command("community_checks")()
    yield "\nIts own checks:\n"
    yield from table(peer.said(), our_answers(host), count, "community")

    tell("a swarm")
    host.docker("swarm", "init", "--advertise-addr", "127.0.0.1")
    host.docker("network", "create", "--driver", "overlay", "cis-plain")
    peer.command("docker_swarm_configuration,check_5,check_5_1,check_5_end")()
    yield "\n## A swarm\n"
    yield from table(peer.said(), our_answers(host), count, "swarm")
    host.docker("network", "rm", "cis-plain")
    host.docker("swarm", "leave", "--force")

    tell("other settings")
    host.harden()
    peer.prepare(options.peer)
    peer.command(_FIRST)()
    yield "\n## Other settings of the daemon, and files with wrong owners and modes\n"
    yield from table(peer.said(), our_answers(host), count, "hardened")
    yield "\n## All rows\n"
    yield from (f"- {name}: {number}" for name, number in count.most_common())


def main() -> None:
    """Prepare the host, run both, print the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peer", required=True, help="a checkout of docker-bench-security")
    parser.add_argument("--engine", default="cisbench", help="the name of the private engine")
    parser.add_argument("--containers", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keep", action="store_true", help="leave the engine running")
    options = parser.parse_args()
    host = CisHost(options.engine)
    try:
        host.fill(options.containers)
        with TemporaryDirectory(dir="/var/tmp") as folder:
            peer = Peer(Path(folder), host)
            peer.prepare(options.peer)
            version = host.docker("version", "--format", "{{.Server.Version}}").strip()
            print("# hullward and docker-bench-security on the same host\n")
            print(
                f"Made by `python bench/cis_agreement.py --peer DIR` on "
                f"{datetime.now(UTC):%Y-%m-%d}: "
                f"docker-bench-security {_commit(options.peer)}, Docker {version}, "
                f"{os.cpu_count()} cores ({platform.machine()}), "
                f"Linux {platform.release().partition('-')[0]}, Python "
                f"{platform.python_version()}.\n"
            )
            for line in states(host, peer, options):
                print(line, flush=True)
    finally:
        if not options.keep:
            host.purge()


if __name__ == "__main__":
    main()
