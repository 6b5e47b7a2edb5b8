"""All that the Docker Engine API tells about an engine and its containers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Protocol, TypeVar
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from hullward.collect import containers, passwd, wire
from hullward.model.errors import HullwardError
from hullward.model.facts import (
    Container,
    Engine,
    Exec,
    Image,
    Network,
    Plugin,
    Snapshot,
    Unread,
)

_NOT_FOUND = 404
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_T = TypeVar("_T")


class Answer(Protocol):
    """An answer of the engine."""

    @property
    def ok(self) -> bool:
        """Whether it brought what was asked for."""

    @property
    def status(self) -> int:
        """HTTP's status."""

    @property
    def body(self) -> bytes:
        """What it brought."""

    @property
    def problem(self) -> str:
        """Why it brought nothing, on one line."""


class Reader(Protocol):
    """An engine that can be asked, and cannot be changed."""

    def negotiate(self) -> str:
        """Agree on an API version."""

    def get(self, *paths: str) -> Iterator[Answer]:
        """Ask for every path, and get the answers in the same order."""


def collect(reader: Reader, target: str, now: datetime, *, stopped: bool = False) -> Snapshot:
    """Look at an engine and its running containers, with `stopped` at all of them.

    Three round trips at most. Raises HullwardError where the containers cannot be listed; every
    other source that fails is named in the snapshot's gaps.
    """
    api = reader.negotiate()
    version, info, listing, volumes, networks, plugins = reader.get(
        "/version",
        "/info",
        f"/containers/json?all={int(stopped)}",
        "/volumes",
        "/networks",
        "/plugins",
    )
    gaps: dict[str, str] = {}
    listed = _listed(listing)
    volume_options = _volumes(volumes, gaps)
    image_ids = sorted({entry.image_id for entry in listed if entry.image_id})
    answers = list(
        reader.get(
            *(f"/containers/{quote(entry.id, safe='')}/json" for entry in listed),
            *(f"/images/{quote(image, safe=':')}/json" for image in image_ids),
        )
    )
    found, unread = _inspected(listed, answers[: len(listed)], volume_options)
    return Snapshot(
        target=target,
        collected_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        engine=_engine(version, info, api, gaps),
        containers=_completed(reader, found),
        unread=tuple(unread),
        images=_images(image_ids, answers[len(listed) :]),
        networks=_networks(networks, gaps),
        plugins=_plugins(plugins, gaps),
        gaps=gaps,
    )


def _listed(answer: Answer) -> list[wire.Listed]:
    if not answer.ok:
        raise HullwardError(
            f"The containers cannot be listed: {answer.problem}.",
            "The login or the proxy in between must allow GET /containers/json.",
        )
    try:
        return msgspec.json.decode(answer.body, type=list[wire.Listed])
    except _UNREADABLE as error:
        raise HullwardError(
            f"The list of containers cannot be read: {error}.",
            "Check that it is a Docker engine that answers there.",
        ) from error


def _decoded(answer: Answer, kind: type[_T], source: str, gaps: dict[str, str]) -> _T | None:
    """Decode an answer, or note the gap."""
    if not answer.ok:
        gaps[source] = f"/{source}: {answer.problem}"
        return None
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except _UNREADABLE as error:
        gaps[source] = f"/{source} cannot be read: {error}"
        return None


def _volumes(answer: Answer, gaps: dict[str, str]) -> Mapping[str, Mapping[str, str]] | None:
    volumes = _decoded(answer, wire.Volumes, "volumes", gaps)
    if volumes is None:
        return None
    return {volume.name: volume.options for volume in volumes.volumes or () if volume.options}


def _inspected(
    listed: Iterable[wire.Listed],
    answers: Iterable[Answer],
    volumes: Mapping[str, Mapping[str, str]] | None,
) -> tuple[list[tuple[Container, tuple[str, ...]]], list[Unread]]:
    """Give each container with the ids of its exec sessions, and those that cannot be read."""
    found, unread = [], []
    for entry, answer in zip(listed, answers, strict=True):
        name = _name(entry)
        try:
            if answer.ok:
                container = containers.parse(answer.body, volumes)
                execs = containers.exec_ids(answer.body) if container.execs is None else ()
                found.append((container, execs))
                continue
            gone = answer.status == _NOT_FOUND
            reason = "it disappeared while it was looked at" if gone else answer.problem
        except _UNREADABLE as error:
            reason = f"the engine's description of it cannot be read: {error}"
        unread.append(Unread(name, entry.id, reason))
    return found, unread


def _name(entry: wire.Listed) -> str:
    """Give the container's own name; what holds a slash is how a link of another calls it."""
    names = [name.removeprefix("/") for name in entry.names or ()]
    return min(names, key=lambda name: "/" in name, default=entry.id[:12])


def _completed(
    reader: Reader, found: Sequence[tuple[Container, tuple[str, ...]]]
) -> tuple[Container, ...]:
    """Resolve users given by name and look at exec sessions, in one more round trip if any."""
    named = [i for i, (container, _) in enumerate(found) if container.uid is None]
    sessions = [(i, session) for i, (_, execs) in enumerate(found) for session in execs]
    complete = [container for container, _ in found]
    answers = list(
        reader.get(
            *(f"{_path(complete[i])}/archive?path={passwd.PASSWD}" for i in named),
            *(f"/exec/{quote(session, safe='')}/json" for _, session in sessions),
        )
    )
    for i, answer in zip(named, answers, strict=False):
        problem = "" if answer.ok else answer.problem
        uid, gap = passwd.find(complete[i], answer.body, problem)
        complete[i] = replace(complete[i], uid=uid, uid_gap=gap)
    asked = zip(sessions, answers[len(named) :], strict=True)
    for i, group in groupby(asked, key=lambda pair: pair[0][0]):
        complete[i] = replace(complete[i], execs=_execs(answer for _, answer in group))
    return tuple(complete)


def _path(container: Container) -> str:
    return f"/containers/{quote(container.id, safe='')}"


def _execs(answers: Iterable[Answer]) -> tuple[Exec, ...] | None:
    """Give the sessions that still run, None where one cannot be read."""
    running = []
    for answer in answers:
        if answer.status == _NOT_FOUND:  # it ended in between
            continue
        session = _decoded(answer, wire.ExecInspect, "exec", {})
        if session is None:
            return None
        if session.running and session.process:
            running.append(Exec(session.process.user, session.process.privileged))
    return tuple(running)


def _images(ids: Iterable[str], answers: Iterable[Answer]) -> dict[str, Image]:
    """Read the images; one that cannot be read is left out, and its rules answer unknown."""
    images = {}
    for id_, answer in zip(ids, answers, strict=True):
        raw = _decoded(answer, wire.ImageInspect, "images", {})
        if raw:
            images[id_] = Image(
                id_,
                tuple(raw.repo_tags or ()),
                tuple(raw.repo_digests or ()),
                raw.created,
                tuple(sorted((raw.config.exposed_ports or {}) if raw.config else ())),
            )
    return images


def _engine(version: Answer, info: Answer, api: str, gaps: dict[str, str]) -> Engine | None:
    raw = _decoded(version, wire.Version, "version", gaps)
    about = _decoded(info, wire.Info, "info", gaps)
    if raw is None:
        return None
    about = about or wire.Info()
    options = None if "info" in gaps else tuple(about.security_options or ())
    return Engine(
        version=raw.version,
        api=api,
        kernel=raw.kernel_version,
        system=about.operating_system,
        components={part.name: part.version for part in raw.components or ()},
        security_options=options,
        cgroup_version=about.cgroup_version,
        root_directory=about.docker_root_dir,
        default_runtime=about.default_runtime,
        warnings=tuple(about.warnings or ()),
        swarm=about.swarm.local_node_state if about.swarm else "",
    )


def _networks(answer: Answer, gaps: dict[str, str]) -> tuple[Network, ...] | None:
    raw = _decoded(answer, list[wire.NetworkEntry], "networks", gaps)
    if raw is None:
        return None
    networks = []
    for entry in sorted(raw, key=lambda entry: entry.name):  # an engine gives them in any order
        options = entry.options or {}
        networks.append(
            Network(
                entry.name,
                entry.driver,
                entry.internal,
                encrypted="encrypted" in options if entry.driver == "overlay" else None,
                talk=options.get("com.docker.network.bridge.enable_icc", "true") != "false",
            )
        )
    return tuple(networks)


def _plugins(answer: Answer, gaps: dict[str, str]) -> tuple[Plugin, ...] | None:
    raw = _decoded(answer, list[wire.PluginEntry], "plugins", gaps)
    if raw is None:
        return None
    plugins = []
    for entry in sorted(raw, key=lambda entry: entry.name):
        config = entry.config or wire.PluginConfig()
        linux = config.linux or wire.PluginLinux()
        mounts = (entry.settings.mounts or ()) if entry.settings else ()
        plugins.append(
            Plugin(
                entry.name,
                entry.enabled,
                tuple(linux.capabilities or ()),
                linux.allow_all_devices,
                bool(config.network and config.network.type == "host"),
                tuple(mount.source for mount in mounts if mount.source),
            )
        )
    return tuple(plugins)
