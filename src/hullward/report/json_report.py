"""The report as JSON, by the contract of schema version 1 (docs/json.md)."""

import codecs
import json
from collections import Counter

import msgspec

from hullward import __version__
from hullward.model import capabilities
from hullward.model.facts import Container, Snapshot
from hullward.model.report import HostReport, Outcome, Report, Row
from hullward.model.severity import Severity
from hullward.report import cells
from hullward.rules import grants

SCHEMA_VERSION = "1"
_ESCAPED = "hullward-json"


def render(report: Report) -> str:
    """Write ASCII only, so that no character of a name can reach a terminal as it is.

    It is one line, for programs: `jq .` makes it readable, and indented it is half as large again.
    """
    value = {
        "schema_version": SCHEMA_VERSION,
        "hullward": __version__,
        "collected_at": report.collected_at,
        "hosts": [_host(host) for host in report.hosts],
        "notes": list(report.notes),
        "summary": summary(report),
    }
    try:
        text = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        # Half a surrogate pair, as an undecodable argument has it: only json can write that.
        text = json.dumps(value, default=msgspec.to_builtins, separators=(",", ":"))
    # JSON has characters beyond ASCII in strings only; DEL is the control character in it.
    return text.encode("ascii", _ESCAPED).decode().replace("\x7f", r"\u007f") + "\n"


def _escape(error: UnicodeError) -> tuple[str, int]:
    """Write what ASCII has not as JSON's escapes, two of them beyond the first 65,536."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    pairs = zip(units[::2], units[1::2], strict=True)
    return "".join(f"\\u{high:02x}{low:02x}" for high, low in pairs), error.end


codecs.register_error(_ESCAPED, _escape)


def summary(report: Report) -> dict[str, int]:
    """Count the fails by severity, zeros included, and the other verdicts by their name."""
    total = sum(len(host.verdicts) for host in report.hosts)
    some = [v for host in report.hosts for v in host.verdicts if v.outcome is not Outcome.PASS]
    fails = Counter(v.severity for v in some if v.outcome is Outcome.FAIL)
    others = Counter(v.outcome for v in some)
    others[Outcome.PASS] = total - len(some)
    return {
        **{severity.value: fails[severity] for severity in Severity},
        **{o.value: others[o] for o in Outcome if o is not Outcome.FAIL},
    }


def _host(host: HostReport) -> dict[str, object]:
    snapshot = host.snapshot
    engine = snapshot.engine if snapshot else None
    return {
        "target": host.target,
        "collected_at": snapshot.collected_at if snapshot else None,
        "engine": {"version": engine.version, "api": engine.api} if engine else None,
        "error": host.error,
        "containers": [_row(row, snapshot) for row in host.rows] if snapshot else [],
        "verdicts": host.verdicts,
    }


def _row(row: Row, snapshot: Snapshot) -> dict[str, object]:
    verdict = {"well_behaved": row.behaviour.value, "reasons": list(row.reasons)}
    if row.container is None:
        unknown = dict.fromkeys(_container(Container(row.name), snapshot))
        return {**unknown, "name": row.name, "id": row.id, **verdict}
    return {**_container(row.container, snapshot), **verdict}


def _container(container: Container, snapshot: Snapshot) -> dict[str, object]:
    uids = grants.uids(container)
    return {
        "name": container.name,
        "id": container.id,
        "image": container.image,
        "state": container.state,
        "user": container.user or "root",
        "uid": container.uid,
        "privileged": container.privileged,
        "network_mode": container.network_mode,
        "pid_mode": container.pid_mode,
        "cap_add": list(cells.capability_names(container.cap_add)),
        "cap_drop": list(cells.capability_names(container.cap_drop)),
        "security_opt": list(container.security_opt),
        "read_only": container.read_only,
        "bind_mounts": [cells.bind(mount) for mount in container.mounts if cells.shown(mount)],
        "ports": [grants.place(port) for port in container.ports],
        "listeners": _listeners(container),
        "capabilities": {
            "declared": sorted(grants.declared(container)),
            "kernel": _kernel(container),
        },
        "no_new_privileges": _no_new_privileges(container, snapshot),
        "seccomp": _seccomp(container, snapshot),
        "uids": None if uids is None else list(uids),
        "processes": _processes(container),
    }


def _listeners(container: Container) -> list[str] | None:
    """Give what a host-network container listens on; None where nobody could look."""
    if container.network_mode != "host":
        return []
    if container.listeners is None:
        return None
    return [grants.place(where) for where in container.listeners]


def _kernel(container: Container) -> dict[str, list[str]] | None:
    if container.processes is None:
        return None
    return {
        name: sorted(grants.held(container.processes, name))
        for name in ("effective", "permitted", "bounding")
    }


def _processes(container: Container) -> list[dict[str, object]] | None:
    if container.processes is None:
        return None
    return [
        {
            "pid": process.pid,
            "name": process.name,
            "uids": list(process.uids),
            "effective": sorted(capabilities.from_mask(process.effective)),
            "no_new_privileges": process.no_new_privileges,
            "seccomp": process.seccomp,
        }
        for process in container.processes
    ]


def _no_new_privileges(container: Container, snapshot: Snapshot) -> bool | None:
    if container.processes:
        return all(process.no_new_privileges for process in container.processes)
    return grants.no_new_privileges(container, snapshot)


def _seccomp(container: Container, snapshot: Snapshot) -> str | None:
    """Name the profile: default, unconfined or custom; None where the engine did not say."""
    value = grants.option(container, "seccomp")
    if container.processes and all(process.seccomp == 0 for process in container.processes):
        return "unconfined"
    if container.privileged or value == "unconfined":
        return "unconfined"
    if value is None:
        return grants.default_seccomp(snapshot)
    return "default" if value == "builtin" else "custom"
