"""All that the Docker Engine API tells about an engine and its containers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby, islice
from typing import Protocol
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from hullward.collect import containers, engine_facts, image_history, passwd, wire
from hullward.collect.engine_facts import Answer, decoded
from hullward.model.errors import HullwardError
from hullward.model.facts import (
    Container,
    Engine,
    Exec,
    Image,
    Snapshot,
    Swarm,
    Unread,
)

_NOT_FOUND = 404

# Who uses which image, and the versions of the engine's programs.
_WHOLE = ("/containers/json?all=1", "/images/json", "/version")


class Reader(Protocol):
    """An engine that can be asked, and cannot be changed."""

    def negotiate(self) -> str:
        """Agree on an API version."""

    def get(self, *paths: str) -> Iterator[Answer]:
        """Ask for every path, and get the answers in the same order."""


def collect(  # noqa: PLR0913 - one look, and what it may leave out
    reader: Reader,
    target: str,
    now: datetime,
    *,
    stopped: bool = False,
    whole: bool = True,
    meanwhile: Iterable[Callable[[], object]] = (),
) -> Snapshot:
    """Look at an engine and its running containers, with `stopped` at all of them.

    Where it need not be `whole`, no image is asked for its history or for who uses it, and the
    engine not for the versions of its programs: it runs them to find out.
    Three round trips at most, the second asked before the first is answered in full: the engine
    takes longest to tell of itself. Each time that it was given work, one thing of `meanwhile` is
    done. Raises HullwardError where the containers cannot be listed; every other source that fails
    is named in the snapshot's gaps.
    """
    pauses = iter(meanwhile)
    api = reader.negotiate()
    first = reader.get("/volumes", f"/containers/json?all={int(stopped)}", "/info")
    _pause(pauses)
    volumes, listing = islice(first, 2)
    gaps: dict[str, str] = {}
    listed = _listed(listing)
    volume_options = _volumes(volumes, gaps)
    image_ids = sorted({entry.image_id for entry in listed if entry.image_id})
    answers = reader.get(
        *(f"/containers/{quote(entry.id, safe='')}/json" for entry in listed),
        *(f"/images/{quote(image, safe=':')}/json" for image in image_ids),
        *(f"/images/{quote(image, safe=':')}/history" for image in image_ids if whole),
        "/networks",
        "/plugins",
        *(_WHOLE if whole else ()),
    )
    _pause(pauses)
    (info,) = first
    found, unread = _inspected(listed, islice(answers, len(listed)), volume_options)
    described = list(islice(answers, len(image_ids)))
    layers = list(islice(answers, len(image_ids))) if whole else []
    networks, plugins, *rest = answers
    owners, stored, version = rest or (None, None, None)
    about = engine_facts.engine(version, info, api, gaps)
    return Snapshot(
        target=target,
        collected_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        engine=about,
        containers=_completed(reader, found),
        unread=tuple(unread),
        images=_images(image_ids, described, layers),
        unused_images=engine_facts.unused_images(owners, stored, gaps)
        if owners and stored
        else None,
        networks=engine_facts.networks(networks, gaps),
        plugins=engine_facts.plugins(plugins, gaps),
        swarm=_swarm(reader, about, gaps),
        gaps=gaps,
    )


def _pause(pauses: Iterator[Callable[[], object]]) -> None:
    for do in islice(pauses, 1):
        do()


def _swarm(reader: Reader, about: Engine | None, gaps: dict[str, str]) -> Swarm | None:
    """Ask a manager for its swarm; no other node knows it."""
    if about is None or not about.manager:
        return None
    swarm, nodes = reader.get("/swarm", "/nodes")
    return engine_facts.swarm(swarm, nodes, gaps)


def _listed(answer: Answer) -> list[wire.Listed]:
    if not answer.ok:
        raise HullwardError(
            f"The containers cannot be listed: {answer.problem}.",
            "The login or the proxy in between must allow GET /containers/json.",
        )
    try:
        return msgspec.json.decode(answer.body, type=list[wire.Listed])
    except engine_facts.UNREADABLE as error:
        raise HullwardError(
            f"The list of containers cannot be read: {error}.",
            "Check that it is a Docker engine that answers there.",
        ) from error


def _volumes(answer: Answer, gaps: dict[str, str]) -> Mapping[str, Mapping[str, str]] | None:
    volumes = decoded(answer, wire.Volumes, "volumes", gaps)
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
        except engine_facts.UNREADABLE as error:
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
        session = decoded(answer, wire.ExecInspect, "exec", {})
        if session is None:
            return None
        if session.running and session.process:
            running.append(Exec(session.process.user, session.process.privileged))
    return tuple(running)


def _images(
    ids: Sequence[str], described: Sequence[Answer], layers: Sequence[Answer]
) -> dict[str, Image]:
    """Read the images; one that cannot be read is left out, and its rules answer unknown."""
    images = {}
    for i, (id_, answer) in enumerate(zip(ids, described, strict=True)):
        raw = decoded(answer, wire.ImageInspect, "images", {})
        if raw:
            images[id_] = _image(id_, raw, layers[i] if layers else None)
    return images


def _image(id_: str, raw: wire.ImageInspect, layers: Answer | None) -> Image:
    config = raw.config or wire.ImageConfig()
    test = (config.healthcheck.test or ()) if config.healthcheck else ()
    history = decoded(layers, list[wire.Layer], "history", {}) if layers else None
    return Image(
        id_,
        tuple(raw.repo_tags or ()),
        tuple(raw.repo_digests or ()),
        raw.created,
        tuple(sorted(config.exposed_ports or ())),
        config.user,
        any(word != "NONE" for word in test[:1]),
        tuple(sorted({entry.partition("=")[0] for entry in config.env or ()})),
        None if history is None else image_history.parse(layer.created_by for layer in history),
    )
