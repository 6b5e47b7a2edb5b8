"""The report for a person: the privileges table, then the findings of each host."""

from collections.abc import Iterable, Iterator, Sequence

from hullward.model.facts import AssumedEngine
from hullward.model.report import Behaviour, HostReport, Report, Row
from hullward.model.severity import Severity
from hullward.report import cells, findings
from hullward.report.terminal import BOLD, GREEN, RED, YELLOW, Style, hanging, paint
from hullward.report.text import fold, pad, shorten, visible, width

__all__ = ["Style", "render"]

_NARROW = 110
_GAP = "  "
_BEHAVIOUR = {Behaviour.YES: GREEN, Behaviour.NO: RED, Behaviour.UNKNOWN: YELLOW}

# The least that the folded columns keep, in the order of cells.COLUMNS; fits within _NARROW.
_LEAST = (9, 8, 9, 8, 10, 13, 12, 18)


def render(report: Report, style: Style) -> str:
    """Lay out every host, then the notes."""
    lines: list[str] = []
    for host in report.hosts:
        lines += [*_host(host, style), ""]
    lines += [line for note in report.notes for line in hanging("Note: ", visible(note), style)]
    return "\n".join(lines).rstrip() + "\n"


def _host(host: HostReport, style: Style) -> Iterator[str]:
    yield from (paint(line, BOLD, style) for line in hanging("", _title(host), style))
    snapshot = host.snapshot
    if snapshot is None:
        yield from hanging("  not audited: ", visible(host.error or ""), style)
        return
    rows = sorted(host.rows, key=_risk) if style.by_risk else host.rows
    table = [(row, cells.of(row, snapshot)) for row in rows]
    yield ""
    if snapshot.engine is None and not table:
        yield from findings.render(host, style)
        return
    if not table:
        yield "No service." if _written(host) else "No container."
    elif style.wide:
        yield from _wide(table, style)
    elif style.columns < _NARROW:
        yield from _narrow(table, style)
    else:
        yield from _folded(table, style)
    yield ""
    yield from findings.render(host, style)


def _written(host: HostReport) -> bool:
    """Whether it is about files, on which nothing runs."""
    return host.snapshot is not None and isinstance(host.snapshot.engine, AssumedEngine)


def _title(host: HostReport) -> str:
    engine = host.snapshot.engine if host.snapshot else None
    known = [visible(host.target)]
    if engine and not _written(host):
        known.append(f"Docker {visible(engine.version)}, API {visible(engine.api)}")
    if host.snapshot:
        count = len(host.rows)
        what = "service" if _written(host) else "container"
        if engine or count:
            known.append(f"{count} {what}{'' if count == 1 else 's'}")
        known.append(visible(host.snapshot.collected_at))
    return " · ".join(known)


def _risk(row: Row) -> tuple[int, int, str]:
    """Order rows by what is worst in them; one that could not be read comes first."""
    if row.container is None:
        return (-len(Severity), 0, row.name)
    return (-(row.worst.rank if row.worst else -1), -row.failed, row.name)


def _columns(row: cells.Cells) -> tuple[tuple[str, ...], ...]:
    single = ((row.name,), (row.user,))
    return (*single, row.cap_add, row.cap_drop, row.security, row.binds, row.ports, (row.verdict,))


def _wide(table: Sequence[tuple[Row, cells.Cells]], style: Style) -> Iterator[str]:
    """One line a container, whole, however long."""
    texts = [[visible(" ".join(cell)) for cell in _columns(row)] for _, row in table]
    widths = [
        max([width(head), *(width(line[i]) for line in texts)])
        for i, head in enumerate(cells.COLUMNS)
    ]
    yield paint(_line(cells.COLUMNS, widths), BOLD, style)
    for (row, _), line in zip(table, texts, strict=True):
        yield _verdict_painted(_line(line, widths), line[-1], row, style)


def _folded(table: Sequence[tuple[Row, cells.Cells]], style: Style) -> Iterator[str]:
    """Show the guide's columns, each folded to its share of the width."""
    rows = [[tuple(map(visible, cell)) for cell in _columns(row)] for _, row in table]
    widths = _shares(rows, style.columns)
    yield paint(_line(cells.COLUMNS, widths), BOLD, style)
    for (row, _), line in zip(table, rows, strict=True):
        folded = [_fold_cell(cell, share) for cell, share in zip(line, widths, strict=True)]
        folded[0] = _fold_name(line[0][0], widths[0])
        for i in range(max(map(len, folded))):
            parts = [cell[i] if i < len(cell) else "" for cell in folded]
            yield _verdict_painted(_line(parts, widths), parts[-1], row, style)


def _narrow(table: Sequence[tuple[Row, cells.Cells]], style: Style) -> Iterator[str]:
    """Four columns for a small terminal: the lists stand under each other with their names."""
    heads = ("CONTAINER", "USER", "PRIVILEGES", "VERDICT")
    name = _capped([row.name for _, row in table], heads[0], 16)
    user = _capped([row.user for _, row in table], heads[1], 12)
    rest = max(style.columns, 60) - name - user - 3 * len(_GAP)
    widths = (name, user, rest * 3 // 5, rest - rest * 3 // 5)
    yield paint(_line(heads, widths), BOLD, style)
    for row, words in table:
        lists = zip(_LABELS, _columns(words)[2:7], strict=True)
        columns = (
            _fold_name(visible(words.name), widths[0]),
            _fold_cell([visible(words.user)], widths[1]),
            [line for label, items in lists for line in _labelled(label, items, widths[2])],
            _fold_cell([visible(words.verdict)], widths[3]),
        )
        for i in range(max(map(len, columns))):
            texts = [column[i] if i < len(column) else "" for column in columns]
            yield _verdict_painted(_line(texts, widths), texts[-1], row, style)


def _capped(texts: Iterable[str], head: str, most: int) -> int:
    return min(max(map(width, [head, *map(visible, texts)])), most)


# The lists of cells.COLUMNS, CAP_ADD to PORTS, in the words of a narrow table.
_LABELS = ("add", "drop", "opt", "bind", "port")


def _labelled(label: str, items: Iterable[str], columns: int) -> Iterator[str]:
    room = columns - 5
    lines = [line for item in items for line in _fold_cell([visible(item)], room)]
    for i, line in enumerate(_joined(lines, room)):
        yield f"{label if i == 0 else '':4} {line}"


def _joined(lines: Iterable[str], columns: int) -> list[str]:
    """Put short items on one line as long as they fit."""
    return [line for line in fold(" ".join(lines), columns) if line]


def _shares(rows: Sequence[Sequence[Sequence[str]]], columns: int) -> list[int]:
    """Give each column what it needs, then take from the widest until the line fits."""
    widths = []
    for i, head in enumerate(cells.COLUMNS):
        items = [item for row in rows for item in row[i]]
        widths.append(max(width(head), *(width(item) for item in items), 0) if items else len(head))
    room = columns - len(_GAP) * (len(widths) - 1)
    while sum(widths) > room:
        over = [w - least for w, least in zip(widths, _LEAST, strict=True)]
        widest = max(range(len(widths)), key=lambda i: (over[i], widths[i]))
        widths[widest] -= 1
    return widths


def _fold_cell(items: Iterable[str], columns: int) -> list[str]:
    """Fold each item of a cell that does not fit, even with shorter paths."""
    return [line for item in items for line in fold(_fitting(item, columns), columns)] or [""]


def _fitting(item: str, columns: int) -> str:
    """Shorten the paths of an item, the longest first, where that makes it fit on one line."""
    parts = item.split(":")
    for i in sorted(range(len(parts)), key=lambda i: -width(parts[i])):
        over = width(":".join(parts)) - columns
        if over > 0 and parts[i].startswith("/"):
            parts[i] = shorten(parts[i], max(width(parts[i]) - over, 8))
    short = ":".join(parts)
    return short if width(short) <= columns else item


def _fold_name(name: str, columns: int) -> list[str]:
    """Fold a name so that no part of it stands where the next row begins."""
    if width(name) <= columns:
        return [name]
    first, *rest = fold(name, columns - 2)
    return [first, *(f"  {line}" for line in rest)]


def _line(parts: Sequence[str], widths: Sequence[int]) -> str:
    filled = [pad(part, w) for part, w in zip(parts, widths, strict=True)]
    return _GAP.join(filled).rstrip()


def _verdict_painted(line: str, verdict: str, row: Row, style: Style) -> str:
    if not style.colour or not verdict.strip():
        return line
    return line[: len(line) - len(verdict)] + paint(verdict, _BEHAVIOUR[row.behaviour], style)
