"""The truth table of ports as text and as JSON, with what a probe reached, if there was one."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from hullward import __version__
from hullward.model.policy import GUIDE, Policy
from hullward.report.text import fold, pad, visible, width
from hullward.rules.port_policy import intended
from hullward.rules.port_table import Reach, Row

SCHEMA_VERSION = "1"
_HEADS = ("PORT", "BOUND TO", "WHO", "CLAIMED CLOSED BY", "TRUTH", "PROBE", "POLICY")
_GAP = "  "
_COLUMNS = 80
_TRUTH = {
    Reach.OPEN: "open",
    Reach.LIMITED: "limited",
    Reach.BLOCKED: "closed",
    Reach.LOCAL: "host only",
    Reach.UNKNOWN: "unknown",
}


class Probe(Struct, frozen=True):
    """What real connections found: for each address and TCP port how it answered.

    The answers are reachable, refused, silent (no answer in time) and unreachable (no way there).
    """

    addresses: tuple[str, ...] = ()
    answers: Mapping[tuple[str, int], str] = field(default_factory=dict)

    def of(self, row: Row) -> str:
        """Give the best answer for a row, "" where it was not tried."""
        if row.protocol != "tcp":
            return ""
        mine = [a for a in self.addresses if _version(a) == row.version and _fits(a, row)]
        answers = [self.answers[a, row.port] for a in mine if (a, row.port) in self.answers]
        order = ("reachable", "refused", "silent", "unreachable")
        return min(answers, key=order.index) if answers else ""


def _version(address: str) -> int:
    return 6 if ":" in address else 4


def _fits(address: str, row: Row) -> bool:
    """Whether a probe of the address meets the row; behind NAT the host knows another one."""
    return row.everywhere or not row.loopback or address == row.address


class Ports(Struct, frozen=True):
    """The table of one target, beside a policy; `gap` says why rows may be missing."""

    target: str
    rows: tuple[Row, ...] = ()
    gap: str = ""
    probe: Probe | None = None
    policy: Policy = GUIDE

    def intends(self, row: Row) -> bool:
        """Whether the policy leaves the port of a row open."""
        return intended(row, self.policy)


def surprises(ports: Ports) -> tuple[tuple[str, int], ...]:
    """Give the addresses and ports that a probe reached although the policy closes them."""
    if ports.probe is None:
        return ()
    allowed = ports.policy.open_tcp | {
        row.port for row in ports.rows if row.protocol == "tcp" and ports.intends(row)
    }
    reached = (place for place, said in ports.probe.answers.items() if said == "reachable")
    return tuple(sorted(place for place in reached if place[1] not in allowed))


def render(ports: Ports, columns: int = _COLUMNS) -> str:
    """Lay out the table; the reason of each row stands below it."""
    lines = [f"{visible(ports.target)} · {_count(len(ports.rows), 'port')}", ""]
    lines += _table(ports, columns)
    if ports.gap:
        lines += ["", f"Ports may be missing: {visible(ports.gap)}."]
    lines += ["", *_summary(ports, columns)]
    return "\n".join(lines).rstrip() + "\n"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _table(ports: Ports, columns: int) -> Iterator[str]:
    rows = [[visible(cell) for cell in _cells(row, ports)] for row in ports.rows]
    used = [i for i in range(len(_HEADS)) if i != _HEADS.index("PROBE") or ports.probe]
    widths = {
        i: max([width(_HEADS[i]), *(width(row[i]) for row in rows)]) if rows else width(_HEADS[i])
        for i in used
    }
    if rows:
        yield _GAP.join(pad(_HEADS[i], widths[i]) for i in used).rstrip()
    for row, cells in zip(ports.rows, rows, strict=True):
        yield _GAP.join(pad(cells[i], widths[i]) for i in used).rstrip()
        if row.reason:
            yield from (f"    {line}" for line in fold(visible(row.reason), max(columns, 60) - 4))


def _cells(row: Row, ports: Ports) -> tuple[str, ...]:
    address = f"[{row.address}]" if row.version == 6 else row.address  # noqa: PLR2004 - IPv6
    behind = f" → {row.private}" if row.published else ""
    program = f" ({row.program})" if row.container and row.program and not row.published else ""
    return (
        f"{row.port}/{row.protocol}",
        "every IPv6 address" if row.address == "::" else
        "every IPv4 address" if row.everywhere else address,
        f"{row.who}{program}{behind}",
        ", ".join(f"{c.firewall}: {_HOLDS[c.holds]}" for c in row.claims) or "-",
        _TRUTH[row.reach],
        (ports.probe.of(row) if ports.probe else "") or "-",
        "open" if ports.intends(row) else "closed",
    )  # fmt: skip


_HOLDS = {True: "true", False: "FALSE", None: "unknown"}


def _summary(ports: Ports, columns: int) -> Iterator[str]:
    deceived = [row for row in ports.rows if row.deceived]
    if deceived:
        names = dict.fromkeys(f"{row.port}/{row.protocol}" for row in deceived)
        yield f"Claimed to be closed, and open: {', '.join(names)}"
    if ports.probe is None:
        yield from fold(
            "A firewall of the provider cannot be seen from inside. Prove what is open from "
            "another machine: hullward ports TARGET --probe",
            max(columns, 60),
        )
        return
    yield f"Probed from here: {visible(', '.join(ports.probe.addresses))}"
    found = [place for place, said in ports.probe.answers.items() if said == "reachable"]
    yield f"Reachable: {_places(found) or 'nothing'}"
    yield f"Reachable beside the policy: {_places(surprises(ports)) or 'nothing'}"


def _places(places: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"[{a}]:{p}" if ":" in a else f"{a}:{p}" for a, p in sorted(places))


def render_json(tables: Sequence[Ports]) -> str:
    """Write ASCII only, like the report of an audit."""
    value = {
        "schema_version": SCHEMA_VERSION,
        "hullward": __version__,
        "hosts": [_host(ports) for ports in tables],
    }
    return json.dumps(value, indent=2) + "\n"


def _host(ports: Ports) -> dict[str, object]:
    probe = ports.probe
    return {
        "target": ports.target,
        "gap": ports.gap or None,
        "policy": {
            "open_tcp": sorted(ports.policy.open_tcp),
            "open_udp": sorted(ports.policy.open_udp),
        },
        "ports": [_row(row, ports) for row in ports.rows],
        "probe": None
        if probe is None
        else [
            {"address": address, "port": port, "answer": answer}
            for (address, port), answer in sorted(probe.answers.items())
        ],
    }


def _row(row: Row, ports: Ports) -> dict[str, object]:
    """Give one row as plain values; null is "not looked at"."""
    return {
        "port": row.port,
        "protocol": row.protocol,
        "address": row.address,
        "who": row.who,
        "container": row.container or None,
        "program": row.program or None,
        "unit": row.unit or None,
        "published": row.published,
        "container_port": row.private or None,
        "claims": [{"firewall": c.firewall, "holds": c.holds} for c in row.claims],
        "reach": row.reach.value,
        "reason": row.reason or None,
        "intended": ports.intends(row),
        "probe": (ports.probe.of(row) if ports.probe else "") or None,
    }
