"""What the two walls of a host are made from: between users and containers, and to the outside."""

from collections.abc import Mapping

from msgspec import Struct, field

from hullward.model.firewall import Link
from hullward.model.sockets import Socket
from hullward.model.users import Account

ISOLATION, FIREWALL = "hullward_isolation", "hullward_firewall"
# A chain that no packet meets; it says whose a table is.
MARK = "made_by_hullward"


class Publication(Struct, frozen=True, order=True):
    """A port of a container that the host offers; `address` is "" for every address."""

    protocol: str
    port: int
    address: str = ""
    container: str = ""


class Proxy(Struct, frozen=True, order=True):
    """A reverse proxy in the host's network: its program, the uid that it connects as, its home.

    `home` is a container's name or a systemd unit.
    """

    program: str
    uid: int
    home: str = ""


class Session(Struct, frozen=True, order=True):
    """A connection of ssh to this host; `link` is the interface that holds the local address."""

    server: str
    port: int
    client: str
    link: str = ""


class Loaded(Struct, frozen=True):
    """A table of ours as the kernel has it: elements of its sets as nft writes them.

    `ours` is whether it carries our mark, `rules` counts those of each chain, `counters` packets.
    """

    ours: bool
    sets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    rules: Mapping[str, int] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)


class Ground(Struct, frozen=True):
    """The state of a host that the walls are generated from.

    `bridges` are those that engines made for containers; `routed` are the subnets of networks in
    the gateway mode routed. `here` is the ssh connection that this look came over, None where it
    came over none, `sessions` are all that are open. `loaded` are tables of our names. `nft` is
    the program's path, "" where it is missing, `version` its version, `init` "systemd", "openrc"
    or "". `wiped` says why Docker's own rules seem to be gone, "" where they are there.
    `filtered` names host bridges with guests, whose packets br_netfilter shows to rules of IP.
    `gaps` says what could not be looked at.
    """

    links: tuple[Link, ...] = ()
    bridges: frozenset[str] = frozenset()
    routed: tuple[str, ...] = ()
    published: tuple[Publication, ...] = ()
    proxies: tuple[Proxy, ...] = ()
    accounts: tuple[Account, ...] = ()
    here: Session | None = None
    sessions: tuple[Session, ...] = ()
    ssh_ports: frozenset[int] = frozenset()
    listening: tuple[Socket, ...] = ()
    loaded: Mapping[str, Loaded] = field(default_factory=dict)
    root: bool = True
    nft: str = "/usr/sbin/nft"
    version: tuple[int, ...] = (1, 0, 6)
    init: str = ""
    wiped: str = ""
    managers: tuple[str, ...] = ()
    filtered: tuple[str, ...] = ()
    gaps: Mapping[str, str] = field(default_factory=dict)

    def link(self, name: str) -> Link | None:
        """Find a link by its name."""
        return next((link for link in self.links if link.name == name), None)


class Opening(Struct, frozen=True, order=True):
    """A port, or a range, of the host that is left open; to `source` or over `link` only."""

    protocol: str
    first: int
    last: int = 0
    source: str = ""
    link: str = ""

    def __str__(self) -> str:
        """Write it as the command line takes it."""
        ports = f"{self.first}-{self.last}" if self.last else f"{self.first}"
        source = f" from {self.source}" if self.source else ""
        return f"{ports}/{self.protocol}{source}{f' on {self.link}' if self.link else ''}"

    def holds(self, port: int) -> bool:
        """Whether it leaves this port open."""
        return self.first <= port <= (self.last or self.first)
