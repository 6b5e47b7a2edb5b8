"""The report as JUnit XML, as every CI server shows it: a suite a target, a case a verdict."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from hullward.model.report import HostReport, Located, Outcome, Report, Verdict
from hullward.report.text import visible

_KIND = {
    Outcome.FAIL: "failure",
    Outcome.BROKEN: "error",
    Outcome.UNKNOWN: "skipped",
    Outcome.WAIVED: "skipped",
}


def render(report: Report) -> str:
    """Write each fail as a failure, what is unknown or waived as skipped, what broke as error.

    XML 1.0 has no way to write most control characters, so `visible` writes them as text.
    """
    root = Element("testsuites", name="hullward")
    for host in report.hosts:
        _suite(root, host, report.collected_at)
    _count(root)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _suite(root: Element, host: HostReport, audited: str) -> None:
    target = visible(host.target)
    snapshot = host.snapshot
    at = snapshot.collected_at if snapshot and snapshot.collected_at else audited
    suite = SubElement(root, "testsuite", name=target, timestamp=visible(at).removesuffix("Z"))
    if host.error is not None:
        case = SubElement(suite, "testcase", classname=target, name="audit", time="0")
        error = SubElement(case, "error", type="target-not-audited", message=visible(host.error))
        error.text = visible(host.advice)
    for unread in snapshot.unread if snapshot else ():
        name = f"{target}/{visible(unread.name)}"
        case = SubElement(suite, "testcase", classname=name, name="inspect", time="0")
        SubElement(case, "error", type="container-not-read", message=visible(unread.reason))
    for verdict in host.verdicts:
        _case(suite, target, verdict)
    _count(suite)


def _case(suite: Element, target: str, verdict: Verdict) -> None:
    name = f"{target}/{visible(verdict.subject)}"
    case = SubElement(suite, "testcase", classname=name, name=visible(verdict.rule), time="0")
    if isinstance(verdict, Located) and verdict.line:
        case.set("file", visible(verdict.file))
        case.set("line", str(verdict.line))
    if verdict.outcome is Outcome.PASS:
        return
    failed = verdict.outcome is Outcome.FAIL
    said = visible((verdict.evidence if failed else verdict.reason) or "")
    if verdict.outcome in {Outcome.UNKNOWN, Outcome.WAIVED}:
        word = verdict.outcome.value
        # A waiver's reason begins with the word already.
        SubElement(case, "skipped", message=said if said.startswith(word) else f"{word}: {said}")
        return
    kind = verdict.severity.value if failed else verdict.outcome.value
    node = SubElement(case, _KIND[verdict.outcome], type=kind, message=said)
    if failed:
        node.text = "\n".join([said, *map(visible, verdict.remedy.splitlines())])


def _count(node: Element) -> None:
    """Put the sums in front, as the format wants them on suites and on the whole."""
    node.set("tests", str(sum(1 for _ in node.iter("testcase"))))
    node.set("failures", str(sum(1 for _ in node.iter("failure"))))
    node.set("errors", str(sum(1 for _ in node.iter("error"))))
    node.set("skipped", str(sum(1 for _ in node.iter("skipped"))))
    node.set("time", "0")
