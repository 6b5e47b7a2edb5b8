"""A report read back from its own JSON, as far as two reports can be compared."""

import msgspec
from msgspec import Struct

from hullward.model.errors import HullwardError
from hullward.model.report import Behaviour, HostReport, Outcome, Report, Row, Verdict
from hullward.model.severity import Severity
from hullward.report.json_report import SCHEMA_VERSION

_ADVICE = "Make a new one with `hullward audit --format json`."


class _Verdict(Struct, frozen=True):
    rule: str
    severity: Severity
    verdict: Outcome
    subject: str
    evidence: str = ""
    reason: str | None = None
    remedy: str = ""
    references: tuple[str, ...] = ()


class _Container(Struct, frozen=True):
    name: str
    id: str = ""
    well_behaved: Behaviour = Behaviour.UNKNOWN
    reasons: tuple[str, ...] = ()


class _Host(Struct, frozen=True):
    target: str
    verdicts: tuple[_Verdict, ...]
    containers: tuple[_Container, ...] = ()
    error: str | None = None


class _Header(Struct, frozen=True):
    schema_version: str = ""


class _Report(Struct, frozen=True):
    hosts: tuple[_Host, ...]
    collected_at: str = ""
    notes: tuple[str, ...] = ()


def recognises(data: bytes) -> bool:
    """Whether the text says that it is a report of ours, whatever else is wrong with it."""
    try:
        return bool(msgspec.json.decode(data, type=_Header).schema_version)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def load(data: bytes, name: str) -> Report:
    """Decode a report; raises HullwardError for one that is damaged or of another version."""
    try:
        version = msgspec.json.decode(data, type=_Header).schema_version
        if version == SCHEMA_VERSION:
            return _report(msgspec.json.decode(data, type=_Report))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise HullwardError(f"The report {name!r} is damaged: {error}.", _ADVICE) from error
    raise HullwardError(
        f"The report {name!r} has schema version {version!r}; "
        f"this hullward reads {SCHEMA_VERSION!r}.",
        _ADVICE,
    )


def _report(decoded: _Report) -> Report:
    return Report(decoded.collected_at, tuple(map(_host, decoded.hosts)), decoded.notes)


def _host(host: _Host) -> HostReport:
    verdicts = tuple(
        Verdict(
            v.rule, v.severity, v.verdict, v.subject, v.evidence, v.reason, v.remedy, v.references
        )
        for v in host.verdicts
    )
    rows = tuple(Row(c.name, c.id, None, c.well_behaved, c.reasons) for c in host.containers)
    return HostReport(host.target, None, rows, verdicts, host.error)
