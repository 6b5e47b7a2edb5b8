"""What decides whether an engine can remap its users, and what that costs."""

import re
from collections.abc import Mapping

from msgspec import Struct, field

from hullward.model.daemon import Daemon
from hullward.model.facts import Snapshot

KEY = "userns-remap"


class Stock(Struct, frozen=True):
    """What an engine keeps by its own count; sizes are in bytes, -1 unknown.

    `layers` is what all images take together, `drivers` are those of the volumes. Images and
    volumes are None where it did not say.
    """

    layers: int = 0
    images: Mapping[str, int] | None = None
    volumes: Mapping[str, int] | None = None
    drivers: Mapping[str, str] = field(default_factory=dict)


class Ground(Struct, frozen=True):
    """The dockerd of the engine, as its host shows it.

    `program` is its file, `restart` the words that restart it, () where hullward knows none.
    `validates` says whether it can check a file, `known` the names of its options. `id` is the
    engine's own id in its data folder, "" where the folder has none. `free` are the bytes left
    for the data. `owners` are uid and gid of the folders that containers bind. `uids` are those
    of the host's accounts. `same` says whether it sees the same files as a login does; `name` and
    `kernel` are the host's.
    """

    pid: int
    same: bool = False
    name: str = ""
    kernel: str = ""
    program: str = ""
    restart: tuple[str, ...] = ()
    unit: str = ""
    validates: bool = False
    known: frozenset[str] = frozenset()
    id: str = ""
    free: int | None = None
    owners: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    uids: frozenset[int] = frozenset()


class Remap(Struct, frozen=True):
    """Engine, stock and host together.

    `architecture` is the engine's, `id` its id by /info, and `base` the uid that root of a
    container has, or would have.
    """

    snapshot: Snapshot
    stock: Stock
    daemon: Daemon
    ground: Ground
    architecture: str = ""
    id: str = ""
    base: int = 100000

    @property
    def on(self) -> bool:
        """Whether the engine itself says that it remaps."""
        return self.snapshot.engine is not None and self.snapshot.engine.option("userns")


class Outlook(Struct, frozen=True):
    """What stands in the way of the switch, what could not be run again, and what it costs."""

    blockers: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    costs: tuple[str, ...] = ()


def root_of(folder: str) -> tuple[int, int] | None:
    """Read uid and gid of a container's root from the name of a remapped data folder."""
    match = re.search(r"/(\d{1,10})\.(\d{1,10})$", folder)
    return (int(match[1]), int(match[2])) if match else None
