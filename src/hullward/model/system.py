"""The machine: size, kernel, distribution, and what else it is used for."""

from collections.abc import Mapping

from msgspec import Struct, field


class System(Struct, frozen=True):
    """The machine: size, kernel, distribution, and what else it is used for; `gaps` says why a part is None."""

    gaps: Mapping[str, str] = field(default_factory=dict)
