"""The people and groups with the power of root."""

from collections.abc import Mapping

from msgspec import Struct, field


class Users(Struct, frozen=True):
    """The people and groups with the power of root; `gaps` says why a part is None."""

    gaps: Mapping[str, str] = field(default_factory=dict)
