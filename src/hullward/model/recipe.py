"""What a Dockerfile makes of an image, for one target and its build arguments.

Nothing here can hold a secret: of variables only names are kept. Lines count from 1.
"""

from msgspec import Struct


class Base(Struct, frozen=True):
    """An image that a stage starts from; "" where `gap` says why its name is not known.

    `final` says that the built image stands on it; the others only lend files to it.
    """

    reference: str
    line: int
    final: bool = True
    gap: str = ""

    @property
    def empty(self) -> bool:
        """Whether it is the reserved name for nothing at all."""
        return self.reference == "scratch"


class Added(Struct, frozen=True):
    """What ADD brings: "url", "git", "files" or "unknown"; `pinned` by a checksum or a commit."""

    kind: str
    source: str
    line: int
    pinned: bool = False


class Gain(Struct, frozen=True):
    """What gives a program more than its caller has.

    `kind` is "setuid", "setgid", "capability" (a file capability) or "sudo" (without a password).
    """

    kind: str
    path: str
    line: int


class Secret(Struct, frozen=True):
    """A variable with a secret, by its name; `where` is ARG, ENV, RUN and the like."""

    name: str
    where: str
    kind: str
    line: int


class Spot(Struct, frozen=True):
    """An instruction worth a word, and what it says."""

    text: str
    line: int


class Recipe(Struct, frozen=True, kw_only=True):
    """The image that a Dockerfile builds for one target.

    `user` is what the program starts as, None where `gap` says why that is not known; `uid` is
    what it means, None where `uid_gap` says why not. `user_line` is where it is decided, the line
    of the target's FROM where no USER is. `checked` is True for a HEALTHCHECK, False where there
    is none, None where the base decides; `unlisted` is a line that only refreshes the list of
    packages.
    """

    path: str
    line: int
    bases: tuple[Base, ...] = ()
    user: str | None = None
    gap: str = ""
    uid: int | None = None
    uid_gap: str = ""
    user_line: int = 0
    added: tuple[Added, ...] = ()
    piped: tuple[Spot, ...] = ()
    gains: tuple[Gain, ...] = ()
    secrets: tuple[Secret, ...] = ()
    insecure: tuple[Spot, ...] = ()
    host_network: tuple[Spot, ...] = ()
    unlisted: tuple[Spot, ...] = ()
    checked: bool | None = None
    checked_line: int = 0
    exposed: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()

    @property
    def base(self) -> Base:
        """The image that the built one stands on."""
        return next(base for base in self.bases if base.final)
