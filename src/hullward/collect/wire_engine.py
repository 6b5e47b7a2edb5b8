"""The Engine API's answers about the engine itself: version, networks, plugins, swarm.

Field names are the API's own: https://docs.docker.com/reference/api/engine/
"""

from typing import Any

from msgspec import field

from hullward.collect.wire import Api


class Subnet(Api):
    """A range of addresses of a network."""

    subnet: str = ""


class Ipam(Api):
    """Which addresses a network gives out."""

    config: list[Subnet] | None = None


class NetworkEntry(Api):
    """A network in /networks."""

    name: str
    id: str = ""
    driver: str = ""
    internal: bool = False
    ingress: bool = False
    attachable: bool = False
    ipam: Ipam | None = field(name="IPAM", default=None)
    options: dict[str, str] | None = None


class PluginLinux(Api):
    """What a managed plugin is granted."""

    capabilities: list[str] | None = None
    allow_all_devices: bool = False


class PluginNetwork(Api):
    """Which network a managed plugin is in."""

    type: str = ""


class PluginMount(Api):
    """A path of the host inside a managed plugin."""

    source: str | None = None


class PluginConfig(Api):
    """What a managed plugin asks for."""

    linux: PluginLinux | None = None
    network: PluginNetwork | None = None


class PluginSettings(Api):
    """What a managed plugin was given."""

    mounts: list[PluginMount] | None = None


class PluginEntry(Api):
    """A managed plugin in /plugins."""

    name: str
    enabled: bool = False
    config: PluginConfig | None = None
    settings: PluginSettings | None = None


class Component(Api):
    """A program of the engine and its version."""

    name: str = ""
    version: str = ""


class Version(Api):
    """/version."""

    version: str
    kernel_version: str = ""
    build_time: str = ""
    components: list[Component] | None = None


class Swarm(Api):
    """The node's part in a swarm."""

    local_node_state: str = ""
    control_available: bool = False


class CaConfig(Api):
    """How a swarm certifies its nodes; its signing key is not read."""

    node_cert_expiry: int = 0


class EncryptionConfig(Api):
    """How a swarm's managers keep their log."""

    auto_lock_managers: bool = False


class SwarmSpec(Api):
    """How a swarm is configured."""

    ca_config: CaConfig | None = field(name="CAConfig", default=None)
    encryption_config: EncryptionConfig | None = None


class TlsInfo(Api):
    """The root certificate that every node of a swarm trusts."""

    trust_root: str = ""


class SwarmInspect(Api):
    """/swarm; its tokens let machines join and are not read."""

    spec: SwarmSpec | None = None
    tls_info: TlsInfo | None = field(name="TLSInfo", default=None)


class NodeSpec(Api):
    """What a node is meant to be."""

    role: str = ""


class NodeEntry(Api):
    """A node in /nodes."""

    spec: NodeSpec | None = None


class Index(Api):
    """What the engine thinks of a registry."""

    secure: bool = True


class RegistryConfig(Api):
    """Which registries are trusted without a certificate, and which stand in for others."""

    insecure_registry_cidrs: list[str] | None = field(name="InsecureRegistryCIDRs", default=None)
    index_configs: dict[str, Index | None] | None = None


class InfoPlugins(Api):
    """The plugins that take part in the engine's work."""

    authorization: list[str] | None = None


class AddressPool(Api):
    """Addresses from which new networks get theirs."""

    base: str = ""
    size: int = 0


class Info(Api):
    """/info."""

    name: str = ""
    server_version: str = ""
    kernel_version: str = ""
    security_options: list[str] | None = None
    cgroup_version: str = ""
    docker_root_dir: str = ""
    default_runtime: str = ""
    operating_system: str = ""
    warnings: list[str] | None = None
    swarm: Swarm | None = None
    logging_driver: str | None = None
    live_restore_enabled: bool | None = None
    experimental_build: bool | None = None
    driver: str | None = None
    driver_status: list[Any] | None = None
    registry_config: RegistryConfig | None = None
    plugins: InfoPlugins | None = None
    default_address_pools: list[AddressPool] | None = None


class ImageEntry(Api):
    """An image in /images/json."""

    id: str
    repo_tags: list[str] | None = None
    size: int = 0


class Owner(Api):
    """A container in /containers/json, as far as it uses an image."""

    image_id: str = field(name="ImageID", default="")
