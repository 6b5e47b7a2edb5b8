"""What compose files say: services as containers before their start, each fact with its place.

No value of an environment variable is kept here.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct, field

from hullward.compose.nodes import Node
from hullward.model import facts
from hullward.model.errors import HullwardError

Loader = Callable[[str], bytes]
"""Gives the bytes of a file by its path; raises MissingFileError or another HullwardError."""


class MissingFileError(HullwardError):
    """A file that is not there."""


class Place(Struct, frozen=True, gc=False):
    """Where something is written; line and column from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """Write it as compilers do."""
        return f"{self.file}:{self.line}:{self.column}"


class Unresolved(Struct, frozen=True):
    """A fact that the files do not decide, why, and where.

    `cause`: "variable" (not set), "file" (cannot be read), "remote" (an address, not a file),
    "container" (one that is not of this project), "image" (decided by the image) or "value" (no
    such value).
    """

    reason: str
    place: Place
    cause: str


class Variable(Struct, frozen=True):
    """An environment variable of a service, never its value.

    `origin`: "literal" (written in the file), "default" (a default written beside a variable),
    "variable" (interpolated), "env_file" or "passed" (from the shell that starts it).
    """

    name: str
    origin: str
    place: Place


class Build(Struct, frozen=True):
    """How a service's image is built; paths as the engine would open them.

    `context` is a folder or an address, `dockerfile` a path; `inline` is dockerfile_inline.
    `arguments` hold values, None for one that is not known, for the reader of the Dockerfile alone:
    they are never shown or stored.
    """

    context: str
    dockerfile: str
    place: Place
    inline: str | None = None
    arguments: Mapping[str, str | None] = field(default_factory=dict)
    additional_contexts: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    network: str = ""
    privileged: bool = False
    entitlements: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)


class Hook(Struct, frozen=True):
    """A command that compose runs in the container, or in one of its own before it starts.

    `kind` is pre_start, post_start or pre_stop.
    """

    kind: str
    user: str
    privileged: bool
    place: Place


class Tmpfs(Struct, frozen=True):
    """A file system in memory; `options` such as "exec" or "mode=1777"."""

    target: str
    options: tuple[str, ...]
    place: Place


class Grant(Struct, frozen=True):
    """A secret or config that a service is given; `source` is its name at the top of the file."""

    kind: str
    source: str
    target: str
    place: Place


class Service(Struct, frozen=True):
    """One service: the facts of the container that it would become, and what only files have.

    `places` and `unresolved` have the names of Container's fields ("cap_add"), `places` also those
    of single entries ("cap_add[0]", in the order of the field); where a field is not written, its
    place is missing and `place`, the service's own key, stands for it. `keys` are the service's
    own keys with their places, also those that no field has. `extends` is the chain of services it
    extends, nearest first, as "service" or "file:service". An `unresolved` by the name of "*" means
    every field without a place.
    """

    name: str
    container: facts.Container
    place: Place
    places: Mapping[str, Place] = field(default_factory=dict)
    unresolved: Mapping[str, Unresolved] = field(default_factory=dict)
    keys: Mapping[str, Place] = field(default_factory=dict)
    profiles: tuple[str, ...] = ()
    active: bool = True
    extends: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    volumes_from: tuple[str, ...] = ()
    build: Build | None = None
    environment: tuple[Variable, ...] = ()
    env_files: tuple[str, ...] = ()
    hooks: tuple[Hook, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = ()
    grants: tuple[Grant, ...] = ()
    labels: Mapping[str, Place] = field(default_factory=dict)
    provider: str = ""
    use_api_socket: bool = False
    expose: tuple[str, ...] = ()
    develop: bool = False
    oom_score_adj: int = 0
    credential_spec: str = ""
    log_options: tuple[str, ...] = ()
    replicas: int = 1


class Network(Struct, frozen=True):
    """A network of the project; `facts` have the name that the engine will give it.

    `options` are those of the bridge driver, `com.docker.network.*`.
    """

    key: str
    facts: facts.Network
    external: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    place: Place | None = None


class Volume(Struct, frozen=True):
    """A volume of the project; `name` is the engine's.

    `shows` are the paths of the host that it stands for, and whether they may be written; None
    where the files do not say. `credentials` says that its options name a user or password.
    """

    key: str
    name: str
    driver: str = ""
    external: bool = False
    filesystem: str = ""
    shows: tuple[tuple[str, bool], ...] | None = ()
    credentials: bool = False
    place: Place | None = None


class Source(Struct, frozen=True):
    """A secret or config of the project; `origin`: file, environment, content, external or ""."""

    kind: str
    key: str
    origin: str
    place: Place


class Problem(Struct, frozen=True):
    """Something that makes the reading incomplete, or that compose would refuse."""

    what: str
    place: Place


class Project(Struct, frozen=True):
    """Compose files read together; `files` are all that were opened.

    `documents` are the nodes of those that are YAML, `texts` what stands in them.
    """

    name: str
    directory: str
    files: tuple[str, ...]
    services: tuple[Service, ...] = ()
    networks: tuple[Network, ...] = ()
    volumes: tuple[Volume, ...] = ()
    sources: tuple[Source, ...] = ()
    problems: tuple[Problem, ...] = ()
    documents: Mapping[str, tuple[Node, ...]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
