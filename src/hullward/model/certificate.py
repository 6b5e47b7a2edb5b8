"""A certificate: the least privileges that a container was proven to need, with the evidence."""

from collections.abc import Mapping

from msgspec import Struct

SCHEMA = "1"


class Need(Struct, frozen=True):
    """A capability that stays. `verdict` is required or tolerated.

    Required: without it a probe fails. Tolerated: the probes pass, but `evidence` says what is not
    as it was. `asked_by` names the program, the system call and the kernel's path that asked for
    it, "" if nobody was seen to; `repeated` says that a second trial showed the same.
    """

    capability: str
    verdict: str
    evidence: tuple[str, ...]
    asked_by: str = ""
    repeated: bool = True


class Tried(Struct, frozen=True):
    """Another way to confine the container, and what its trial showed."""

    what: str
    works: bool
    evidence: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    compose: Mapping[str, str | tuple[str, ...]] = {}


class Surroundings(Struct, frozen=True):
    """What the proof was made with; another image, engine or kernel may need something else."""

    image: str
    image_id: str
    engine: str
    kernel: str
    probes: tuple[str, ...]
    liveness_only: bool
    observer: str


class Verification(Struct, frozen=True):
    """What repeating a certificate's trials showed.

    `lacking` says what does not work any more with what it grants, `idle` names what it grants and
    is needed no longer, `changed` what is not as it was when the certificate was made.
    """

    lacking: tuple[str, ...]
    idle: tuple[str, ...]
    changed: tuple[str, ...]
    trials: int

    @property
    def valid(self) -> bool:
        """Whether the certificate still says what is true."""
        return not (self.lacking or self.idle)


class Certificate(Struct, frozen=True, kw_only=True):
    """The result of one `hullward minimize`. Capabilities are sorted and without CAP_."""

    schema_version: str = SCHEMA
    hullward: str
    made_at: str
    container: str
    surroundings: Surroundings
    before: tuple[str, ...]
    observed: tuple[str, ...]
    needs: tuple[Need, ...]
    unused: tuple[str, ...]
    proven: bool
    trials: int
    seconds: float
    tried: tuple[Tried, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def minimum(self) -> tuple[str, ...]:
        """The capabilities that stay."""
        return tuple(sorted(need.capability for need in self.needs))
