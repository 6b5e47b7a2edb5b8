"""Ports that a proxy on the same host serves: nobody else need reach them."""

import re
from collections.abc import Iterator

from hullward.compose.changes import Change
from hullward.compose.model import Service
from hullward.compose.nodes import Mapping, Scalar, Sequence, resolved
from hullward.compose.sharing import look_up
from hullward.fixes.compose.proposal import Answers, Grade, Line, Look, Proposal
from hullward.model.facts import Port

EVERYWHERE = "container-published-everywhere"

_LOOPBACK = "127.0.0.1"
_PROXIES = frozenset(
    {"caddy", "caddy-docker-proxy", "envoy", "haproxy", "nginx", "nginx-proxy"}
    | {"nginx-proxy-manager", "swag", "traefik"}
)
_WEB = frozenset({80, 443})
# HOST:CONTAINER in numbers; one with variables may hold an address already.
_SHORT = re.compile(r"\d+(-\d+)?:\d+(-\d+)?(/tcp)?")
_NAMES = frozenset({"LETSENCRYPT_HOST", "VIRTUAL_HOST"})
_LABELS = re.compile(r"(traefik\.(enable$|http\.|tcp\.)|caddy(_\d+)?(\.|$))")


def loopback(look: Look) -> Answers:
    """Propose to publish on 127.0.0.1 what a proxy of this host serves."""
    if is_proxy(look.service) or not (evidence := _served(look)):
        return
    if gap := look.unresolved("ports"):
        yield look.left(EVERYWHERE, gap)
        return
    for line in _lines(look, f"{evidence}; whoever uses the port directly can no longer do so"):
        trial = "only this host reaches it then"
        yield Proposal(look.name, EVERYWHERE, Grade.GUESS, (line,), trial)


def _served(look: Look) -> str:
    """Say how it is known that a proxy serves it, "" where it is not."""
    service = look.service
    if label := next((name for name in service.labels if _LABELS.match(name)), ""):
        return f"the label {label} lets a proxy serve it"
    if name := next((v.name for v in service.environment if v.name in _NAMES), ""):
        return f"the variable {name} lets a proxy serve it"
    networks = set(service.container.networks)
    for other in look.proxies:
        if networks & {*other.container.networks}:
            return f"the proxy {other.name} reaches it over their network"
    return ""


def is_proxy(service: Service) -> bool:
    """Whether a service is a proxy that the world talks to."""
    container = service.container
    open_ports = {port.public for port in _ports(service) if port.everywhere}
    return container.image_name in _PROXIES and (
        container.network_mode == "host" or not _WEB.isdisjoint(open_ports)
    )


def _ports(service: Service) -> tuple[Port, ...]:
    return service.container.ports or service.container.wished_ports


def _lines(look: Look, reason: str) -> Iterator[Line]:
    ports = look.key("ports")
    for index, item in enumerate(ports.items if isinstance(ports, Sequence) else ()):
        port = resolved(item)
        if isinstance(port, Scalar) and _SHORT.fullmatch(port.value):
            value = f"{_LOOPBACK}:{port.value}"
            yield Line(Change(look.name, ("ports", index), value, before=port.value), reason)
        elif isinstance(port, Mapping) and _long(port):
            yield look.line(("ports", index, "host_ip"), _LOOPBACK, reason)


def _long(port: Mapping) -> bool:
    """Whether a port in the long form is published, by TCP, on every address."""
    protocol = look_up(port, "protocol")
    return (
        look_up(port, "published") is not None
        and look_up(port, "host_ip") is None
        and (protocol is None or (isinstance(protocol, Scalar) and protocol.value == "tcp"))
    )
