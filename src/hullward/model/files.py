"""Owners and modes of the files that the engine trusts."""

from collections.abc import Mapping

from msgspec import Struct, field


class File(Struct, frozen=True):
    """What stat(2) says of a path, symbolic links followed; `mode` holds the permission bits."""

    path: str
    mode: int
    uid: int = 0
    gid: int = 0
    owner: str = ""
    group: str = ""
    kind: str = "file"


class Files(Struct, frozen=True):
    """Owners and modes of the files that the engine trusts; `gaps` says why a part is None.

    `found` is by path, `unseen` are paths that this login may not look at; a path in neither is
    not there. `watches` are the paths that the kernel's audit rules name. `tls` gives the paths
    of the daemon's certificates and key by the name of their option.
    """

    found: Mapping[str, File] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    tls: Mapping[str, str] = field(default_factory=dict)
    watches: tuple[str, ...] | None = None
    gaps: Mapping[str, str] = field(default_factory=dict)
