"""The ssh server as it is configured and as it runs."""

from collections.abc import Mapping

from msgspec import Struct, field


class Sshd(Struct, frozen=True):
    """The ssh server as it is configured and as it runs; `gaps` says why a part is None."""

    gaps: Mapping[str, str] = field(default_factory=dict)
