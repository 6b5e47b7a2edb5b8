"""A compose project: the files that belong together, read into facts."""

import re
from collections.abc import Collection, Mapping, Sequence

from msgspec.structs import replace

from hullward.compose import loading, nodes, opening, paths, service, values, volumes_from
from hullward.compose.model import Loader, Network, Place, Project, Source, Volume
from hullward.compose.opening import Loaded
from hullward.compose.sheet import Sheet, truth
from hullward.compose.values import Leaf, Table
from hullward.model import engine_words, facts
from hullward.model.errors import HullwardError

DEFAULT_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
OVERRIDE_NAMES = (
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
)
_NO_NAME = re.compile(r"[^a-z0-9_-]")
_BRIDGE = "com.docker.network."


def chosen(names: Collection[str]) -> tuple[str, ...]:
    """Give the compose file of a folder and its override, from the names in it; () for none."""
    main = next((name for name in DEFAULT_NAMES if name in names), "")
    override = next((name for name in OVERRIDE_NAMES if name in names), "")
    return tuple(filter(None, (main, override))) if main else ()


def read(  # noqa: PLR0913 - what docker compose takes as options
    files: Sequence[str],
    environment: Mapping[str, str],
    load: Loader,
    *,
    directory: str = "",
    env_files: Sequence[str] | None = None,
    profiles: Collection[str] | None = None,
) -> Project:
    """Read files together, each laid over those before, as `docker compose -f A -f B` does.

    `directory` is the project's folder, that of the first file unless it is given; paths become
    absolute if it is. `env_files` are read for variables, `.env` of the folder where it is None;
    `environment` wins over them. `profiles` None takes those of COMPOSE_PROFILES. Raises
    HullwardError with `file:line:column` for what is no compose file.
    """
    if not files:
        raise HullwardError("no compose file was named", "Name at least one.")
    state = Loaded(load)
    directory = directory or paths.folder(files[0])
    if env_files is None:
        own = paths.absolute(".env", directory, environment)
        environment = opening.with_file(state, own, environment, needed=False)
    for file in reversed(env_files or ()):
        environment = opening.with_file(state, file, environment, needed=True)
    name = _name(state, files, directory, environment)
    environment = {**environment, "COMPOSE_PROJECT_NAME": name}
    tree = loading.model(state, files, directory, environment)
    if profiles is None:
        profiles = environment.get("COMPOSE_PROFILES", "").split(",")
    whole = Project(
        name=name,
        directory=directory,
        files=tuple(files),
        networks=_networks(state, tree, name),
        volumes=_volumes(state, tree, name),
        sources=_sources(tree),
    )
    around = _around(state, tree, whole, environment, profiles)
    services = [service.read(*found, around) for found in _services(state, tree)]
    return replace(
        whole,
        files=tuple(state.files),
        services=volumes_from.joined([found for found, _ in services]),
        problems=(*state.problems, *(p for _, problems in services for p in problems)),
        documents=state.parsed,
        texts=state.texts,
    )


def _name(
    state: Loaded, files: Sequence[str], directory: str, environment: Mapping[str, str]
) -> str:
    """Give the project's name: COMPOSE_PROJECT_NAME, `name:` of the last file, or the folder's."""
    if name := environment.get("COMPOSE_PROJECT_NAME", ""):
        return name
    written = ""
    for file in files:
        for node in opening.nodes_of(state, file):
            found = nodes.resolved(node)
            leaf = found.get("name") if isinstance(found, nodes.Mapping) else None
            if leaf is not None:
                value = values.build(leaf, values.Source(file, directory, environment))
                written = value.text if isinstance(value, Leaf) and value.text else written
    return _normal(written) or _normal(directory.rstrip("/").rpartition("/")[2]) or "default"


def _normal(name: str) -> str:
    return _NO_NAME.sub("", name.lower()).lstrip("_-")


def _services(state: Loaded, tree: Table) -> list[tuple[str, Place, Table]]:
    found = tree.get("services")
    if found is None:
        return []
    if not isinstance(found, Table):
        raise HullwardError(
            f"{found.place}: services is a mapping of names", "Write `services:`, then `NAME:`."
        )
    services = []
    for key, value in found.entries.items():
        place = found.key_place(key)
        if isinstance(value, Table):
            services.append((key, place, value))
        elif isinstance(value, Leaf) and value.data is None:
            empty = Table({}, {}, value.source, place.line, place.column)
            services.append((key, place, empty))
        else:
            state.problem(f"service {key} is no mapping", value.place)
    return services


def _around(
    state: Loaded, tree: Table, whole: Project, environment: Mapping[str, str], on: Collection[str]
) -> service.Around:
    return service.Around(
        project=whole,
        environment=environment,
        profiles=frozenset(filter(None, on)),
        networks={network.key: network for network in whole.networks},
        volumes={volume.key: volume for volume in whole.volumes},
        resources={kind: _files(tree, kind) for kind in ("secrets", "configs")},
        names={key: _container_name(whole.name, key, t) for key, _, t in _services(state, tree)},
        state=state,
    )


def _container_name(project: str, key: str, table: Table) -> str:
    own = table.get("container_name")
    return own.text if isinstance(own, Leaf) and own.text else f"{project}-{key}-1"


def _top(tree: Table, kind: str) -> list[tuple[str, Place, Table]]:
    """Give the entries of a kind of resource; one without settings is an empty mapping."""
    found = tree.get(kind)
    if not isinstance(found, Table):
        return []
    entries = []
    for key, value in found.entries.items():
        place = found.key_place(key)
        settings = value
        if not isinstance(settings, Table):
            settings = Table({}, {}, value.source, place.line, place.column)
        entries.append((key, place, settings))
    return entries


def _engine_name(project: str, key: str, settings: Table) -> tuple[str, bool]:
    """Give the engine's name of a network or volume, and whether it exists outside."""
    external = settings.get("external")
    name = settings.get("name")
    if isinstance(external, Table):  # the form before compose 3.4
        name = external.get("name") or name
    outside = isinstance(external, Table) or (
        isinstance(external, Leaf) and truth(external.data) is True
    )
    if isinstance(name, Leaf) and name.text:
        return name.text, outside
    return key if outside else f"{project}_{key}", outside


def _options(settings: Table) -> Mapping[str, str]:
    found = settings.get("driver_opts")
    if not isinstance(found, Table):
        return {}
    return {key: value.text for key, value in found.entries.items() if isinstance(value, Leaf)}


def _networks(state: Loaded, tree: Table, project: str) -> tuple[Network, ...]:
    found = [_network(state, project, *entry) for entry in _top(tree, "networks")]
    if all(network.key != "default" for network in found):
        found.append(Network("default", facts.Network(f"{project}_default")))
    return tuple(found)


def _network(state: Loaded, project: str, key: str, place: Place, settings: Table) -> Network:
    name, external = _engine_name(project, key, settings)
    sheet = Sheet(settings, key)
    options = _options(settings)
    own = facts.Network(
        name,
        driver=sheet.text("driver", "driver") or "bridge",
        internal=sheet.flag("internal", "internal"),
        encrypted="encrypted" in options or None,
        talk=options.get(f"{_BRIDGE}bridge.enable_icc", "true").lower() != "false",
        attachable=sheet.flag("attachable", "attachable"),
        gateway_modes=tuple(v for k, v in options.items() if "gateway_mode_" in k),
    )
    state.problems += sheet.problems
    kept = {k: v for k, v in options.items() if k.startswith(_BRIDGE)}
    return Network(key, own, external, kept, place)


def _volumes(state: Loaded, tree: Table, project: str) -> tuple[Volume, ...]:
    found = []
    for key, place, settings in _top(tree, "volumes"):
        name, external = _engine_name(project, key, settings)
        sheet = Sheet(settings, key)
        driver = sheet.text("driver", "driver")
        options = _volume_options(settings)
        gap = any(True for _ in values.gaps(settings))
        shows: tuple[tuple[str, bool], ...] | None = ()
        if external or gap:
            shows = None
        elif driver in {"", "local"}:
            shows = engine_words.shown(options)
        found.append(
            Volume(
                key=key,
                name=name,
                driver=driver,
                external=external,
                filesystem=options.get("type", ""),
                shows=shows,
                credentials=engine_words.has_credentials(options),
                place=place,
            )
        )
        state.problems += sheet.problems
    return tuple(found)


def _volume_options(settings: Table) -> Mapping[str, str]:
    """Give driver options; compose makes the device of a plain bind absolute."""
    options = dict(_options(settings))
    device = options.get("device", "")
    driver = settings.get("driver")
    if (
        device
        and options.get("o") == "bind"
        and isinstance(driver, Leaf)
        and driver.text == "local"
    ):
        source = settings.source
        options["device"] = paths.absolute(device, source.base, source.environment)
    return options


def _files(tree: Table, kind: str) -> Mapping[str, str]:
    """Give the files of secrets or configs."""
    found = {}
    for key, _, settings in _top(tree, kind):
        file = settings.get("file")
        if isinstance(file, Leaf) and file.text:
            found[key] = paths.absolute(file.text, file.source.base, file.source.environment)
    return found


def _sources(tree: Table) -> tuple[Source, ...]:
    return tuple(
        Source(kind, key, _origin(settings), place)
        for kind in ("secrets", "configs")
        for key, place, settings in _top(tree, kind)
    )


def _origin(settings: Table) -> str:
    origins = ("external", "file", "environment", "content")
    return next((origin for origin in origins if settings.get(origin) is not None), "")
