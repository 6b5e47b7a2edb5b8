"""What services take over from others, and what they have in common."""

from collections.abc import Iterator

from hullward.compose.model import Place, Project, Service
from hullward.model.facts import Container
from hullward.model.rule import Fail
from hullward.model.severity import Severity
from hullward.rules.compose.rule import Spot, Spots, project_rule, service_rule

_HOST = {
    "network_mode": "network_mode: host",
    "pid_mode": "pid: host",
    "ipc_mode": "ipc: host",
    "uts_mode": "uts: host",
    "userns_mode": "userns_mode: host",
    "cgroupns_mode": "cgroup: host",
}
_SEVERAL = 3


@service_rule(
    id="compose-extended-privilege",
    title="A privilege comes with the service that it extends",
    severity=Severity.LOW,
    rationale=(
        "Who reads only this service does not see it, and a change in the other one changes this "
        "one too. How grave the privilege is, the rule for it says."
    ),
    remedy="Write privileges where they are used, and keep them out of services for extension.",
    refs=("docs.docker.com/compose/how-tos/multiple-compose-files/extends",),
)
def extended_privilege(service: Service, project: Project) -> Spots:
    """Fail for privileges that are written in another service or file."""
    if not service.extends:
        return
    through = " → ".join(service.extends)
    for field, said in _privileges(service.container):
        place = service.places.get(field)
        if place is not None and _elsewhere(place, service, project):
            found = Fail(f"{said} comes from {place}, by extends: {through}")
            yield Spot(found, service.keys.get("extends"))


def _privileges(container: Container) -> Iterator[tuple[str, str]]:
    if container.privileged:
        yield "privileged", "privileged: true"
    for field, said in _HOST.items():
        if getattr(container, field) == "host":
            yield field, said
    if container.cap_add:
        yield "cap_add", f"cap_add: {', '.join(container.cap_add)}"
    if container.devices:
        yield "devices", f"the device {container.devices[0].path}"


def _elsewhere(place: Place, service: Service, project: Project) -> bool:
    """Whether a place is in another file, or behind the key of another service."""
    if place.file != service.place.file:
        return True
    starts = [s.place.line for s in project.services if s.place.file == place.file]
    above = [line for line in starts if line <= place.line]
    return bool(above) and max(above) != service.place.line


@service_rule(
    id="compose-volumes-from",
    title="It takes over the mounts of another container",
    severity=Severity.LOW,
    rationale=(
        "Every path that the other one sees is there too, sockets and secrets among them, and "
        "nothing in this service says which."
    ),
    remedy="Name the volumes that it needs in `volumes:`.",
    refs=("docs.docker.com/reference/compose-file/services#volumes_from",),
)
def volumes_from(service: Service, project: Project) -> Spots:
    """Fail for volumes_from."""
    del project
    if "volumes_from" in service.keys:
        yield Spot(Fail("volumes_from is set"), service.keys["volumes_from"])


@project_rule(
    id="compose-shared-volume",
    title="Several services write to one volume",
    severity=Severity.INFO,
    rationale=(
        "What one of them leaves there, the others read or run: one that is taken over reaches "
        "the others past every network."
    ),
    remedy="Give each its own volume, or mount it read-only (`:ro`) where it is only read.",
    refs=("docs.docker.com/reference/compose-file/services#volumes",),
)
def shared_volume(project: Project) -> Spots:
    """Fail for named volumes that two services or more may write to."""
    keys = {volume.name: volume.key for volume in project.volumes}
    writers: dict[str, list[tuple[str, Place]]] = {}
    for service in project.services:
        for index, mount in enumerate(service.container.mounts):
            if mount.volume and mount.writable:
                place = service.places.get(f"mounts[{index}]", service.place)
                volume = keys.get(mount.volume, mount.volume)
                writers.setdefault(volume, []).append((service.name, place))
    for volume, found in writers.items():
        names = list(dict.fromkeys(name for name, _ in found))
        if len(names) > 1:
            said = Fail(f"{', '.join(names)} write to the volume {volume}")
            yield Spot(said, found[0][1], names[0])


@project_rule(
    id="compose-one-network",
    title="Every service reaches every other one",
    severity=Severity.INFO,
    rationale=(
        "What faces the network shares one network with everything behind it: whoever takes it "
        "over reaches databases and caches directly."
    ),
    remedy="Make a network for each pair that talks: `networks:` at the top and in each service.",
    refs=("docs.docker.com/compose/how-tos/networking",),
)
def one_network(project: Project) -> Spots:
    """Fail where three or more services are on one network, published ones beside others."""
    joined = [s for s in project.services if s.container.networks and s.active]
    networks = {network for service in joined for network in service.container.networks}
    published = [s for s in joined if s.container.wished_ports]
    if len(networks) == 1 and len(joined) >= _SEVERAL and 0 < len(published) < len(joined):
        keys = {network.facts.name: network.key for network in project.networks}
        name = next(iter(networks))
        if any(n.facts.name == name and not n.facts.talk for n in project.networks):
            return
        front = ", ".join(service.name for service in published)
        said = f"{len(joined)} services share the network {keys.get(name, name)}; outside: {front}"
        yield Spot(Fail(said), published[0].place, published[0].name)


@project_rule(
    id="compose-network-not-internal",
    title="Services that serve only each other reach the internet",
    severity=Severity.INFO,
    rationale=(
        "An intruder fetches tools and sends data away over any network that is not internal; a "
        "database or cache needs no such way out."
    ),
    remedy="Set `internal: true` on the network.",
    refs=("docs.docker.com/reference/compose-file/networks#internal",),
)
def network_not_internal(project: Project) -> Spots:
    """Fail for networks of the file whose members publish nothing, and have no other one."""
    for network in project.networks:
        if network.place is None or network.facts.internal or network.external:
            continue
        name = network.facts.name
        members = [s for s in project.services if name in s.container.networks]
        alone = [s for s in members if s.container.networks == (name,)]
        quiet = not any(s.container.wished_ports for s in members)
        if quiet and alone and len(members) > 1:
            names = ", ".join(service.name for service in alone)
            said = Fail(f"network {network.key} lets {names} out, and nothing there is published")
            yield Spot(said, network.place, alone[0].name)
