"""A proposal for one service: lines that belong together, how sure they are, and why."""

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from hullward.compose.changes import Change, Value
from hullward.compose.model import Service
from hullward.compose.nodes import Mapping, Scalar, Sequence, resolved
from hullward.compose.sharing import look_up
from hullward.model.facts import Engine, Image
from hullward.model.needs import Needs


class Grade(StrEnum):
    """How sure it is that the service still works.

    SAFE: the lines only say what is so already, or take what nothing in the image can use. KNOWN:
    somebody measured this image started in this way. GUESS: it needs a trial.
    """

    SAFE = "safe"
    KNOWN = "known"
    GUESS = "guess"


class Line(Struct, frozen=True):
    """One change and its reason."""

    change: Change
    reason: str


class Proposal(Struct, frozen=True):
    """Lines of which all are written or none; `rule` is the rule that asks for them.

    `trial` says in a few words what may fail, for the comment in the file.
    """

    service: str
    rule: str
    grade: Grade
    lines: tuple[Line, ...]
    trial: str = ""


class Left(Struct, frozen=True):
    """What a rule asks for and is not proposed, and why; `rule` is "" for all that there are."""

    service: str
    rule: str
    reason: str


Answers = Iterator[Proposal | Left]


class Known(Struct, frozen=True):
    """What is known beside the files: the image and the engine, if they were looked at.

    `needs` are all that are known of the image, whatever its tag; `gap` says why there is no image.
    """

    image: Image | None = None
    engine: Engine | None = None
    needs: tuple[Needs, ...] = ()
    gap: str = "the image was not looked at (--deep)"


class Look(Struct, frozen=True):
    """A service with all that a proposal for it may rest on.

    `written` is the service as it stands in the file that is edited; `proxies` are the services
    of the project that serve others to the world.
    """

    service: Service
    proxies: tuple[Service, ...]
    known: Known
    written: Scalar | Sequence | Mapping

    @property
    def name(self) -> str:
        """The service's name."""
        return self.service.name

    def unresolved(self, *fields: str) -> str:
        """Say which of these facts the files do not decide, "" for none."""
        found = ((name, self.service.unresolved.get(name)) for name in fields)
        return next((f"{name}: {gap.reason} ({gap.place})" for name, gap in found if gap), "")

    def line(self, path: tuple[str | int, ...], value: Value, reason: str) -> Line:
        """Give one change to the service."""
        return Line(Change(self.name, path, value), reason)

    def key(self, name: str) -> Scalar | Sequence | Mapping | None:
        """Give what the file has at a key of the service, its own or a merged one."""
        found = look_up(self.written, name) if isinstance(self.written, Mapping) else None
        return resolved(found) if found is not None else None

    def left(self, rule: str, reason: str) -> Left:
        """Say why something is not proposed."""
        return Left(self.name, rule, reason)
