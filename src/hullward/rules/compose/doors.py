"""Ways in and out that no port, mount or capability shows."""

import re

from hullward.compose.model import Place, Project, Service
from hullward.compose.nodes import Node, Scalar
from hullward.compose.walk import child, descend, items, pairs, services, texts
from hullward.model.rule import Fail
from hullward.model.severity import Severity
from hullward.rules import places
from hullward.rules.compose.rule import Document, Spot, Spots, service_rule, text_rule

_ROUTER = re.compile(r"traefik\.http\.routers\.([^.]+)\.rule", re.IGNORECASE)
# Relabelled as a whole, these keep the host's own services from their files.
_SYSTEM = frozenset(
    ("/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/opt", "/proc", "/root",
     "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr", "/var", "/var/lib", "/var/log")  # noqa: S108 - paths to judge
)  # fmt: skip


@service_rule(
    id="compose-proxy-no-middleware",
    title="A reverse proxy serves it with nothing in between",
    severity=Severity.INFO,
    rationale=(
        "Traefik routes to it without any middleware: no login, no list of addresses, no limit. "
        "That is right only for what has a login of its own."
    ),
    remedy=(
        "Add `traefik.http.routers.NAME.middlewares` with basicAuth, forwardAuth or ipAllowList."
    ),
    refs=("guide: Traefik", "CWE-306"),
)
def proxy_no_middleware(service: Service, project: Project) -> Spots:
    """Fail for HTTP routers of Traefik that have a rule and no middlewares."""
    del project
    names = {name.lower() for name in service.labels}
    for label, place in service.labels.items():
        router = _ROUTER.fullmatch(label)
        if router and f"traefik.http.routers.{router[1].lower()}.middlewares" not in names:
            yield Spot(Fail(f"router {router[1]} has no middlewares"), place)


@text_rule(
    id="compose-host-gateway",
    title="A name leads to the host",
    severity=Severity.INFO,
    rationale=(
        "`host-gateway` gives the container an address of the host: it reaches what listens on "
        "all addresses there, databases and admin pages among them."
    ),
    remedy="Remove it from `extra_hosts`, or let the firewall allow only the port that it needs.",
    refs=("docs.docker.com/reference/compose-file/services#extra_hosts", "guide: Isolation"),
)
def host_gateway(document: Document) -> Spots:
    """Fail for extra_hosts with host-gateway."""
    for key, service in services(document.root):
        hosts = child(service, "extra_hosts")
        for text in texts(hosts):
            if text.value.endswith("host-gateway"):
                yield _spot(document, key, text, f"extra_hosts: {text.value}")
        for name, value in pairs(hosts):
            if isinstance(value, Scalar) and value.value == "host-gateway":
                yield _spot(document, key, name, f"extra_hosts: {name.value}=host-gateway")


@text_rule(
    id="compose-relabel",
    title="A mount changes the labels of the host's own files",
    severity=Severity.MEDIUM,
    rationale=(
        "With `z` or `Z` the engine gives every file below a path to containers, for ever. Done to "
        "a system's folder, its own services lose their files, and SELinux protects it no more."
    ),
    remedy="Mount only the folder that it needs, and label that one.",
    refs=("docs.docker.com/engine/storage/bind-mounts", "docker-run(1) --volume"),
)
def relabel(document: Document) -> Spots:
    """Fail for z and Z on folders of the system."""
    for key, service in services(document.root):
        for item in items(child(service, "volumes")):
            if isinstance(item, Scalar):
                source, _, rest = item.value.partition(":")
                flags = rest.partition(":")[2].split(",")
            else:
                found = (child(item, "source"), descend(item, ("bind", "selinux")))
                source, flag = (n.value if isinstance(n, Scalar) else "" for n in found)
                flags = [flag]
            labelled = source.startswith("/") and not {"z", "Z"}.isdisjoint(flags)
            if labelled and places.clean(source) in _SYSTEM:
                yield _spot(document, key, item, f"{source} is relabelled")


@text_rule(
    id="compose-oom-kill-disabled",
    title="The kernel may not end it when memory runs out",
    severity=Severity.LOW,
    rationale="Without a limit of its own it can then stop the whole host; with one it just hangs.",
    remedy="Remove `oom_kill_disable`, and set `mem_limit`.",
    refs=("docker-run(1) --oom-kill-disable",),
)
def oom_kill_disabled(document: Document) -> Spots:
    """Fail for oom_kill_disable: true."""
    for key, service in services(document.root):
        for name, value in pairs(service):
            said = value.value.lower() if isinstance(value, Scalar) else ""
            if name.value == "oom_kill_disable" and said == "true":
                yield _spot(document, key, name, "oom_kill_disable is true")


def _spot(document: Document, service: Scalar, node: Node, said: str) -> Spot:
    start = node.start
    return Spot(Fail(said), Place(document.path, start.line, start.column), service.value)
