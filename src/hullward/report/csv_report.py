"""The privileges table as CSV, for a spreadsheet."""

import csv
import io
from collections.abc import Iterator

from hullward.model.report import HostReport, Report
from hullward.report import cells
from hullward.report.text import visible

# A spreadsheet takes a cell that starts so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(report: Report) -> str:
    """Write one line a container, with the target in front; one for a target not audited."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["TARGET", *cells.COLUMNS, "WORST"])
    for host in report.hosts:
        for values in _rows(host):
            writer.writerow([_plain(value) for value in (host.target, *values)])
    return out.getvalue()


def _rows(host: HostReport) -> Iterator[tuple[str, ...]]:
    if host.snapshot is None:
        nothing = [""] * (len(cells.COLUMNS) - 1)
        yield (*nothing, f"not audited: {host.error or ''}", "")
        return
    for row in host.rows:
        written = cells.of(row, host.snapshot)
        lists = (
            written.cap_add, written.cap_drop, written.security, written.binds, written.ports,
        )  # fmt: skip
        joined = (" ".join(items) for items in lists)
        worst = row.worst.value if row.worst else ""
        yield (written.name, written.user, *joined, written.verdict, worst)


def _plain(value: str) -> str:
    text = visible(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
