"""How the daemon was started and configured."""

from collections.abc import Mapping

from msgspec import Struct, field


class Daemon(Struct, frozen=True):
    """How the daemon was started and configured; `gaps` says why a part is None."""

    gaps: Mapping[str, str] = field(default_factory=dict)
