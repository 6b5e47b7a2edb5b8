"""What docker-bench-security and hullward said about each check of the CIS Docker Benchmark."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hullward import rules
from hullward.model.report import Outcome, Verdict
from hullward.report.cis import judged_by
from hullward.report.cis_checks import CHECKS, Check

RULES_OF = judged_by(rules.ALL)

_OWNER = r" .*its (owner|group)"
_MODE = r" .*(everyone|its group|the group root)"
_FILES = {
    "3.1": r"docker\.service", "3.3": r"docker\.socket", "3.5": r"/etc/docker \(",
    "3.7": r"certs\.d/\S+", "3.9": r"[/ ]ca[^/ ]*\.pem", "3.11": r"cert\.pem",
    "3.17": r"daemon\.json",
    "3.19": r"/etc/default/docker", "3.15": r"docker\.sock", "3.23": r"containerd\.sock",
}  # fmt: skip
_AUDITED = (
    "bin/dockerd", "/run/containerd", "/var/lib/docker", "/etc/docker", "docker.service",
    "containerd.sock", "docker.socket|docker.sock", "/etc/default/docker", "daemon.json",
    "config.toml", "/etc/sysconfig/docker", "bin/containerd", "containerd-shim",
    "containerd-shim-runc-v1", "containerd-shim-runc-v2", "bin/runc",
)  # fmt: skip
# Where one rule judges several checks: what its evidence says about this one.
PART_OF: Mapping[str, str] = {
    **{f"1.1.{n}": rf"({paths})(,|$)" for n, paths in enumerate(_AUDITED, 3)},
    **{number: path + _OWNER for number, path in _FILES.items()},
    **{f"3.{int(number[2:]) + 1}": path + _MODE for number, path in _FILES.items()},
    "3.13": _OWNER,
    "3.14": _MODE,
    "3.21": "/etc/sysconfig/docker" + _MODE,
    "3.22": "/etc/sysconfig/docker" + _OWNER,
    "2.6": "aufs",
    "2.11": "devicemapper",
    "C.5.3.1": "DAC_READ_SEARCH",
    "C.5.3.2": "SYS_MODULE",
    "C.5.3.3": "SYS_ADMIN",
    "C.5.3.4": "SYS_PTRACE",
}
_WHOLE = frozenset({"host", "engine", "swarm"})  # subjects that are no container
SEEN_ELSEWHERE = frozenset({"2.7"})  # docker-bench-security never finds it there
HOST = "(host)"


@dataclass(frozen=True)
class Said:
    """What one program said about one check; `looked` is false where it did not look."""

    word: str
    failing: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    looked: bool = True
    because: str = ""


def theirs(log: bytes) -> Iterator[tuple[str, Said]]:
    """Read the JSON log of docker-bench-security."""
    for section in json.loads(log)["tests"]:
        for test in section["results"]:
            yield test["id"], _their(test["id"], test)


def _their(number: str, test: Mapping[str, str]) -> Said:
    word, details = test.get("result", "?"), test.get("details", "")
    listed = _names(number, test.get("items", ()))
    if word == "WARN" or (word == "INFO" and listed):
        return Said(word, listed or frozenset({HOST}), because=details)
    if word == "INFO" and "appear to be set" in details:
        return Said(word, frozenset({HOST}), because=details)
    return Said(word, looked=word == "PASS", because=details)


def _names(number: str, items: Sequence[str]) -> frozenset[str]:
    if not per_container(number):
        return frozenset()
    part = 1 if number == "5.30" else 0  # ID:NAME there, NAME:WHAT elsewhere
    return frozenset(item.split(":")[part] for item in items if item)


def per_container(number: str) -> bool:
    """Whether containers are judged, not the host."""
    return number == "4.1" or (number.startswith(("5.", "C.5")) and number != "5.1")


def ours(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, Said]]:
    """Gather the verdicts of all rules that judge a check."""
    for check in CHECKS:
        mine = [v for v in verdicts if v.rule in RULES_OF[check.id]]
        yield check.id, _our(check, mine)


def _our(check: Check, verdicts: Sequence[Verdict]) -> Said:
    if not verdicts:
        return Said("no rule", looked=False, because=check.why)
    whole = not per_container(check.id)
    failed = [v for v in verdicts if v.outcome is Outcome.FAIL and _about(check.id, v)]
    failing = {HOST if v.subject in _WHOLE or whole else v.subject for v in failed}
    unsure = [v for v in verdicts if v.outcome in {Outcome.UNKNOWN, Outcome.BROKEN}]
    unknown = {HOST if v.subject in _WHOLE or whole else v.subject for v in unsure} - failing
    if not failing and HOST in unknown and whole:
        return Said("unknown", unknown=frozenset(unknown), because=unsure[0].reason or "")
    word = "fail" if failing else "pass"
    because = "; ".join(v.evidence for v in failed if whole)
    return Said(word, frozenset(failing), frozenset(unknown), because=because)


def _about(number: str, verdict: Verdict) -> bool:
    pattern = PART_OF.get(number)
    return not pattern or any(re.search(pattern, part) for part in verdict.evidence.split("; "))


def compare(number: str, they: Said, we: Said, why: Mapping[tuple[str, str], str]) -> str:
    """Say that the two agree, or why not; "differs: look" where nobody knows."""
    if not we.looked:
        return f"no rule: {we.because}" if we.because else "no rule"
    if not they.looked:
        return _not_looked(number, they, we, why)
    if we.word == "unknown":
        return why.get((number, "unknown"), f"unknown: {we.because}")
    parts = []
    for side, names in (
        ("theirs", they.failing - we.failing - we.unknown),
        ("ours", we.failing - they.failing),
    ):
        if names:
            reason = why.get((number, side), "**differs: look**")
            parts.append(f"only {side}: {_few(names)}: {reason}")
    if they.failing & we.unknown:
        parts.append(f"unknown to us: {_few(they.failing & we.unknown)}")
    return "; ".join(parts) or "agree"


def _not_looked(number: str, they: Said, we: Said, why: Mapping[tuple[str, str], str]) -> str:
    absent = "not found" in they.because or they.because.startswith(("No ", "Docker daemon not"))
    if absent and not we.failing and number not in SEEN_ELSEWHERE:
        return "agree: not there"
    if (number, "blind") in why:
        return why[number, "blind"]
    if absent:
        return "**differs: look**"
    return "judged only by us"


def agrees(outcome: str) -> bool:
    """Whether `compare` found the same answer."""
    return outcome.startswith("agree")


def _few(names: Collection[str], most: int = 4) -> str:
    shown = sorted(names)
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if shown[most:] else "")
