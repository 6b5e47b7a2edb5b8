"""The report for a person: the privileges table, then the findings, worst first."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from msgspec import Struct

from hullward.model.report import Behaviour, HostReport, Outcome, Report, Row, Verdict
from hullward.model.severity import Severity
from hullward.report import cells
from hullward.report.text import fold, pad, shorten, visible, width
from hullward.rules import ALL

_NARROW = 110
_GAP = "  "
_BOLD, _DIM, _RED, _YELLOW, _GREEN, _RESET = (
    "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[33m", "\x1b[32m", "\x1b[0m",
)  # fmt: skip
_PAINT = {
    Severity.CRITICAL: _BOLD + _RED,
    Severity.HIGH: _RED,
    Severity.MEDIUM: _YELLOW,
    Severity.LOW: "",
    Severity.INFO: _DIM,
}
_BEHAVIOUR = {Behaviour.YES: _GREEN, Behaviour.NO: _RED, Behaviour.UNKNOWN: _YELLOW}

_RULES = {rule.id: rule for rule in ALL}

# Shares of the width that the folded columns get, in the order of cells.COLUMNS.
_LEAST = (9, 8, 9, 8, 10, 13, 12, 18)


class Style(Struct, frozen=True):
    """How wide the terminal is, whether it shows colour, and whether all is to be told."""

    columns: int = 80
    colour: bool = False
    wide: bool = False
    by_risk: bool = False


def render(report: Report, style: Style) -> str:
    """Lay out every host, then the notes."""
    lines: list[str] = []
    for host in report.hosts:
        lines += [*_host(host, style), ""]
    lines += [line for note in report.notes for line in _hanging("Note: ", visible(note), style)]
    return "\n".join(lines).rstrip() + "\n"


def _host(host: HostReport, style: Style) -> Iterator[str]:
    yield from (_paint(line, _BOLD, style) for line in _hanging("", _title(host), style))
    snapshot = host.snapshot
    if snapshot is None:
        yield from _hanging("  not audited: ", visible(host.error or ""), style)
        return
    rows = sorted(host.rows, key=_risk) if style.by_risk else host.rows
    table = [(row, cells.of(row, snapshot)) for row in rows]
    yield ""
    if not table:
        yield "No container."
    elif style.wide:
        yield from _wide(table, style)
    elif style.columns < _NARROW:
        yield from _narrow(table, style)
    else:
        yield from _folded(table, style)
    yield ""
    yield from _findings(host, style)


def _title(host: HostReport) -> str:
    engine = host.snapshot.engine if host.snapshot else None
    known = [visible(host.target)]
    if engine:
        known.append(f"Docker {visible(engine.version)}, API {visible(engine.api)}")
    if host.snapshot:
        count = len(host.rows)
        known.append(f"{count} container{'' if count == 1 else 's'}")
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
    yield _paint(_line(cells.COLUMNS, widths), _BOLD, style)
    for (row, _), line in zip(table, texts, strict=True):
        yield _verdict_painted(_line(line, widths), line[-1], row, style)


def _folded(table: Sequence[tuple[Row, cells.Cells]], style: Style) -> Iterator[str]:
    """Show the guide's columns, each folded to its share of the width."""
    rows = [[tuple(map(visible, cell)) for cell in _columns(row)] for _, row in table]
    widths = _shares(rows, style.columns)
    yield _paint(_line(cells.COLUMNS, widths), _BOLD, style)
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
    yield _paint(_line(heads, widths), _BOLD, style)
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
        if over[widest] <= 0:
            break
        widths[widest] -= 1
    return widths


def _fold_cell(items: Iterable[str], columns: int) -> list[str]:
    """Fold each item of a cell; paths lose their middle first."""
    lines: list[str] = []
    for item in items:
        short = ":".join(_shorter(part, columns) for part in item.split(":"))
        lines += fold(short if width(short) <= columns else item, columns)
    return lines or [""]


def _fold_name(name: str, columns: int) -> list[str]:
    """Fold a name so that no part of it stands where the next row begins."""
    if width(name) <= columns:
        return [name]
    first, *rest = fold(name, columns - 2)
    return [first, *(f"  {line}" for line in rest)]


def _shorter(part: str, columns: int) -> str:
    return shorten(part, max(columns // 2, 12)) if part.startswith("/") else part


def _line(parts: Sequence[str], widths: Sequence[int]) -> str:
    filled = [pad(part, w) for part, w in zip(parts, widths, strict=True)]
    return _GAP.join(filled).rstrip()


def _verdict_painted(line: str, verdict: str, row: Row, style: Style) -> str:
    if not style.colour or not verdict.strip():
        return line
    return line[: len(line) - len(verdict)] + _paint(verdict, _BEHAVIOUR[row.behaviour], style)


def _paint(text: str, paint: str, style: Style) -> str:
    return f"{paint}{text}{_RESET}" if style.colour and paint else text


def _findings(host: HostReport, style: Style) -> Iterator[str]:
    """Whole findings down to medium, one line a rule below that, then what is not known."""
    failed = [v for v in host.verdicts if v.outcome is Outcome.FAIL]
    for severity in Severity:
        graded = sorted((v for v in failed if v.severity is severity), key=_by_rule_and_subject)
        brief = severity.rank < Severity.MEDIUM.rank and not style.wide
        if brief and graded:
            yield _paint(f"{severity.value.upper()} (in full with --wide)", _PAINT[severity], style)
        for rule, group in groupby(graded, key=_by_rule):
            verdicts = list(group)
            yield from (
                _brief(rule, verdicts, style) if brief else _full(severity, rule, verdicts, style)
            )
        if brief and graded:
            yield ""
    yield from _others(host, style)
    counts = _hanging("Findings: ", _counts(host), style)
    yield from (_paint(line, _BOLD, style) for line in counts)


def _counts(host: HostReport) -> str:
    outcomes = [v.outcome for v in host.verdicts]
    failed = [v.severity for v in host.verdicts if v.outcome is Outcome.FAIL]
    parts = [f"{failed.count(severity)} {severity.value}" for severity in Severity]
    rest = (Outcome.UNKNOWN, Outcome.BROKEN, Outcome.WAIVED)
    parts += [f"{outcomes.count(o)} {o.value}" for o in rest if o in outcomes]
    return ", ".join(parts)


def _by_rule(verdict: Verdict) -> str:
    return verdict.rule


def _by_rule_and_subject(verdict: Verdict) -> tuple[str, str]:
    return verdict.rule, verdict.subject


def _full(
    severity: Severity, rule: str, verdicts: Sequence[Verdict], style: Style
) -> Iterator[str]:
    """Every subject with its evidence; below high, a remedy that differs is told with --wide."""
    yield _paint(f"{severity.value.upper()} {rule}", _PAINT[severity], style)
    exact = style.wide or severity.rank >= Severity.HIGH.rank
    shared = len({verdict.remedy for verdict in verdicts}) == 1
    by_evidence: dict[tuple[str, str], list[str]] = {}
    for verdict in verdicts:
        key = (verdict.evidence, verdict.remedy if exact and not shared else "")
        by_evidence.setdefault(key, []).append(verdict.subject)
    for (evidence, remedy), subjects in by_evidence.items():
        names = ", ".join(map(visible, subjects))
        yield from _hanging(f"  {names}: ", visible(evidence), style)
        if remedy:
            yield from _remedy(remedy, style)
    if shared:
        yield from _remedy(verdicts[0].remedy, style)
    elif not exact:
        yield from _remedy(f"{_RULES[rule].remedy} (Exact lines for each: --wide.)", style)
    yield ""


def _remedy(remedy: str, style: Style) -> Iterator[str]:
    """Lines to copy are shown as they are; a sentence is folded."""
    first, *rest = remedy.split("\n")
    yield from _hanging("    → ", visible(first), style)
    yield from (f"      {visible(line)}" for line in rest)


def _brief(rule: str, verdicts: Sequence[Verdict], style: Style) -> Iterator[str]:
    names = ", ".join(visible(verdict.subject) for verdict in verdicts)
    yield from _hanging(f"  {rule}: ", names, style)


def _others(host: HostReport, style: Style) -> Iterator[str]:
    titles = (
        (Outcome.UNKNOWN, "UNKNOWN, because nobody could look"),
        (Outcome.BROKEN, "BROKEN rules: a fault of hullward, please report it"),
        (Outcome.WAIVED, "WAIVED"),
    )
    for outcome, title in titles:
        found = sorted((v for v in host.verdicts if v.outcome is outcome), key=_by_reason)
        if found:
            yield _paint(title, _YELLOW, style)
        for reason, group in groupby(found, key=_by_reason):
            pairs: dict[str, list[str]] = {}
            for verdict in group:
                pairs.setdefault(visible(verdict.subject), []).append(verdict.rule)
            yield from _hanging("  ", visible(reason), style)
            yield from _subjects(pairs, style)
        if found:
            yield ""


def _subjects(pairs: dict[str, list[str]], style: Style) -> Iterator[str]:
    """Name the subjects of one reason; those with the same rules share a line."""
    by_rules: dict[str, list[str]] = {}
    for subject, rules in pairs.items():
        label = f"all {len(rules)} rules" if len(rules) > 5 else ", ".join(rules)  # noqa: PLR2004
        by_rules.setdefault(label, []).append(subject)
    for label, subjects in by_rules.items():
        yield from _hanging("    ", f"{', '.join(subjects)}: {label}", style)


def _by_reason(verdict: Verdict) -> str:
    return verdict.reason or ""


def _hanging(label: str, text: str, style: Style) -> Iterator[str]:
    """Write text after a label, folded and indented below the label's start."""
    indent = " " * (len(label) - len(label.lstrip()) + 2)
    if style.wide:
        yield label + text
        return
    first, *rest = fold(label.lstrip() + text, max(style.columns, 60) - len(indent))
    yield label[: len(label) - len(label.lstrip())] + first
    yield from (indent + line for line in rest)
