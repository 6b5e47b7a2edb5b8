"""What is known about an engine and its containers; a value that is None could not be looked up.

Nothing here can hold a secret: environment variables are kept by name, labels only where
hullward itself reads them, commands as the name of the program.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Annotated

from msgspec import Meta, Struct, field

from hullward.model.host import Host

Mask = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Mount(Struct, frozen=True):
    """A path of the host, a volume or a tmpfs inside a container.

    `source` is the path on the host that the container sees, also when a volume's driver options
    hide it; "" when no chosen path of the host is shown, None when the volume could not be read.
    """

    kind: str
    target: str
    source: str | None = ""
    writable: bool = True
    propagation: str = ""
    volume: str = ""
    filesystem: str = ""
    credentials: bool = False


class Port(Struct, frozen=True, order=True):
    """A published port; `public` is 0 while the engine has not chosen one."""

    private: int
    protocol: str = "tcp"
    address: str = ""
    public: int = 0

    @property
    def everywhere(self) -> bool:
        """Whether it listens on every address of the host, by IPv4 or IPv6."""
        return self.address in {"", "0.0.0.0", "::"}  # noqa: S104 - compared, never bound


class Listener(Struct, frozen=True, order=True):
    """A socket on which a process of a host-network container waits for peers."""

    address: str
    port: int
    protocol: str = "tcp"

    @property
    def everywhere(self) -> bool:
        """Whether it listens on every address of the host, by IPv4 or IPv6."""
        return self.address in {"0.0.0.0", "::"}  # noqa: S104 - compared, never bound


class Process(Struct, frozen=True):
    """The kernel's word on one process (/proc/PID/status, proc(5)); sets are bit masks.

    `uids` are the real, effective, saved and file system uid as the container's own user namespace
    counts them; `remapped` says that this namespace is not the host's.
    """

    pid: int
    name: str
    uids: tuple[int, ...]
    effective: Mask
    permitted: Mask
    bounding: Mask
    inheritable: Mask = 0
    ambient: Mask = 0
    no_new_privileges: bool = False
    seccomp: int = 0
    remapped: bool = False


class Exec(Struct, frozen=True):
    """A running `docker exec` session."""

    user: str
    privileged: bool = False


class Device(Struct, frozen=True):
    """A device node of the host handed to a container; `permissions` of "rwm" is the default."""

    path: str
    permissions: str = "rwm"


class Container(Struct, frozen=True):
    """One container, running or stopped, as its engine and the kernel describe it.

    `uid` is what `user` means inside the container; where it or `processes` is None, the field
    with `_gap` says why. `memory` is in bytes, 0 for no limit, like `pids`
    and `cores`, the processor time that it may take.
    """

    name: str
    id: str = ""
    image: str = ""
    image_id: str = ""
    state: str = "running"
    program: str = ""
    user: str = ""
    uid: int | None = 0
    groups: tuple[str, ...] = ()
    privileged: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    seccomp_default_action: str = ""
    apparmor_profile: str = ""
    selinux_label: str = ""
    masked_paths: tuple[str, ...] | None = None
    readonly_paths: tuple[str, ...] | None = None
    read_only: bool = False
    runtime: str = ""
    network_mode: str = "bridge"
    pid_mode: str = ""
    ipc_mode: str = "private"
    uts_mode: str = ""
    userns_mode: str = ""
    cgroupns_mode: str = "private"
    cgroup_parent: str = ""
    networks: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    ports: tuple[Port, ...] = ()
    wished_ports: tuple[Port, ...] = ()
    listeners: tuple[Listener, ...] | None = None
    devices: tuple[Device, ...] = ()
    device_rules: tuple[str, ...] = ()
    device_requests: tuple[str, ...] = ()
    sysctls: Mapping[str, str] = field(default_factory=dict)
    ulimits: tuple[str, ...] = ()
    memory: int = 0
    cpu_limited: bool = False
    cores: float = 0
    pids: int = 0
    restart: str = ""
    restart_attempts: int = 0
    health: str = ""
    log_driver: str = ""
    environment: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    api_listens: tuple[str, ...] = ()
    api_verifies: bool = False
    execs: tuple[Exec, ...] | None = ()
    pid: int = 0
    processes: tuple[Process, ...] | None = None
    uid_gap: str = ""
    processes_gap: str = ""

    @property
    def running(self) -> bool:
        """Whether it has processes now; a paused container has."""
        return self.state in {"running", "paused", "restarting"}

    @property
    def service(self) -> str:
        """The compose service that it belongs to, "" for none."""
        return self.labels.get("com.docker.compose.service", "")

    @property
    def compose_files(self) -> str:
        """The paths of the compose files that it was made of, "" where no label names them."""
        return self.labels.get("com.docker.compose.project.config_files", "")

    @property
    def image_name(self) -> str:
        """The last part of its image's reference, without tag and digest."""
        return self.image.partition("@")[0].rpartition("/")[2].partition(":")[0]


class Written(Struct, frozen=True):
    """What a container's compose file says today.

    `service` has the facts of the container that the file would make, None where the files cannot
    be read, for the reason `gap`, or have no such service any more. `places` and `unresolved` have
    the names of Container's fields: where each is written, and why the files do not decide it.
    """

    service: Container | None = None
    gap: str = ""
    places: Mapping[str, str] = field(default_factory=dict)
    unresolved: Mapping[str, str] = field(default_factory=dict)


class Unread(Struct, frozen=True):
    """A container that the engine lists but does not describe."""

    name: str
    id: str
    reason: str


class Plugin(Struct, frozen=True):
    """A managed plugin: a root process of the engine (docs.docker.com/engine/extend)."""

    name: str
    enabled: bool
    capabilities: tuple[str, ...] = ()
    all_devices: bool = False
    host_network: bool = False
    mounts: tuple[str, ...] = ()


class Network(Struct, frozen=True):
    """A network of the engine.

    `talk` says that its members reach each other, `ingress` that it carries a swarm's published
    ports. `gateway_modes` are the bridge driver's options of that name, `bridge` is the link that
    carries it on the host.
    """

    name: str
    driver: str = "bridge"
    internal: bool = False
    encrypted: bool | None = None
    talk: bool = True
    ingress: bool = False
    attachable: bool = False
    subnets: tuple[str, ...] = ()
    gateway_modes: tuple[str, ...] = ()
    bridge: str = ""


class History(Struct, frozen=True):
    """What stands out in how an image was built; `secrets` are names, never values.

    `adds` says what ADD brought, beside the base; `updates` counts the layers that only refresh
    the list of packages.
    """

    adds: tuple[str, ...] = ()
    updates: int = 0
    secrets: tuple[str, ...] = ()


class OwnedFile(Struct, frozen=True, order=True):
    """A program that runs as its owner: the uid of a setuid file, the gid of a setgid file."""

    path: str
    owner: int


class FileCapability(Struct, frozen=True, order=True):
    """A program with capabilities of its own; `effective` as capabilities(7) has it."""

    path: str
    names: tuple[str, ...]
    effective: bool = False


class ImageFiles(Struct, frozen=True):
    """The programs of an image's last state that give more than the caller has."""

    setuid: tuple[OwnedFile, ...] = ()
    setgid: tuple[OwnedFile, ...] = ()
    capabilities: tuple[FileCapability, ...] = ()


class Image(Struct, frozen=True):
    """An image that a container was made from; `created` is RFC 3339 or "".

    `environment` are the names of variables that it sets, `checked` says that it has a
    HEALTHCHECK; `history` is None where it could not be read, and so is `files`, for the reason
    `files_gap`.
    """

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    created: str = ""
    exposed: tuple[str, ...] = ()
    user: str = ""
    checked: bool = False
    environment: tuple[str, ...] = ()
    history: History | None = None
    files: ImageFiles | None = None
    files_gap: str = ""


class UnusedImages(Struct, frozen=True):
    """Images that no container was made from, running or stopped.

    `size` in bytes counts a layer once for every image that has it. Those without a name are
    `dangling`, a part of them.
    """

    count: int = 0
    size: int = 0
    dangling: int = 0
    dangling_size: int = 0


class Swarm(Struct, frozen=True):
    """What a manager tells of its swarm; `managers` is None where the nodes were not listed.

    `certificate_days` is how long the certificate of a node lasts, `root_expires` a day as
    YYYY-MM-DD, "" where it is not known.
    """

    autolock: bool
    certificate_days: float = 0
    root_expires: str = ""
    managers: int | None = None
    nodes: int | None = None


class Engine(Struct, frozen=True):
    """A Docker daemon as /version and /info describe it; None is what /info did not tell.

    `insecure_registries` leaves out the loopback networks, which every engine trusts. `built` is
    when its program was made, RFC 3339 or "". `pools` are (network, prefix length).
    """

    version: str
    api: str = ""
    name: str = ""
    kernel: str = ""
    system: str = ""
    components: Mapping[str, str] = field(default_factory=dict)
    security_options: tuple[str, ...] | None = None
    cgroup_version: str = ""
    root_directory: str = ""
    default_runtime: str = ""
    warnings: tuple[str, ...] = ()
    swarm: str = ""
    built: str = ""
    log_driver: str | None = None
    live_restore: bool | None = None
    experimental: bool | None = None
    storage_driver: str | None = None
    storage_status: Mapping[str, str] = field(default_factory=dict)
    insecure_registries: tuple[str, ...] | None = None
    authorization: tuple[str, ...] | None = None
    pools: tuple[tuple[str, int], ...] = ()
    manager: bool = False

    def option(self, name: str) -> bool:
        """Whether /info lists this security option, such as "userns" or "apparmor"."""
        return any(f"name={name}" in o.split(",") for o in self.security_options or ())


class AssumedEngine(Engine, frozen=True):
    """An engine that nobody could ask: Docker's own defaults, by which files are judged."""


class Snapshot(Struct, frozen=True, dict=True):
    """Everything that one look at one target has brought; pure and replayable.

    `written` is what compose files say of containers, by the container's id; one that compose did
    not make has none. `gaps` names each source that could not be read ("info", "volumes",
    "processes", …) and why.
    """

    target: str
    collected_at: str = ""
    engine: Engine | None = None
    containers: tuple[Container, ...] = ()
    unread: tuple[Unread, ...] = ()
    images: Mapping[str, Image] = field(default_factory=dict)
    unused_images: UnusedImages | None = None
    networks: tuple[Network, ...] | None = None
    plugins: tuple[Plugin, ...] | None = None
    swarm: Swarm | None = None
    written: Mapping[str, Written] = field(default_factory=dict)
    host: Host | None = None
    gaps: Mapping[str, str] = field(default_factory=dict)

    def named(self, reference: str) -> Container | None:
        """Find the container that a `container:` reference means: by id, name, or start of an id.

        In this order, as the engine does; the start of more than one id means none.
        """
        if not reference:
            return None
        if exact := self._by_id.get(reference) or self._by_name.get(reference):
            return exact
        started = [c for c in self.containers if c.id.startswith(reference)]
        return started[0] if len(started) == 1 else None

    @cached_property
    def _by_id(self) -> Mapping[str, Container]:
        return {container.id: container for container in self.containers}

    @cached_property
    def _by_name(self) -> Mapping[str, Container]:
        return {container.name: container for container in self.containers}

    @cached_property
    def members(self) -> Mapping[str, tuple[Container, ...]]:
        """The containers of each network, by the network's name."""
        found: dict[str, list[Container]] = {}
        for container in self.containers:
            for network in container.networks:
                found.setdefault(network, []).append(container)
        return {network: tuple(some) for network, some in found.items()}

    @cached_property
    def by_image(self) -> Mapping[str, tuple[Container, ...]]:
        """The containers made from each image, by the image's bare name."""
        found: dict[str, list[Container]] = {}
        for container in self.containers:
            found.setdefault(container.image_name, []).append(container)
        return {name: tuple(some) for name, some in found.items()}
