"""Which command of hullward clears a finding, if one does as things are."""

import shlex

from msgspec.structs import replace

from hullward.model.facts import Snapshot
from hullward.model.report import HostReport, Outcome, Verdict


def with_commands(report: HostReport) -> HostReport:
    """Put the command before the remedy of each finding that it clears."""
    snapshot = report.snapshot
    if snapshot is None:
        return report
    verdicts = tuple(_with_command(verdict, snapshot) for verdict in report.verdicts)
    return replace(report, verdicts=verdicts) if verdicts != report.verdicts else report


def _with_command(verdict: Verdict, snapshot: Snapshot) -> Verdict:
    # By the name first: the fixes are loaded for those only whom they may help.
    ssh = verdict.outcome is Outcome.FAIL and verdict.rule.startswith("ssh-")
    command = _ssh(verdict.rule, snapshot) if ssh else ""
    if not command:
        return verdict
    line = f"hullward {command} {shlex.quote(snapshot.target)}"
    return replace(verdict, remedy=f"{line}\nor by hand:\n{verdict.remedy}")


def _ssh(rule: str, snapshot: Snapshot) -> str:
    from hullward.fixes import sshd  # noqa: PLC0415 - few need it

    found = snapshot.host.sshd if snapshot.host else None
    option = sshd.clears(rule, found) if found else None
    return "" if option is None else f"ssh harden{option}"
