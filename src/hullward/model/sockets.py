"""What listens on the host, and which program that is."""

from collections.abc import Mapping

from msgspec import Struct, field


class Sockets(Struct, frozen=True):
    """What listens on the host, and which program that is; `gaps` says why a part is None."""

    gaps: Mapping[str, str] = field(default_factory=dict)
