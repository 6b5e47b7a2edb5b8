"""What a container is granted once all its settings are taken together."""

from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from hullward.model import capabilities
from hullward.model.facts import Container, Listener, Port, Process, Snapshot
from hullward.rules.places import controls_engine

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_ANY_V4, _ANY_V6 = "0.0.0.0", "::"  # noqa: S104 - compared and shown, never bound
_READ_ONLY, _MASKED = ("/proc/sys", "/proc/sysrq-trigger"), ("/proc/kcore",)
_PROFILES = {"": "default", "builtin": "default", "default": "default", "unconfined": "unconfined"}
_SANDBOXES = ("runsc", "gvisor", "kata", "sysbox", "firecracker")


def option(container: Container, name: str) -> str | None:
    """Give the last value of a security option, "" for the bare word, None where it is absent.

    Docker takes `name=value` and, since long ago, `name:value`; the last one wins (moby,
    daemon/daemon_unix.go parseSecurityOpt).
    """
    return (options(container, name) or (None,))[-1]


def options(container: Container, name: str) -> tuple[str, ...]:
    """Give every value of a security option in order; those of `label` add up."""
    split = (text.partition("=" if "=" in text else ":") for text in container.security_opt)
    return tuple(rest.strip() for key, _, rest in split if key.strip() == name)


def no_new_privileges(container: Container, snapshot: Snapshot) -> bool | None:
    """Whether it was started with no_new_privs (prctl(2)); None where the default is unknown."""
    value = option(container, "no-new-privileges")
    if value is not None:
        return switched_on(value)
    if snapshot.engine is None or snapshot.engine.security_options is None:
        return None
    return snapshot.engine.option("no-new-privileges")


def switched_on(value: str) -> bool:
    """Whether the value of no-new-privileges is a yes; the bare word is one."""
    return value == "" or value in _TRUE


def default_seccomp(snapshot: Snapshot) -> str | None:
    """Name the profile of containers that ask for none: default, unconfined or custom."""
    if snapshot.engine is None or snapshot.engine.security_options is None:
        return None
    for option in snapshot.engine.security_options:
        kind, _, profile = option.partition(",profile=")
        if kind == "name=seccomp":
            return _PROFILES.get(profile, "custom")
    return "unconfined"


def declared(container: Container) -> frozenset[str]:
    """Give the capabilities that its settings grant: the bounding set of its first process."""
    return _declared(container.cap_add, container.cap_drop, container.privileged)


@lru_cache(maxsize=1024)
def _declared(
    added: tuple[str, ...],
    dropped: tuple[str, ...],
    privileged: bool,  # noqa: FBT001 - a cache takes positions
) -> frozenset[str]:
    return capabilities.granted(added, dropped, privileged=privileged)


def held(processes: tuple[Process, ...], name: str) -> frozenset[str]:
    """Join one capability set ("effective", "permitted", "bounding") over all processes."""
    mask = 0
    for process in processes:
        mask |= getattr(process, name)
    return _named(mask)


@lru_cache(maxsize=1024)
def _named(mask: int) -> frozenset[str]:
    return capabilities.from_mask(mask)


def added(container: Container) -> frozenset[str]:
    """Give the capabilities that cap_add names, "ALL" as such."""
    return frozenset(filter(None, map(capabilities.normalise, container.cap_add)))


def granted(container: Container) -> frozenset[str]:
    """Give the most that its processes may hold: as declared, and as the kernel shows."""
    return declared(container) | held(container.processes or (), "bounding")


def holds_socket(container: Container) -> bool:
    """Whether a control socket of an engine is mounted in it."""
    return any(mount.source and controls_engine(mount.source) for mount in container.mounts)


def left_root(container: Container) -> bool:
    """Whether it started as root, and no process of it is root or holds a capability now."""
    processes = container.processes
    return (
        container.uid == 0
        and bool(processes)
        and not any(0 in p.uids or p.permitted for p in processes or ())
    )


def may_be_root(container: Container) -> bool:
    """Whether a process of it is root, or may be for all that is known."""
    if 0 in (uids(container) or ()):
        return True
    return container.uid in {0, None} and not left_root(container)


def uids(container: Container) -> tuple[int, ...] | None:
    """Give the effective uids of all its processes, None where the kernel was not asked."""
    if container.processes is None:
        return None
    return tuple(sorted({p.uids[1] for p in container.processes if len(p.uids) > 1}))


def weakened(container: Container, snapshot: Snapshot) -> str:
    """Say what makes the container's root less than the host's root, "" for nothing."""
    runtime = container.runtime or (snapshot.engine.default_runtime if snapshot.engine else "")
    if sandbox(runtime):
        return f"it runs in the sandbox {runtime}"
    if snapshot.engine and snapshot.engine.option("rootless"):
        return "the engine is rootless"
    remapped = snapshot.engine and snapshot.engine.option("userns")
    if remapped and container.userns_mode != "host":
        return "its user namespace is remapped"
    return ""


def sandbox(runtime: str) -> bool:
    """Whether a runtime puts a wall of its own between the container and the host's kernel."""
    return any(word in runtime for word in _SANDBOXES)


def unguarded(container: Container) -> tuple[str, ...]:
    """Name the paths of /proc that an engine guards unasked, and this container's lists leave out.

    No list means the engine's own; an empty one is what systempaths=unconfined makes.
    """
    lists = ((container.readonly_paths, _READ_ONLY), (container.masked_paths, _MASKED))
    return tuple(p for own, paths in lists if own is not None for p in paths if p not in own)


class Namespace(Struct, frozen=True):
    """A namespace after all `container:` references: "host", "private" or None for unknown."""

    mode: str | None
    through: tuple[Container, ...] = ()
    missing: str = ""


def namespace(container: Container, snapshot: Snapshot, kind: str) -> Namespace:
    """Follow `container:` references of a namespace ("network", "pid", "ipc") to their end."""
    through: list[Container] = []
    current = container
    while True:
        mode = getattr(current, f"{kind}_mode")
        if not mode.startswith("container:"):
            return Namespace("host" if mode == "host" else "private", tuple(through))
        reference = mode.removeprefix("container:")
        found = snapshot.named(reference)
        if found is None or found in through or found == container:
            return Namespace(None, tuple(through), reference)
        through.append(found)
        current = found


def on_host_network(container: Container, snapshot: Snapshot) -> bool:
    """Whether it uses the host's network, by itself or through another container."""
    return namespace(container, snapshot, "network").mode == "host"


def network_owner(container: Container, snapshot: Snapshot) -> Container:
    """Give the container whose network it uses: itself, or the last one that it joins."""
    through = namespace(container, snapshot, "network").through
    return through[-1] if through else container


def published(container: Container, snapshot: Snapshot) -> tuple[Port, ...]:
    """Give its published ports: the real ones, or what a stopped one asks for at its start."""
    owner = network_owner(container, snapshot)
    return owner.ports if owner.running else owner.wished_ports


def open_places(container: Container, snapshot: Snapshot) -> tuple[Port | Listener, ...]:
    """Give the places where it can be reached on every address of the host."""
    places: list[Port | Listener] = [*published(container, snapshot)]
    places += container.listeners or ()
    return tuple(place for place in places if place.everywhere)


def place(where: Port | Listener) -> str:
    """Write a port as docker does: `127.0.0.1:8888->80/tcp`, without the arrow for a listener."""
    address = where.address or _ANY_V4
    return f"[{address}]{_rest(where)}" if ":" in address else f"{address}{_rest(where)}"


def places(found: Iterable[Port | Listener]) -> tuple[str, ...]:
    """Write ports in order; one that is open on every IPv4 and IPv6 address is written once."""
    by_rest: dict[str, list[Port | Listener]] = {}
    for where in found:
        by_rest.setdefault(_rest(where), []).append(where)
    written = []
    for rest, same in by_rest.items():
        addresses = {where.address or _ANY_V4 for where in same}
        if {_ANY_V4, _ANY_V6} <= addresses:
            same = [where for where in same if not where.everywhere]  # noqa: PLW2901 - the rest
            written.append(f"*{rest}")
        written += [place(where) for where in same]
    return tuple(written)


def _rest(where: Port | Listener) -> str:
    if isinstance(where, Listener):
        return f":{where.port}/{where.protocol}"
    return f":{where.public or ''}->{where.private}/{where.protocol}"


def neighbours(container: Container, snapshot: Snapshot) -> tuple[Container, ...]:
    """Give the other containers on its networks; whose network it joins is one of them."""
    mine = set(network_owner(container, snapshot).networks) - {"host", "none"}
    found = {c.name: c for network in sorted(mine) for c in snapshot.members.get(network, ())}
    found.pop(container.name, None)
    return tuple(found.values())
