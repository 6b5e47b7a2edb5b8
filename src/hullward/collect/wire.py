"""The parts of the Engine API's answers that hullward reads; all else is skipped undecoded.

Field names are the API's own: https://docs.docker.com/reference/api/engine/
"""

from typing import Annotated, Any

from msgspec import Meta, Struct, field

# Go's int64.
Int = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Api(Struct, rename="pascal"):
    """An object of the API: its keys are written in PascalCase."""


class Listed(Struct):
    """A container in /containers/json."""

    id: str = field(name="Id")
    names: list[str] | None = field(name="Names", default=None)
    image_id: str = field(name="ImageID", default="")


class Health(Api):
    """State.Health."""

    status: str = ""


class State(Api):
    """The state of a container."""

    status: str = ""
    pid: Int = 0
    health: Health | None = None


class Healthcheck(Api):
    """Config.Healthcheck."""

    test: list[str] | None = None


class Config(Api):
    """What image and command line say."""

    user: str = ""
    image: str = ""
    env: list[str] | None = None
    labels: dict[str, str] | None = None
    healthcheck: Healthcheck | None = None


class Binding(Api):
    """Where a port is published."""

    host_ip: str = ""
    host_port: str = ""


class HostDevice(Api):
    """A device node handed over."""

    path_on_host: str = ""
    cgroup_permissions: str = ""


class DeviceRequest(Api):
    """A request for GPUs or CDI devices."""

    driver: str = ""
    capabilities: list[list[str]] | None = None


class Ulimit(Api):
    """A resource limit of its own."""

    name: str = ""


class RestartPolicy(Api):
    """When the engine starts it again."""

    name: str = ""
    maximum_retry_count: Int = 0


class LogConfig(Api):
    """The log driver; its options may hold tokens and are not read."""

    type: str = ""


class HostConfig(Api):
    """What the container may do to its host."""

    network_mode: str = ""
    pid_mode: str = ""
    ipc_mode: str = ""
    uts_mode: str = field(name="UTSMode", default="")
    userns_mode: str = ""
    cgroupns_mode: str = ""
    cgroup_parent: str = ""
    privileged: bool = False
    cap_add: list[str] | None = None
    cap_drop: list[str] | None = None
    security_opt: list[str] | None = None
    readonly_rootfs: bool = False
    devices: list[HostDevice] | None = None
    device_cgroup_rules: list[str] | None = None
    device_requests: list[DeviceRequest] | None = None
    sysctls: dict[str, str] | None = None
    ulimits: list[Ulimit] | None = None
    memory: Int = 0
    nano_cpus: Int = 0
    cpu_period: Int = 0
    cpu_quota: Int = 0
    cpu_shares: Int = 0
    cpuset_cpus: str = ""
    pids_limit: Int | None = None
    restart_policy: RestartPolicy | None = None
    log_config: LogConfig | None = None
    group_add: list[str] | None = None
    masked_paths: list[str] | None = None
    readonly_paths: list[str] | None = None
    runtime: str = ""
    port_bindings: dict[str, list[Binding] | None] | None = None


class MountPoint(Api):
    """A mount as it is, whatever syntax asked for it."""

    type: str = ""
    name: str = ""
    source: str = ""
    destination: str = ""
    rw: bool = field(name="RW", default=True)
    propagation: str = ""
    driver: str = ""


class NetworkSettings(Api):
    """What is published now, and the networks joined."""

    ports: dict[str, list[Binding] | None] | None = None
    networks: dict[str, Any] | None = None


class Inspect(Api):
    """/containers/{id}/json."""

    id: str
    name: str
    config: Config
    host_config: HostConfig
    state: State
    image: str = ""
    path: str = ""
    args: list[str] | None = None
    exec_ids: list[str] | None = field(name="ExecIDs", default=None)
    app_armor_profile: str = ""
    process_label: str = ""
    mounts: list[MountPoint] | None = None
    network_settings: NetworkSettings | None = None


class Volume(Api):
    """A volume; its options may hold passwords and are reduced before they are kept."""

    name: str
    driver: str = ""
    options: dict[str, str] | None = None


class Volumes(Api):
    """/volumes."""

    volumes: list[Volume] | None = None


class ImageConfig(Api):
    """What an image declares."""

    exposed_ports: dict[str, Any] | None = None
    user: str = ""
    env: list[str] | None = None
    healthcheck: Healthcheck | None = None


class Layer(Api):
    """A step of /images/{id}/history; its command is reduced before it is kept."""

    created_by: str = ""


class ImageInspect(Api):
    """/images/{id}/json."""

    id: str
    repo_tags: list[str] | None = None
    repo_digests: list[str] | None = None
    created: str = ""
    config: ImageConfig | None = None


class ExecProcess(Struct):
    """The process of an exec session; its command may hold secrets and is not read."""

    user: str = ""
    privileged: bool = False


class ExecInspect(Struct):
    """/exec/{id}/json."""

    running: bool = field(name="Running", default=False)
    process: ExecProcess | None = field(name="ProcessConfig", default=None)
