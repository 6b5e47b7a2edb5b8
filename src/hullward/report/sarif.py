"""The report as SARIF 2.1.0, for code scanning and for tools that join the findings of many tools.

A pass is no result, because GitHub shows every result as an alert whatever its kind; how many
passed stands in the properties of the run.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from urllib.parse import quote

from hullward import __version__
from hullward.model.report import (
    Fix,
    HostReport,
    Located,
    Outcome,
    Replacement,
    Report,
    Verdict,
)
from hullward.model.rule import Rule
from hullward.model.severity import Severity
from hullward.report.text import visible
from hullward.rules import ALL

Node = dict[str, object]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_RULES = {rule.id: rule for rule in ALL}
_LEVEL = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
    Severity.INFO: "note",
}
# The middle of GitHub's ranges; code scanning reads the number as text.
_SCORE = {
    Severity.CRITICAL: "9.5",
    Severity.HIGH: "8.0",
    Severity.MEDIUM: "5.5",
    Severity.LOW: "2.0",
    Severity.INFO: "0.0",
}
_RESULTS = (Outcome.FAIL, Outcome.WAIVED, Outcome.UNKNOWN)


def render(report: Report) -> str:
    """Write one run for all targets; a target is the first part of each location's name."""
    ids = sorted({verdict.rule for host in report.hosts for verdict in host.verdicts})
    index = {id_: i for i, id_ in enumerate(ids)}
    fixes = {(fix.file, fix.rule, fix.subject): fix for fix in report.fixes}
    run: Node = {
        # Characters, as Python counts them.
        "columnKind": "unicodeCodePoints",
        "tool": {
            "driver": {
                "name": "hullward",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(id_, _RULES.get(id_)) for id_ in ids],
            }
        },
        "invocations": [_invocation(report, index)],
        "results": [
            {**_result(verdict, host.target, index), **_fixed(verdict, fixes)}
            for host in report.hosts
            for verdict in host.verdicts
            if verdict.outcome in _RESULTS and not _placeless(verdict)
        ],
        "properties": _counts(report),
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def fingerprint(rule: str, target: str, subject: str) -> str:
    """Name a finding for ever: by what and where it is, not by what was seen there."""
    return sha256(f"{rule}\0{target}\0{subject}".encode(errors="backslashreplace")).hexdigest()


def _counts(report: Report) -> Node:
    """Say what is no result: how many passed, and the rules that no file can answer."""
    verdicts = [verdict for host in report.hosts for verdict in host.verdicts]
    undecided = {v.rule for v in verdicts if v.outcome is Outcome.UNKNOWN and _placeless(v)}
    passed = sum(verdict.outcome is Outcome.PASS for verdict in verdicts)
    return {"passed": passed} | ({"undecided": sorted(undecided)} if undecided else {})


def _placeless(verdict: Verdict) -> bool:
    """Whether it says of a file that no file can tell: it has no line to show."""
    return isinstance(verdict, Located) and not verdict.line


def _rule(id_: str, rule: Rule | None) -> Node:
    if rule is None:
        return {"id": visible(id_)}
    see = ", ".join(rule.refs)
    node: Node = {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.rationale},
        "help": {
            "text": f"{rule.remedy}\nSee: {see}",
            "markdown": f"{rule.rationale}\n\n**Fix:** {rule.remedy}\n\n**See:** {see}",
        },
        "defaultConfiguration": {"level": _LEVEL[rule.severity]},
        "properties": {
            "tags": ["security", rule.area],
            "security-severity": _SCORE[rule.severity],
            "references": list(rule.refs),
        },
    }
    pages = [f"https://{ref}" for ref in rule.refs if ref.startswith("docs.docker.com/")]
    return {**node, "helpUri": pages[0]} if pages else node


def _result(verdict: Verdict, target: str, index: dict[str, int]) -> Node:
    unknown = verdict.outcome is Outcome.UNKNOWN
    mark = _mark(verdict, target)
    said = (verdict.reason if unknown else verdict.evidence) or verdict.rule
    remedy = _text(verdict.remedy)
    node: Node = {
        "ruleId": visible(verdict.rule),
        "ruleIndex": index[verdict.rule],
        "kind": "open" if unknown else "fail",
        "level": "none" if unknown else _LEVEL[verdict.severity],
        "message": {"text": _message(verdict.subject, said, "" if unknown else remedy)},
        "locations": [_location(target, verdict)],
        "partialFingerprints": {"hullwardFinding/v1": mark, "primaryLocationLineHash": f"{mark}:1"},
        "suppressions": [],
        "properties": {
            "severity": verdict.severity.value,
            "security-severity": _SCORE[verdict.severity],
            "target": visible(target),
            "subject": visible(verdict.subject),
            "remedy": remedy,
        },
    }
    if not unknown:
        node["rank"] = 25.0 * verdict.severity.rank
    if verdict.outcome is Outcome.WAIVED:
        why = _text(verdict.reason or "")
        kind = "inSource" if why.startswith("waived at ") else "external"
        node["suppressions"] = [{"kind": kind, "status": "accepted", "justification": why}]
    return node


def _fixed(verdict: Verdict, fixes: Mapping[tuple[str, str, str], Fix]) -> Node:
    """Offer what clears the finding (SARIF 2.1.0, 3.55)."""
    if not isinstance(verdict, Located) or verdict.outcome is not Outcome.FAIL:
        return {}
    fix = fixes.get((verdict.file, verdict.rule, verdict.subject))
    if fix is None:
        return {}
    change = {
        "artifactLocation": {"uri": _path(fix.file)},
        "replacements": [_replacement(part) for part in fix.replacements],
    }
    return {
        "fixes": [{"description": {"text": _text(fix.description)}, "artifactChanges": [change]}]
    }


def _replacement(part: Replacement) -> Node:
    return {
        "deletedRegion": {
            "startLine": part.line,
            "startColumn": part.column,
            "endLine": part.end_line,
            "endColumn": part.end_column,
        },
        "insertedContent": {"text": part.text},
    }


def _message(subject: str, said: str, remedy: str) -> str:
    """Tell the finding and its fix; `](` would start a link (SARIF 2.1.0, 3.11.6)."""
    text = f"{visible(subject)}: {_text(said)}" + (f"\nFix: {remedy}" if remedy else "")
    return text.replace("](", "] (")


def _mark(verdict: Verdict, target: str) -> str:
    """Name a finding; what was found tells those of one file and subject apart, lines move."""
    if isinstance(verdict, Located):
        return fingerprint(verdict.rule, verdict.file, f"{verdict.subject}\0{verdict.evidence}")
    return fingerprint(verdict.rule, target, verdict.subject)


def _physical(target: str, verdict: Verdict) -> Node:
    """Give the place in the file; GitHub refuses a result without one, so it is made up else."""
    if isinstance(verdict, Located):
        return {
            "artifactLocation": {"uri": _path(verdict.file)},
            "region": {"startLine": verdict.line, "startColumn": verdict.column},
        }
    return {
        "artifactLocation": {"uri": f"{_segment(target)}/{_segment(verdict.subject)}"},
        "region": {"startLine": 1},
    }


def _path(name: str) -> str:
    """Write a path as a relative reference, or as a file URI where it is absolute."""
    parts = "/".join(_part(part) for part in name.removeprefix("./").split("/"))
    return f"file://{parts}" if name.startswith("/") else parts


def _part(name: str) -> str:
    return quote(visible(name), safe="")


def _location(target: str, verdict: Verdict) -> Node:
    subject = verdict.subject
    return {
        "physicalLocation": _physical(target, verdict),
        "logicalLocations": [
            {
                "name": visible(subject),
                "fullyQualifiedName": f"{visible(target)}/{visible(subject)}",
                "kind": "resource",
            }
        ],
    }


def _segment(name: str) -> str:
    """Write a name as one segment of a relative path; dots alone would mean a folder."""
    text = quote(visible(name), safe="")
    return text if text.strip(".") else text.replace(".", "%2E") or "_"


def _invocation(report: Report, index: dict[str, int]) -> Node:
    problems = [problem for host in report.hosts for problem in _problems(host, index)]
    return {
        "executionSuccessful": not any(host.incomplete for host in report.hosts),
        "endTimeUtc": report.collected_at,
        "toolExecutionNotifications": problems,
        "toolConfigurationNotifications": [_notice("note", "note", note) for note in report.notes],
    }


def _problems(host: HostReport, index: dict[str, int]) -> Iterator[Node]:
    """Say what could not be looked at, which is the tool's failure and no finding."""
    if host.error is not None:
        text = ". ".join(filter(None, (host.error.rstrip("."), host.advice)))
        yield _notice("error", "target-not-audited", f"{host.target}: {text}")
    for unread in host.snapshot.unread if host.snapshot else ():
        text = f"{host.target}: the container {unread.name} is unknown: {unread.reason}"
        yield _notice("error", "container-not-read", text)
    for verdict in host.verdicts:
        if verdict.outcome is Outcome.BROKEN:
            text = f"{host.target}: the rule broke on {verdict.subject}: {verdict.reason}"
            rule = {"id": visible(verdict.rule), "index": index[verdict.rule]}
            yield {**_notice("error", "rule-broken", text), "associatedRule": rule}


def _notice(level: str, id_: str, text: str) -> Node:
    return {"level": level, "descriptor": {"id": id_}, "message": {"text": _text(text) or id_}}


def _text(text: str) -> str:
    """Keep line ends, and write all else that is invisible as an escape."""
    lines: Sequence[str] = text.splitlines()
    return "\n".join(map(visible, lines))
