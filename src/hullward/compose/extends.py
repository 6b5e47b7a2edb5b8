"""Services that extend others, in the same file or another one."""

from collections.abc import Mapping

from msgspec.structs import replace

from hullward.compose import merge, opening, paths
from hullward.compose.model import MissingFileError, Place, Unresolved
from hullward.compose.opening import Loaded
from hullward.compose.values import Leaf, Source, Table, Tree, weight
from hullward.model.errors import HullwardError

MAX_CHAIN = 50


class Extender:
    """Follows `extends` in one file; what a service extends is found once."""

    def __init__(self, state: Loaded, file: str) -> None:
        """Take the file, and what reading has brought so far."""
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
            raise HullwardError(
                f"{wish.place}: the service {name} extends itself",
                "Break the circle: take out one of them.",
            )
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
        self.state.budget.spend(weight(base), wish.place)
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
            for document in opening.documents(self.state, file, paths.folder(file), environment):
                found = opening.settled(merge.over(found, document), found)
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
