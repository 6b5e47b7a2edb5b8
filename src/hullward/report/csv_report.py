"""The privileges table as CSV, for a spreadsheet."""

import csv
import io

from hullward.model.report import Report
from hullward.report import cells
from hullward.report.text import visible

# A spreadsheet takes a cell that starts so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(report: Report) -> str:
    """Write one line a container, with the target in front."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["TARGET", *cells.COLUMNS, "WORST"])
    for host in report.hosts:
        for row in host.rows if host.snapshot else ():
            written = cells.of(row, host.snapshot) if host.snapshot else None
            if written is None:
                continue
            lists = (
                written.cap_add, written.cap_drop, written.security, written.binds, written.ports,
            )  # fmt: skip
            values = [host.target, written.name, written.user]
            values += [" ".join(items) for items in lists]
            values += [written.verdict, row.worst.value if row.worst else ""]
            writer.writerow([_plain(value) for value in values])
    return out.getvalue()


def _plain(value: str) -> str:
    text = visible(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
