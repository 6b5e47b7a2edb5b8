"""The report as gauges in the Prometheus text format, for node_exporter's textfile collector."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from hullward.model.report import Behaviour, HostReport, Outcome, Report
from hullward.model.severity import Severity
from hullward.report.text import visible

Sample = tuple[dict[str, str], int]

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
_HELP = {
    "hullward_up": "Whether the target could be audited.",
    "hullward_last_audit_timestamp_seconds": "When the target was looked at.",
    "hullward_findings": "Fails that no waiver covers, by severity.",
    "hullward_passed": "Rules that were met, one a rule and subject.",
    "hullward_unknown": "Rules that nobody could answer, one a rule and subject.",
    "hullward_broken": "Rules that crashed, one a rule and subject.",
    "hullward_waived": "Fails that a waiver covers.",
    "hullward_containers": "Containers that were seen.",
    "hullward_well_behaved": "Containers by whether they are well behaved.",
}
_COUNTED = {
    "hullward_passed": Outcome.PASS,
    "hullward_unknown": Outcome.UNKNOWN,
    "hullward_broken": Outcome.BROKEN,
    "hullward_waived": Outcome.WAIVED,
}


def render(report: Report) -> str:
    """Write zeros as well, so that an alert can clear.

    A target that was not audited has only `hullward_up 0`: no count, least of all a zero, is true
    of it.
    """
    # A series may be there once only, also for a target that was named twice.
    hosts = {visible(host.target): host for host in reversed(report.hosts)}
    samples: dict[str, list[Sample]] = {name: [] for name in _HELP}
    for target in sorted(hosts):
        for name, labels, value in _host(hosts[target], report.collected_at):
            samples[name].append(({"host": target, **labels}, value))
    return "".join(f"{line}\n" for name in _HELP for line in _family(name, samples[name]))


def _host(host: HostReport, audited: str) -> Iterator[tuple[str, dict[str, str], int]]:
    yield "hullward_up", {}, int(host.error is None)
    if host.error is not None:
        return
    collected = host.snapshot.collected_at if host.snapshot else ""
    moment = _seconds(collected or audited)
    if moment is not None:
        yield "hullward_last_audit_timestamp_seconds", {}, moment
    fails = Counter(v.severity for v in host.verdicts if v.outcome is Outcome.FAIL)
    for severity in Severity:
        yield "hullward_findings", {"severity": severity.value}, fails[severity]
    outcomes = Counter(v.outcome for v in host.verdicts)
    for name, outcome in _COUNTED.items():
        yield name, {}, outcomes[outcome]
    yield "hullward_containers", {}, len(host.rows)
    states = Counter(row.behaviour for row in host.rows)
    for state in Behaviour:
        yield "hullward_well_behaved", {"state": state.value}, states[state]


def _seconds(moment: str) -> int | None:
    try:
        return int(datetime.fromisoformat(moment).timestamp())
    except (ValueError, OverflowError, OSError):
        return None


def _family(name: str, samples: Sequence[Sample]) -> Iterator[str]:
    if not samples:
        return
    yield f"# HELP {name} {_HELP[name]}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        written = ",".join(f'{key}="{text.translate(_ESCAPES)}"' for key, text in labels.items())
        yield f"{name}{{{written}}} {value}"
