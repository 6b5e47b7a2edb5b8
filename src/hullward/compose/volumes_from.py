"""Mounts that a service takes over from another one, as the engine does with --volumes-from.

Compose hands on the other container without the `:ro` behind its name (pkg/compose,
resolveVolumeFrom), so that what was writable there is writable here.
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from hullward.compose.model import Place, Service, Unresolved
from hullward.model.facts import Mount

_CONTAINER, _FIELD = "container:", "mounts"


def joined(services: Sequence[Service]) -> tuple[Service, ...]:
    """Give the services, each with the mounts that it takes over; its own win."""
    by_name = {service.name: service for service in services}
    done: dict[str, Service] = {}
    for service in services:
        _join(service, by_name, done, ())
    return tuple(done[service.name] for service in services)


def _join(
    service: Service, all_: Mapping[str, Service], done: dict[str, Service], below: tuple[str, ...]
) -> Service:
    if service.name in done:
        return done[service.name]
    found = service
    for index, reference in enumerate(service.volumes_from):
        place = service.places[f"volumes_from[{index}]"]
        if reference.startswith(_CONTAINER):
            reason = f"it has the volumes of the container {reference.removeprefix(_CONTAINER)}"
            found = _gap(found, Unresolved(reason, place, "container"))
            continue
        name = reference.partition(":")[0]
        if name not in all_ or name in (*below, service.name):
            reason = f"there is no service {name} to take volumes from"
            found = _gap(found, Unresolved(reason, place, "value"))
            continue
        other = _join(all_[name], all_, done, (*below, service.name))
        found = _with(found, other, place)
    done[service.name] = found
    return found


def _gap(service: Service, gap: Unresolved) -> Service:
    return replace(service, unresolved={_FIELD: gap, **service.unresolved})


def _with(service: Service, other: Service, place: Place) -> Service:
    own = _placed(service)
    targets = {mount.target for mount, _ in own}
    taken = [(mount, place) for mount in other.container.mounts if mount.target not in targets]
    every = sorted([*own, *taken], key=lambda pair: (pair[0].kind, pair[0].target))
    places = {f"{_FIELD}[{index}]": where for index, (_, where) in enumerate(every)}
    unresolved = service.unresolved
    if _FIELD in other.unresolved:
        unresolved = {_FIELD: other.unresolved[_FIELD], **unresolved}
    return replace(
        service,
        container=replace(service.container, mounts=tuple(mount for mount, _ in every)),
        places={_FIELD: place, **service.places, **places},
        unresolved=unresolved,
    )


def _placed(service: Service) -> list[tuple[Mount, Place]]:
    return [
        (mount, service.places[f"{_FIELD}[{index}]"])
        for index, mount in enumerate(service.container.mounts)
    ]
