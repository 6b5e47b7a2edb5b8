"""Files of a compose project, each opened and parsed once."""

from collections.abc import Mapping

from msgspec import Struct, field

from hullward.compose import dotenv, keys, merge, nodes, text, values
from hullward.compose.budget import Budget
from hullward.compose.model import Loader, MissingFileError, Place, Problem, Unresolved
from hullward.compose.values import Leaf, Source, Table, Tree
from hullward.model.errors import HullwardError


class Loaded(Struct):
    """What reading has brought so far; `extends` and `unresolved` are by the service's name."""

    load: Loader
    files: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    extends: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unresolved: dict[str, Unresolved] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    parsed: dict[str, tuple[nodes.Node, ...]] = field(default_factory=dict)
    checked: set[str] = field(default_factory=set)
    budget: Budget = field(default_factory=Budget)

    def text(self, file: str) -> str:
        """Open a file; raises HullwardError for what is no text."""
        content = text.decode(self.load(file), file)
        if file not in self.files:
            self.files.append(file)
        return content

    def problem(self, what: str, place: Place) -> None:
        """Note what makes the reading incomplete."""
        self.problems.append(Problem(what, place))


def documents(
    state: Loaded, file: str, base: str, environment: Mapping[str, str]
) -> tuple[Table, ...]:
    """Read one file; raises HullwardError for what is no compose file."""
    source = Source(file, base, environment, state.budget)
    found = nodes_of(state, file)
    try:
        trees = [values.build(node, source) for node in found]
    except HullwardError:
        text.refuse_template(state.texts[file], file, broken=True)
        raise
    tables = []
    for tree in trees:
        if isinstance(tree, Table):
            if file not in state.checked:
                state.problems += keys.of_file(tree)
            tables.append(tree)
        elif not isinstance(tree, Leaf) or tree.data is not None:
            raise HullwardError(
                f"{tree.place}: a compose file is a mapping with `services:`",
                "Name a compose file.",
            )
    if not any(table.entries for table in tables) and file not in state.checked:
        state.problem("the file holds nothing", Place(file, 1, 1))
    state.checked.add(file)
    return tuple(tables)


def nodes_of(state: Loaded, file: str) -> tuple[nodes.Node, ...]:
    """Give the documents of a file, which is opened once."""
    if file not in state.parsed:
        content = state.texts[file] = state.text(file)
        text.refuse_template(content, file, broken=False)
        try:
            state.parsed[file] = nodes.documents(content, file)
        except HullwardError:
            text.refuse_template(content, file, broken=True)
            raise
    return state.parsed[file]


def settled(tree: Tree, before: Table) -> Table:
    """Settle what was reset or overridden; `before` where nothing is left."""
    found = merge.settled(tree)
    return found if isinstance(found, Table) else before


def with_file(
    state: Loaded, file: str, environment: Mapping[str, str], *, needed: bool
) -> Mapping[str, str]:
    """Add the variables of a file to an environment, which wins."""
    try:
        content = state.text(file)
    except MissingFileError:
        if needed:
            raise
        return environment
    return {**dotenv.parse(content, file, environment), **environment}
