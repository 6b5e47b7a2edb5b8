"""The words of the privileges table, the same in every format."""

from msgspec import Struct

from hullward.model import capabilities
from hullward.model.facts import Container, Mount, Snapshot
from hullward.model.report import Row
from hullward.rules import grants

COLUMNS = (
    "CONTAINER",
    "USER",
    "CAP_ADD",
    "CAP_DROP",
    "SEC_OPT",
    "BIND_MOUNTS",
    "PORTS",
    "VERDICT",
)
_NOT_READ = "?"


class Cells(Struct, frozen=True):
    """One row in words; lists stay lists, so that each format joins them in its own way."""

    name: str
    user: str
    cap_add: tuple[str, ...]
    cap_drop: tuple[str, ...]
    security: tuple[str, ...]
    binds: tuple[str, ...]
    ports: tuple[str, ...]
    verdict: str


def of(row: Row, snapshot: Snapshot) -> Cells:
    """Put a row into words."""
    said = ": ".join(filter(None, (row.behaviour.value, ", ".join(row.reasons))))
    container = row.container
    if container is None:
        return Cells(row.name, _NOT_READ, (), (), (), (), (), said)
    return Cells(
        row.name if container.running else f"{row.name} ({container.state})",
        user(container),
        ("ALL (privileged)",) if container.privileged else capability_names(container.cap_add),
        capability_names(container.cap_drop),
        tuple(option.removesuffix(":true") for option in container.security_opt),
        tuple(bind(mount) for mount in container.mounts if shown(mount)),
        ports(container, snapshot),
        said,
    )


def user(container: Container) -> str:
    """Write who it runs as: what was said, the uid if that says more, and what the kernel sees."""
    said = container.user or ("root" if container.uid == 0 else "image's")
    name = said.partition(":")[0]
    if container.uid is None:
        said += " (uid ?)"
    elif container.uid == 0 and name != "root":
        said += " (root)"
    elif not name.isdecimal() and name != "root":
        said += f" ({container.uid})"
    if grants.left_root(container):
        said += f" → {' '.join(map(str, grants.uids(container) or ()))}"
    return said


def capability_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Write capabilities in one way: sorted, upper case, without CAP_."""
    return tuple(sorted({capabilities.normalise(name) or name for name in names}))


def shown(mount: Mount) -> bool:
    """Whether a mount shows a path of the host."""
    return bool(mount.source) or mount.kind == "bind"


def bind(mount: Mount) -> str:
    """Write a bind as docker does: /source:/target, and :ro for a read-only one."""
    return f"{mount.source}:{mount.target}{'' if mount.writable else ':ro'}"


def ports(container: Container, snapshot: Snapshot) -> tuple[str, ...]:
    """Write the real ports, the listeners of the host's network, or whose ports it shares."""
    network = grants.namespace(container, snapshot, "network")
    if network.through:
        return (f"those of {network.through[-1].name}",)
    if network.mode is None:
        return (f"those of {network.missing[:12]} (not in sight)",)
    if container.network_mode == "host" and container.running:
        if container.listeners is None:
            return ("host network (not known)",)
        return grants.places(container.listeners)
    return grants.places(container.ports)
