"""Owners and modes of the files that the engine trusts."""

from collections.abc import Mapping

from msgspec import Struct, field


class Files(Struct, frozen=True):
    """Owners and modes of the files that the engine trusts; `gaps` says why a part is None."""

    gaps: Mapping[str, str] = field(default_factory=dict)
