"""YAML text to nodes, by libyaml's events; bounded in size, depth and expansion of aliases."""

import re
from typing import Any, NoReturn

import yaml
from yaml.reader import Reader

from hullward.compose.nodes import Alias, Mapping, Mark, Node, Scalar, Sequence
from hullward.model.errors import HullwardError

try:
    from yaml._yaml import CParser
except ImportError:  # PyYAML was built without libyaml; the same events, some ten times slower
    CParser = None  # type: ignore[assignment, misc]

# What people write is far below; what is above is an accident or an attack.
MAX_CHARACTERS = 4_000_000
MAX_DEPTH = 100
MAX_NODES = 200_000

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_UNUSUAL_BREAK = re.compile("[\r\x85\u2028\u2029]")
_BOM = "\ufeff"
_TABS = "Indent with spaces: YAML knows no tabs there."
_SYNTAX = "Mend the YAML there; `docker compose config` reads the same file."


class _Pure(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):
    """PyYAML's own parser, with the one method of CParser that is used here."""

    def __init__(self, text: str) -> None:
        yaml.reader.Reader.__init__(self, text)
        yaml.scanner.Scanner.__init__(self)
        yaml.parser.Parser.__init__(self)


def read(text: str, path: str, *, pure: bool = CParser is None) -> tuple[Node, ...]:
    """Give the documents of a text, without those that hold nothing.

    `pure` takes PyYAML's own parser. Raises HullwardError with `path:line:column`.
    """
    if len(text) > MAX_CHARACTERS:
        raise HullwardError(
            f"{path}: {len(text)} characters are no compose file",
            f"Name a file of at most {MAX_CHARACTERS} characters.",
        )
    body = text.removeprefix(_BOM)
    composer = _Composer(path, _marker(body, len(text) - len(body)))
    try:
        composer.feed((_Pure if pure else CParser)(body))
    except yaml.MarkedYAMLError as error:
        _refuse_marked(error, path, body)
    except (yaml.YAMLError, UnicodeEncodeError):
        _refuse_character(path, body)
    return tuple(composer.documents)


def fail(path: str, mark: Mark, what: str, advice: str) -> NoReturn:
    """Raise the error of something written at this place."""
    raise HullwardError(f"{path}:{mark.line}:{mark.column}: {what}", advice)


def _refuse_marked(error: yaml.MarkedYAMLError, path: str, text: str) -> NoReturn:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    lines = _BREAK.split(text)
    written = lines[line] if line < len(lines) else ""
    tab = "\t" in written[: column + 1] and not written[:column].strip()
    what = "a tab is no indentation" if tab else " ".join((error.problem or str(error)).split())
    raise HullwardError(
        f"{path}:{line + 1}:{column + 1}: {what}", _TABS if tab else _SYNTAX
    ) from None


def _refuse_character(path: str, text: str) -> NoReturn:
    """Name the first character that YAML does not allow."""
    found = Reader.NON_PRINTABLE.search(text) or re.search("[\ud800-\udfff]", text)
    before = _BREAK.split(text[: found.start()] if found else "")
    named = f"U+{ord(found[0]):04X}" if found else "a character"
    raise HullwardError(
        f"{path}:{len(before)}:{len(before[-1]) + 1}: {named} is not allowed in YAML",
        "Save the file as UTF-8 text without control characters.",
    ) from None


def _marker(text: str, shift: int) -> Any:  # noqa: ANN401 - marks of libyaml have no type
    """Give the function that turns a mark of the parser into ours.

    libyaml counts a CR LF as one character, and nothing counts the byte order mark.
    """
    if not shift and not _UNUSUAL_BREAK.search(text):
        return lambda mark: Mark(mark.index, mark.line + 1, mark.column + 1)
    # libyaml ends a text without a last line break on a line behind it.
    starts = [0, *(match.end() for match in _BREAK.finditer(text)), len(text)]
    return lambda mark: Mark(
        shift + starts[min(mark.line, len(starts) - 1)] + mark.column,
        mark.line + 1,
        mark.column + 1,
    )


class _Open:
    """A list or mapping whose end has not come yet."""

    __slots__ = ("children", "event", "keys", "weight")

    def __init__(self, event: Any) -> None:  # noqa: ANN401 - as above
        self.event = event
        self.children: list[Node] = []
        self.keys: set[str] | None = set() if isinstance(event, yaml.MappingStartEvent) else None
        self.weight = 1


class _Composer:
    """Builds nodes from events without recursion, and weighs what aliases would expand to."""

    def __init__(self, path: str, mark: Any) -> None:  # noqa: ANN401 - as above
        self.path = path
        self.mark = mark
        self.documents: list[Node] = []
        self.open: list[_Open] = []
        self.anchors: dict[str, tuple[Scalar | Sequence | Mapping, int]] = {}

    def feed(self, parser: Any) -> None:  # noqa: ANN401 - as above
        """Take every event of a parser."""
        while True:
            event = parser.get_event()
            kind = event.__class__
            if kind is yaml.ScalarEvent:
                self._scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                if len(self.open) == MAX_DEPTH:
                    self._fail(event, f"more than {MAX_DEPTH} levels of nesting", "Nest less.")
                self.open.append(_Open(event))
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                self._close(event)
            elif kind is yaml.AliasEvent:
                self._alias(event)
            elif kind is yaml.DocumentStartEvent:
                self.anchors = {}
            elif kind is yaml.StreamEndEvent:
                return

    def _scalar(self, event: Any) -> None:  # noqa: ANN401 - as above
        node = Scalar(
            event.value,
            event.style or "",
            event.tag or "",
            event.anchor or "",
            self.mark(event.start_mark),
            self.mark(event.end_mark),
        )
        if self.open or node.value or node.style or node.tag:
            self._add(node, node.anchor, 1)

    def _alias(self, event: Any) -> None:  # noqa: ANN401 - as above
        name = event.anchor
        if name not in self.anchors:
            inside = any(frame.event.anchor == name for frame in self.open)
            what = f"*{name} is inside of what it names" if inside else f"no anchor &{name} yet"
            self._fail(event, what, "Write the anchor before its alias.")
        target, weight = self.anchors[name]
        start, end = self.mark(event.start_mark), self.mark(event.end_mark)
        self._add(Alias(name, target, start, end), "", weight)

    def _close(self, event: Any) -> None:  # noqa: ANN401 - as above
        frame = self.open.pop()
        began, children = frame.event, frame.children
        rest = (
            bool(began.flow_style),
            began.tag or "",
            began.anchor or "",
            self.mark(began.start_mark),
            self.mark(event.end_mark),
        )
        node: Sequence | Mapping
        if frame.keys is None:
            node = Sequence(tuple(children), *rest)
        else:
            node = Mapping(tuple(zip(children[::2], children[1::2], strict=True)), *rest)
        self._add(node, node.anchor, frame.weight)

    def _add(self, node: Node, anchor: str, weight: int) -> None:
        if anchor and not isinstance(node, Alias):
            self.anchors[anchor] = (node, weight)
        if not self.open:
            self.documents.append(node)
            return
        frame = self.open[-1]
        frame.weight += weight
        if frame.weight > MAX_NODES:
            fail(
                self.path,
                node.start,
                f"its aliases stand for more than {MAX_NODES} values",
                "Write out what is needed; such files are made to exhaust their readers.",
            )
        keys = frame.keys
        if keys is not None and len(frame.children) % 2 == 0 and isinstance(node, Scalar):
            if node.value in keys:
                what = f"the key {node.value!r} is there twice"
                fail(self.path, node.start, what, "Keep one of them: the other has no effect.")
            keys.add(node.value)
        frame.children.append(node)

    def _fail(self, event: Any, what: str, advice: str) -> NoReturn:  # noqa: ANN401 - as above
        fail(self.path, self.mark(event.start_mark), what, advice)
