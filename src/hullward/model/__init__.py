"""The words that everything else is written in: facts, rules, verdicts, errors. No I/O."""

from hullward.model.errors import HullwardError
from hullward.model.facts import Container, Engine, Mount, Port, Process, Snapshot
from hullward.model.report import HostReport, Outcome, Report, Verdict
from hullward.model.rule import Fail, Rule, Unknown, container_rule, engine_rule
from hullward.model.severity import Severity
from hullward.model.waiver import Waiver

__all__ = [
    "Container",
    "Engine",
    "Fail",
    "HostReport",
    "HullwardError",
    "Mount",
    "Outcome",
    "Port",
    "Process",
    "Report",
    "Rule",
    "Severity",
    "Snapshot",
    "Unknown",
    "Verdict",
    "Waiver",
    "container_rule",
    "engine_rule",
]
