"""What an image needs when it is started in one certain way, and who says so."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum

from msgspec import Struct, field


class Confidence(StrEnum):
    """How sure it is.

    HIGH: each capability was taken away in turn and the program then failed, and a second,
    independent source agrees. MEDIUM: one such measurement. LOW: read in the image's own
    documentation or entrypoint, not measured.
    """

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Needs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The needs of one image under one invocation; they hold for that invocation only.

    `tags` are globs. `user` is the one that the service sets, "" for the image's own; `program` is
    the command that it was started with, () for the image's own. `capabilities` are those
    without which it fails; `tolerated` those without which it only does worse, and how: keep them
    unless the owner says otherwise. `read_only` is None where nobody tried. `tmpfs` are paths that
    must then be writable but need not last, each with its mount options; `volumes` those whose
    content must last. `conditions` are what else was so when it was found out. `sources` are
    addresses or names of measurements, `checked` the day of the newest.
    """

    image: str
    tags: tuple[str, ...]
    invocation: str
    sources: tuple[str, ...]
    checked: date
    confidence: Confidence
    user: str = ""
    program: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    capabilities: tuple[str, ...] = ()
    tolerated: Mapping[str, str] = field(default_factory=dict)
    no_new_privileges: bool | None = None
    read_only: bool | None = None
    tmpfs: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()

    @property
    def caveat(self) -> str:
        """Say for what alone it holds, and who says so."""
        return (
            f"holds for this invocation only: {self.invocation} "
            f"({self.confidence.value} confidence, {self.checked}, {self.sources[0]})"
        )

    @property
    def kept(self) -> tuple[str, ...]:
        """The capabilities that a careful owner leaves it, sorted."""
        return tuple(sorted({*self.capabilities, *self.tolerated}))


class Invocation(Struct, frozen=True):
    """How a service starts an image; None is what could not be found out.

    `command` and `entrypoint` say whether the service has its own.
    """

    image: str
    user: str | None = ""
    command: bool | None = False
    entrypoint: bool | None = False
    host_network: bool | None = False
    sysctls: Mapping[str, str] = field(default_factory=dict)


class Fit(Struct, frozen=True):
    """Needs that are meant for an invocation; without `doubts` it is the very one."""

    needs: Needs
    doubts: tuple[str, ...] = ()
