"""What can be reached from outside."""

from itertools import groupby

from hullward.model.facts import Container, Listener, Port, Snapshot
from hullward.model.rule import Answers, Fail, Unknown, container_rule
from hullward.model.severity import Severity
from hullward.rules import grants, remedies

_WEB = frozenset({80, 443})
_UNPRIVILEGED = 1024
_SSH_SERVERS = frozenset({"dropbear", "sshd", "sshd-session", "tinysshd"})


def _unseen(container: Container, snapshot: Snapshot) -> Answers:
    """Say what keeps its listeners from sight on a network that is not its own."""
    network = grants.namespace(container, snapshot, "network")
    if network.mode is None:
        missing = network.missing[:12]
        yield Unknown(f"its network is that of {missing}, which is not in sight")
    elif network.mode == "host" and container.running and container.listeners is None:
        yield Unknown("it is on the host's network, and what it listens on is not known")


def _local(container: Container, where: Port) -> str:
    suffix = "" if where.protocol == "tcp" else f"/{where.protocol}"
    spec = f"127.0.0.1:{where.public or where.private}:{where.private}{suffix}"
    return remedies.add(container, f'ports:\n  - "{spec}"', f"-p {spec}")


@container_rule(
    id="container-published-everywhere",
    title="A port is open on every address of the host",
    severity=Severity.MEDIUM,
    rationale=(
        "Docker's rules come before those of ufw and firewalld, so such a port is open to the "
        "whole network even where the firewall claims to close it."
    ),
    remedy="Publish on 127.0.0.1 behind a reverse proxy, or on the one address that needs it.",
    refs=("cis-docker:5.14", "guide: Hosted Firewall", "moby#22054"),
)
def published_everywhere(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for 0.0.0.0 and for [::]; ports 80 and 443, which the guide leaves open, are low."""
    open_ = sorted(grants.open_places(container, snapshot), key=_service)
    for (number, protocol), group in groupby(open_, key=_service):
        same = list(group)
        where = ", ".join(grants.places(same))
        grade = Severity.LOW if number in _WEB and protocol == "tcp" else None
        if isinstance(same[0], Listener):
            yield Fail(f"{where} on the host's network", grade)
        else:
            owner = grants.network_owner(container, snapshot)
            yield Fail(where, grade, _local(owner, same[0]))
    yield from _unseen(container, snapshot)


def _service(where: Port | Listener) -> tuple[int, str]:
    return (where.port if isinstance(where, Listener) else where.public), where.protocol


@container_rule(
    id="container-privileged-port",
    title="A privileged port of the host is taken",
    severity=Severity.LOW,
    rationale="Ports below 1024 are trusted to belong to the system's own services.",
    remedy="Publish on a port from 1024 up, unless it is one that the guide leaves open: 80, 443.",
    refs=("cis-docker:5.8", "guide: Hosted Firewall"),
)
def privileged_port(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for host ports below 1024 other than 80 and 443, published or listened on."""
    seen = {port.public for port in grants.published(container, snapshot)}
    seen |= {listener.port for listener in container.listeners or ()}
    for number in sorted(seen - _WEB):
        if 0 < number < _UNPRIVILEGED:
            yield Fail(f"port {number} of the host")
    yield from _unseen(container, snapshot)


@container_rule(
    id="container-undeclared-port",
    title="A port is published that the image does not declare",
    severity=Severity.INFO,
    rationale="What an image does not EXPOSE is often a debug or administration port.",
    remedy="Publish only what is meant to be reached, or declare it with EXPOSE.",
    refs=("cis-docker:5.9", "docs.docker.com/reference/dockerfile#expose"),
)
def undeclared_port(container: Container, snapshot: Snapshot) -> Answers:
    """Compare published ports with the image's; unknown where the image could not be read."""
    ports = container.ports if container.running else container.wished_ports
    if not ports:
        return
    image = snapshot.images.get(container.image_id)
    if image is None:
        yield Unknown("its image could not be read")
        return
    keys = sorted({f"{port.private}/{port.protocol}" for port in ports} - set(image.exposed))
    if keys:
        yield Fail(
            f"{', '.join(keys)} published, but the image declares "
            f"{', '.join(image.exposed) or 'no port'}"
        )


@container_rule(
    id="container-ssh-server",
    title="An ssh server runs in the container",
    severity=Severity.LOW,
    rationale="It is one more login to keep: keys, users and updates inside an image.",
    remedy="Use `docker exec` over the host's ssh, unless ssh is the service, as with sftp.",
    refs=("cis-docker:5.7",),
)
def ssh_server(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for a process by the name of an ssh server, or a container made of one."""
    del snapshot
    names = {process.name for process in container.processes or ()}
    if found := sorted(_SSH_SERVERS & (names | {container.program})):
        yield Fail(f"it runs {', '.join(found)}")
    elif container.running and container.processes is None:
        yield Unknown(container.processes_gap or "its processes were not looked at")
