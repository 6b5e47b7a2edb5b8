"""What the daemon's flags and its settings file say that no answer of its API shows."""

import ipaddress

from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.rule import Answers, Fail, Unknown, engine_rule, host_rule
from hullward.model.severity import Severity
from hullward.rules import effective

_REFERENCE = "docs.docker.com/reference/cli/dockerd"


@host_rule(
    id="daemon-log-level",
    title="The engine logs too much or too little",
    severity=Severity.LOW,
    rationale=(
        "At `debug` the log holds requests of clients with all their values; above `info` it lacks "
        "what happened before an incident."
    ),
    remedy=effective.write('"log-level": "info"'),
    refs=("cis-docker:2.3", _REFERENCE),
    needs="daemon",
)
def log_level(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for any level but info, and for debug mode."""
    for key in ("log-level", "debug"):
        found = effective.setting(host, snapshot, key)
        if isinstance(found, Unknown):
            yield found
        elif found and found.value not in {"info", False}:
            yield Fail(f"{key} is {_shown(found.value)} ({found.source})")


@host_rule(
    id="daemon-iptables-off",
    title="The engine may not set its firewall rules",
    severity=Severity.MEDIUM,
    rationale=(
        "Without them networks are not separated from each other, and ports are published by a "
        "proxy that hides the address of the client. Rules of one's own must replace all of it."
    ),
    remedy='Remove `"iptables": false` and `--iptables=false`, then: systemctl restart docker',
    refs=("cis-docker:2.4", "docs.docker.com/engine/network/packet-filtering-firewalls"),
    needs="daemon",
)
def iptables_off(host: Host, snapshot: Snapshot) -> Answers:
    """Fail where iptables or ip6tables is off."""
    for key, grade in (("iptables", None), ("ip6tables", Severity.LOW)):
        found = effective.setting(host, snapshot, key)
        if isinstance(found, Unknown):
            yield found
        elif found and found.value is False:
            yield Fail(f"{key} is false ({found.source})", grade)


@host_rule(
    id="daemon-default-ulimit",
    title="Containers take over the engine's own resource limits",
    severity=Severity.INFO,
    rationale=(
        "dockerd runs without limits, and so does what it starts. A default keeps one container "
        "from opening every file that the kernel has room for."
    ),
    remedy=effective.write(
        '"default-ulimits": {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 524288}}'
    ),
    refs=("cis-docker:2.8", _REFERENCE),
    needs="daemon",
)
def default_ulimit(host: Host, snapshot: Snapshot) -> Answers:
    """Fail where no default is set."""
    found = effective.setting(host, snapshot, "default-ulimits")
    if isinstance(found, Unknown):
        yield found
    elif found is None or not found.value:
        yield Fail("default-ulimits is not set")


@host_rule(
    id="daemon-cgroup-parent",
    title="Containers are placed under a control group of one's own",
    severity=Severity.INFO,
    rationale="Limits of the other control group then hold for all containers together.",
    remedy="Remove `cgroup-parent`, unless the limits of that group are meant.",
    refs=("cis-docker:2.10", _REFERENCE),
    needs="daemon",
)
def cgroup_parent(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for any parent but the default ones."""
    found = effective.setting(host, snapshot, "cgroup-parent")
    if isinstance(found, Unknown):
        yield found
    elif found and found.value not in {"", "docker", "/docker", "system.slice"}:
        yield Fail(f"cgroup-parent is {_shown(found.value)} ({found.source})")


@host_rule(
    id="daemon-userland-proxy",
    title="Each published port has a proxy process",
    severity=Severity.INFO,
    rationale=(
        "The kernel forwards published ports by itself. docker-proxy only helps connections from "
        "the host to its own loopback, costs memory for each port, and shows the container its own "
        "address in place of the client's."
    ),
    remedy=effective.write('"userland-proxy": false'),
    refs=("cis-docker:2.16", "docs.docker.com/engine/network/port-publishing"),
    needs="daemon",
)
def userland_proxy(host: Host, snapshot: Snapshot) -> Answers:
    """Fail where it is not switched off."""
    found = effective.setting(host, snapshot, "userland-proxy")
    if isinstance(found, Unknown):
        yield found
    elif found is None or found.value is not False:
        yield Fail("userland-proxy is on" + ("" if found else ", as it is by default"))


@engine_rule(
    id="daemon-storage-driver",
    title="The storage driver is no longer maintained",
    severity=Severity.LOW,
    rationale="aufs and devicemapper were removed from Docker; nobody mends them any more.",
    remedy=(
        "Move to overlay2: `docker save` what is needed, "
        + effective.write('"storage-driver": "overlay2"')
    ),
    refs=(
        "cis-docker:2.6",
        "cis-docker:2.11",
        "docs.docker.com/engine/storage/drivers/select-storage-driver",
    ),
)
def storage_driver(snapshot: Snapshot) -> Answers:
    """Fail for the two removed ones; the size of devicemapper's disks goes with them."""
    engine = effective.engine(snapshot)
    if isinstance(engine, Unknown):
        yield engine
    elif engine.storage_driver is None:
        yield Unknown("the engine does not say it")
    elif engine.storage_driver in {"aufs", "devicemapper"}:
        size = engine.storage_status.get("Base Device Size", "")
        yield Fail(f"the storage driver is {engine.storage_driver}{size and f', {size} a disk'}")


@engine_rule(
    id="daemon-address-pools",
    title="New networks take addresses that belong to others",
    severity=Severity.LOW,
    rationale=(
        "A network of containers with public addresses hides the machines that own them, and what "
        "is meant for them goes to a container."
    ),
    remedy=effective.write('"default-address-pools": [{"base": "10.210.0.0/16", "size": 24}]'),
    refs=(_REFERENCE, "RFC 1918"),
)
def address_pools(snapshot: Snapshot) -> Answers:
    """Fail for pools outside of the private ranges."""
    engine = effective.engine(snapshot)
    if isinstance(engine, Unknown):
        yield engine
        return
    for base, _ in engine.pools:
        try:
            private = ipaddress.ip_network(base, strict=False).is_private
        except ValueError:
            yield Unknown(f"the pool {base!r} is no network")
            continue
        if not private:
            yield Fail(f"the pool {base} is not private")


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
