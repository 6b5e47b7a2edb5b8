"""What filters packets on the host, and what claims to."""

from collections.abc import Mapping

from msgspec import Struct, field


class Firewall(Struct, frozen=True):
    """What filters packets on the host, and what claims to; `gaps` says why a part is None."""

    gaps: Mapping[str, str] = field(default_factory=dict)
