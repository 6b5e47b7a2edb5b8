"""The tree of a YAML file with the place of each node, as written.

Nothing is resolved here: an alias stays an alias, a merge key a key, `22:22` a text.
"""

from msgspec import Struct

from hullward.model.errors import HullwardError


class Mark(Struct, frozen=True, gc=False):
    """A position: `index` counts characters of the text from 0, `line` and `column` from 1."""

    index: int
    line: int
    column: int


class Scalar(Struct, frozen=True, gc=False):
    """A text: `style` is "" for plain, else its sign: ' " | or >; `tag` is "" for none.

    `start` is before its anchor and tag, `end` behind its last character.
    """

    value: str
    style: str
    tag: str
    anchor: str
    start: Mark
    end: Mark


class Sequence(Struct, frozen=True):
    """A list; `flow` for `[a, b]`. In block style, `end` is where the next token starts."""

    items: tuple["Node", ...]
    flow: bool
    tag: str
    anchor: str
    start: Mark
    end: Mark


class Mapping(Struct, frozen=True):
    """Keys with values in the order of the text; `flow` for `{a: b}`. No two keys are the same."""

    pairs: tuple[tuple["Node", "Node"], ...]
    flow: bool
    tag: str
    anchor: str
    start: Mark
    end: Mark

    def get(self, key: str) -> "Node | None":
        """Give what is written at this key, None for nothing; merge keys are not followed."""
        return next((v for k, v in self.pairs if isinstance(k, Scalar) and k.value == key), None)


class Alias(Struct, frozen=True):
    """`*name`: where it is written, and the node that it stands for."""

    name: str
    target: "Scalar | Sequence | Mapping"
    start: Mark
    end: Mark


Node = Scalar | Sequence | Mapping | Alias


def resolved(node: Node) -> Scalar | Sequence | Mapping:
    """Give the node that an alias stands for, any other as it is."""
    return node.target if isinstance(node, Alias) else node


def parse(text: str, path: str) -> Node | None:
    """Read a file of one document, None where it holds nothing.

    Raises HullwardError with `path:line:column` for what is no YAML, and for more documents.
    """
    found = documents(text, path)
    if len(found) > 1:
        mark = found[1].start
        raise HullwardError(
            f"{path}:{mark.line}:{mark.column}: a second document starts here",
            "Put each document in a file of its own.",
        )
    return found[0] if found else None


def documents(text: str, path: str) -> tuple[Node, ...]:
    """Read every document of a file that is not empty; errors as for `parse`."""
    # The reader is loaded by those who read only.
    from hullward.compose.parser import read  # noqa: PLC0415

    return read(text, path)
