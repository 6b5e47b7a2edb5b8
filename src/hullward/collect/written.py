"""What the compose files of running containers say today: their labels name the files."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby

from msgspec.structs import replace

from hullward.compose import dotenv, project, text
from hullward.compose.model import Loader, MissingFileError, Project, Service
from hullward.model.errors import HullwardError
from hullward.model.facts import Container, Snapshot, Written

_LABEL = "com.docker.compose."
_VARIABLE = re.compile(rb"\$\{?([A-Za-z_][A-Za-z0-9_]*)")

# The labels that say which files a project was made of.
_WHERE = ("project.config_files", "project.working_dir", "project.environment_file")

# Nobody writes it: what becomes of it shows which facts a variable decides.
_PROBE = "913"

# The facts that the rule compares; no other is kept.
_KEPT = (
    "image", "user", "groups", "privileged", "cap_add", "cap_drop", "security_opt", "read_only",
    "network_mode", "pid_mode", "ipc_mode", "uts_mode", "userns_mode", "cgroupns_mode", "mounts",
    "wished_ports", "devices", "memory", "pids",
)  # fmt: skip


def collect(snapshot: Snapshot, load: Loader) -> Snapshot:
    """Add what the files say; each project's files are read once, by `load`."""

    def key(container: Container) -> tuple[str, ...]:
        return tuple(container.labels.get(_LABEL + name, "") for name in _WHERE)

    made = [c for c in snapshot.containers if c.service and not _once(c)]
    found: dict[str, Written] = {}
    for where, group in groupby(sorted(made, key=key), key):
        members = tuple(group)
        answer = _services(where, load)
        for container in members:
            found[container.id] = answer(container.service)
    return replace(snapshot, written=found)


def _once(container: Container) -> bool:
    """Whether it is from `docker compose run`, whose options no file holds."""
    return container.labels.get(_LABEL + "oneoff", "").lower() == "true"


def _services(where: Sequence[str], load: Loader) -> Callable[[str], Written]:
    """Read a project's files; give what they say of a service."""
    files, folder, environment = where
    paths = tuple(filter(None, files.split(",")))
    if not paths or not all(path.startswith("/") for path in (*paths, folder)):
        return lambda _: Written(gap="its labels name no compose file")
    try:
        services = _read(paths, folder, tuple(filter(None, environment.split(","))), load)
    except HullwardError as error:
        gap = error.what.removesuffix(".")
        return lambda _: Written(gap=gap)
    return lambda name: services.get(name, Written())


def _read(
    paths: Sequence[str], folder: str, env_files: Sequence[str], load: Loader
) -> Mapping[str, Written]:
    """Read the files twice: what a variable changes that no file sets is left open.

    The shell in which compose ran may have set it, and is gone.
    """
    opened: dict[str, bytes] = {}

    def noting(path: str) -> bytes:
        opened[path] = load(path)
        return opened[path]

    def read(environment: Mapping[str, str]) -> Project:
        return project.read(
            paths,
            environment,
            noting,
            directory=folder,
            env_files=env_files or None,
            profiles=("*",),
        )

    now = {service.name: service for service in read({}).services}
    names = {name.decode() for data in opened.values() for name in _VARIABLE.findall(data)}
    unset = names - _set(opened, env_files or (f"{folder.rstrip('/')}/.env",))
    other: Mapping[str, Service] = now
    if unset:
        try:
            other = {s.name: s for s in read(dict.fromkeys(unset, _PROBE)).services}
        except HullwardError:
            other = {}
    return {name: _written(service, other.get(name)) for name, service in now.items()}


def _set(opened: Mapping[str, bytes], env_files: Sequence[str]) -> set[str]:
    """Name the variables that the project's files of variables set."""
    found: dict[str, str] = {}
    for path in env_files:
        if path in opened:
            found |= dotenv.parse(text.decode(opened[path], path), path, found)
    return set(found)


def _written(service: Service, other: Service | None) -> Written:
    kept = Container(
        service.container.name,
        state=service.container.state,
        uid=service.container.uid,
        **{name: getattr(service.container, name) for name in _KEPT},
    )
    return Written(
        kept,
        places={name: str(service.places[name]) for name in _KEPT if name in service.places},
        unresolved=dict(_open(service, other)),
    )


def _open(service: Service, other: Service | None) -> Iterator[tuple[str, str]]:
    """Name the facts that the files leave open, and why."""
    everything = service.unresolved.get("*")
    for name in _KEPT:
        gap = service.unresolved.get(name)
        if gap is not None:
            yield name, gap.reason if gap.cause != "image" else ""
        elif everything is not None and name not in service.places:
            yield name, everything.reason
        elif other is None or (
            getattr(service.container, name) != getattr(other.container, name)
            or name in other.unresolved
        ):
            yield name, "it depends on a variable that no file sets"


def either(first: Loader, second: Mapping[str, bytes]) -> Loader:
    """Read this machine's file, or the host's copy; where both are there they must be the same."""

    def load(path: str) -> bytes:
        try:
            mine = first(path)
        except MissingFileError:
            if path in second:
                return second[path]
            raise
        if path in second and second[path] != mine:
            raise HullwardError(
                f"{path} is one thing on this machine, and another on the host.",
                "Bring both up to date.",
            )
        return mine

    return load
