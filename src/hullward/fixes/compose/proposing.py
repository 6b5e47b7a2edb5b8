"""All proposals for the services of a project."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from hullward.compose import locate
from hullward.compose.model import Project
from hullward.compose.nodes import Node, resolved
from hullward.fixes.compose import limits, ports, privileges, storage
from hullward.fixes.compose.proposal import Answers, Known, Left, Look, Proposal

# In the order in which a person would write the lines.
FIXES: tuple[Callable[[Look], Answers], ...] = (
    privileges.user,
    privileges.no_new_privileges,
    privileges.capabilities,
    storage.read_only,
    limits.pids,
    limits.memory,
    ports.loopback,
)


def propose(
    project: Project, root: Node | None, known: Mapping[str, Known], names: Iterable[str]
) -> Iterator[Proposal | Left]:
    """Give what would make these services safer.

    `root` is the tree of the file that is to be edited; `known` tells by service what else is
    known.
    """
    wanted = set(names)
    services = locate.services(root)
    written = locate.by_name(services) if services is not None else {}
    proxies = tuple(filter(ports.is_proxy, project.services))
    for service in project.services:
        if service.name not in wanted:
            continue
        if service.provider:
            continue
        node = written.get(service.name)
        if node is None:
            yield Left(service.name, "", f"it is written in {service.place.file}: harden that file")
            continue
        look = Look(service, proxies, known.get(service.name, Known()), resolved(node))
        for fix in FIXES:
            yield from fix(look)
