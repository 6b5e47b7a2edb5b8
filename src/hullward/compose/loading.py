"""Compose files to one tree: merged, with what they include and extend."""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from hullward.compose import dotenv, merge, nodes, paths, text, values
from hullward.compose.budget import Budget
from hullward.compose.model import Loader, MissingFileError, Place, Problem, Unresolved
from hullward.compose.values import Items, Leaf, Source, Table, Tree
from hullward.model.errors import HullwardError

MAX_CHAIN = 50
# An include counts as so many values: a thousand of them are an attack.
_INCLUDE = 1000

_ONCE = "Break the circle: take out one of them."
_RESOURCES = ("services", "volumes", "networks", "secrets", "configs", "models")


class Loaded(Struct):
    """What reading has brought so far; `extends` and `unresolved` are by the service's name."""

    load: Loader
    files: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    extends: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unresolved: dict[str, Unresolved] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    parsed: dict[str, tuple[nodes.Node, ...]] = field(default_factory=dict)
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


def model(
    state: Loaded,
    files: Sequence[str],
    base: str,
    environment: Mapping[str, str],
    above: tuple[str, ...] = (),
) -> Table:
    """Read files into one tree, each laid over those before; `above` are those that include it."""
    found = Table({}, {}, Source(files[0], base, environment, state.budget), 1, 1)
    for file in files:
        for document in documents(state, file, base, environment):
            included = _include(state, document, base, (*above, file))
            extended = _Extender(state, file).all(included)
            found = _settled(merge.over(found, extended), found)
    return found


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
            tables.append(tree)
        elif not isinstance(tree, Leaf) or tree.data is not None:
            raise HullwardError(
                f"{tree.place}: a compose file is a mapping with `services:`",
                "Name a compose file.",
            )
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


def _settled(tree: Tree, before: Table) -> Table:
    found = merge.settled(tree)
    return found if isinstance(found, Table) else before


def _include(state: Loaded, document: Table, base: str, above: tuple[str, ...]) -> Table:
    """Bring in what a document includes; its own settings lie over them."""
    wanted = document.get("include")
    if wanted is None:
        return document
    if not isinstance(wanted, Items):
        raise HullwardError(
            f"{wanted.place}: include is a list", "Write `include:` with one `- FILE` a line."
        )
    for entry in wanted.items:
        imported = _included(state, entry, base, above)
        if imported is None:
            continue
        for kind in _RESOURCES:
            theirs, ours = imported.get(kind), document.get(kind)
            if theirs is None:
                continue
            entries = dict(document.entries)
            entries[kind] = theirs if ours is None else merge.over(theirs, ours, (kind,))
            keys = {kind: imported.keys[kind], **document.keys}
            document = replace(document, entries=entries, keys=keys)
    return document


def _included(state: Loaded, entry: Tree, base: str, above: tuple[str, ...]) -> Table | None:
    source = entry.source
    main = entry if isinstance(entry, Leaf) else None
    names, directory, env_files = _included_paths(entry)
    for name in names:
        if paths.remote(name.text) or name.gap:
            reason = name.gap or "it is fetched from elsewhere"
            state.problem(
                f"include of {paths.shown(name.text)} was not followed: {reason}", name.place
            )
            return None
    if not names:
        state.problem("include names no file", entry.place)
        return None
    files = [paths.absolute(name.text, base, source.environment) for name in names]
    if files[0] in above or len(above) > MAX_CHAIN:
        raise HullwardError(f"{(main or names[0]).place}: {files[0]} includes itself", _ONCE)
    inner = (
        paths.absolute(directory.text, base, source.environment)
        if directory
        else paths.folder(files[0])
    )
    environment = _included_environment(state, env_files, base, inner, source.environment)
    state.budget.spend(_INCLUDE, names[0].place)
    try:
        return model(state, files, inner, environment, above)
    except MissingFileError as error:
        state.problem(f"include was not followed: {error.what}", names[0].place)
        return None


def _included_paths(entry: Tree) -> tuple[list[Leaf], Leaf | None, list[Leaf] | None]:
    if not isinstance(entry, Table):
        return _leaves(entry), None, None
    directory = entry.get("project_directory")
    env = entry.get("env_file")
    path = entry.get("path")
    return (
        _leaves(path) if path else [],
        directory if isinstance(directory, Leaf) else None,
        _leaves(env) if env else None,
    )


def _leaves(tree: Tree) -> list[Leaf]:
    return [item for item in merge.as_list(tree).items if isinstance(item, Leaf)]


def _included_environment(
    state: Loaded,
    env_files: list[Leaf] | None,
    base: str,
    directory: str,
    environment: Mapping[str, str],
) -> Mapping[str, str]:
    """Give the variables of an included file: what is set outside wins over its own .env."""
    if not env_files:
        own = paths.absolute(".env", directory, environment)
        return with_file(state, own, environment, needed=False)
    for leaf in env_files:
        if leaf.text != "/dev/null":
            file = paths.absolute(leaf.text, base, leaf.source.environment)
            environment = with_file(state, file, environment, needed=True)
    return environment


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


class _Extender:
    """Follows `extends` in one file; what a service extends is found once."""

    def __init__(self, state: Loaded, file: str) -> None:
        self.state = state
        self.file = file
        self.opened: dict[str, Table | None] = {}

    def all(self, document: Table) -> Table:
        """Give the document with every service complete."""
        services = document.get("services")
        if not isinstance(services, Table):
            return document
        done: dict[str, Tree] = {}
        for name in services.entries:
            tree, chain = self._service(name, services, self.file, ())
            done[name] = tree
            if chain:
                self.state.extends[name] = (*chain, *self.state.extends.get(name, ()))
        changed = {**document.entries, "services": replace(services, entries=done)}
        return replace(document, entries=changed)

    def _service(
        self, name: str, services: Table, file: str, below: tuple[tuple[str, str], ...]
    ) -> tuple[Tree, tuple[str, ...]]:
        """Give a service with what it extends, and the chain of that; `below` extend this one."""
        service = services.entries[name]
        wish = service.get("extends") if isinstance(service, Table) else None
        if wish is None or not isinstance(service, Table):
            return service, ()
        if (file, name) in below or len(below) > MAX_CHAIN:
            raise HullwardError(f"{wish.place}: the service {name} extends itself", _ONCE)
        rest = replace(
            service, entries={k: v for k, v in service.entries.items() if k != "extends"}
        )
        reference, origin = _reference(wish)
        theirs, where = services, file
        written = reference.text
        if origin is not None:
            written = f"{paths.shown(origin.text)}:{written}"
        gap = reference.gap or (origin.gap if origin else "")
        if origin is not None and not gap:
            opened = self._open(origin)
            if opened is None:
                gap = "it is fetched from elsewhere or cannot be read"
            else:
                theirs, where = opened, _path(origin)
        outermost = below[0][1] if below else name
        if gap:
            self._cannot(outermost, f"it extends {written}: {gap}", wish.place, origin)
            return rest, (written,)
        if reference.text not in theirs.entries:
            raise HullwardError(
                f"{wish.place}: there is no service {reference.text} in {where} to extend",
                "Name one that is there.",
            )
        base, chain = self._service(reference.text, theirs, where, (*below, (file, name)))
        self.state.budget.spend(values.weight(base), wish.place)
        merged = merge.over(base, rest, merge.SERVICE) if isinstance(base, Table) else rest
        return merged, (written, *chain)

    def _cannot(self, name: str, reason: str, place: Place, origin: Leaf | None) -> None:
        cause = "remote" if origin is not None and paths.remote(origin.text) else "file"
        if origin is not None and origin.gap:
            cause = "variable"
        self.state.unresolved[name] = Unresolved(reason, place, cause)

    def _open(self, origin: Leaf) -> Table | None:
        """Give the services of another file, None where it cannot be had."""
        if paths.remote(origin.text):
            return None
        file = _path(origin)
        if file not in self.opened:
            self.opened[file] = self._read(file, origin.source.environment)
        return self.opened[file]

    def _read(self, file: str, environment: Mapping[str, str]) -> Table | None:
        found = Table({}, {}, Source(file, "", environment, self.state.budget), 1, 1)
        try:
            for document in documents(self.state, file, paths.folder(file), environment):
                found = _settled(merge.over(found, document), found)
        except MissingFileError:
            return None
        services = found.get("services")
        return services if isinstance(services, Table) else found


def _path(origin: Leaf) -> str:
    return paths.absolute(origin.text, origin.source.base, origin.source.environment)


def _reference(wish: Tree) -> tuple[Leaf, Leaf | None]:
    """Give the service that is extended, and its file."""
    if isinstance(wish, Leaf):
        return wish, None
    service = wish.get("service") if isinstance(wish, Table) else None
    file = wish.get("file") if isinstance(wish, Table) else None
    if not isinstance(service, Leaf) or (file is not None and not isinstance(file, Leaf)):
        raise HullwardError(
            f"{wish.place}: extends needs the name of a service", "Write `extends: NAME`."
        )
    return service, file if isinstance(file, Leaf) else None
