"""What filters packets on the host, and what claims to."""

from collections.abc import Mapping

from msgspec import Struct, field


class Match(Struct, frozen=True):
    """One condition of a rule; any of `values` fits, or none of them where it is negated.

    `key` is one of: always, never, iif, oif, iifkind, protocol, family, saddr, daddr, sport,
    dport, origdport, ctstate, ctstatus, ctdir, daddrtype, mark, tcpflags, rpath, unknown.
    """

    key: str
    values: tuple[str, ...] = ()
    negated: bool = False


class FilterRule(Struct, frozen=True):
    """A rule of a chain; every match must fit.

    `verdict` is accept, drop, return, jump, goto, dnat, redirect, mark, continue or unknown;
    `target` is the chain that is jumped to, or the new "address port" of dnat.
    """

    matches: tuple[Match, ...] = ()
    verdict: str = "continue"
    target: str = ""
    text: str = ""


class Chain(Struct, frozen=True):
    """A list of rules; the kernel starts those that have a hook, in the order of priority."""

    name: str
    rules: tuple[FilterRule, ...] = ()
    hook: str = ""
    kind: str = "filter"
    priority: int = 0
    policy: str = "accept"
    devices: tuple[str, ...] = ()


class Table(Struct, frozen=True):
    """Chains that can jump to each other; `source` is nft, iptables-nft or iptables-legacy."""

    family: str
    name: str
    chains: tuple[Chain, ...] = ()
    source: str = "nft"

    def chain(self, name: str) -> Chain | None:
        """Find a chain by its name."""
        return next((chain for chain in self.chains if chain.name == name), None)


class Link(Struct, frozen=True):
    """A network interface; `addresses` are written with their prefix length.

    `role` is loopback, container, outside (a default route leads over it) or inside, the guess
    for everything else. `kind` is the kernel's link kind, "" for hardware. `routes` holds 4 and 6
    where a default route leads over it; `program` says that an XDP program sees packets first.
    """

    name: str
    kind: str = ""
    role: str = "inside"
    addresses: tuple[str, ...] = ()
    master: str = ""
    routes: tuple[int, ...] = ()
    program: bool = False


class Unit(Struct, frozen=True):
    """A service of the init system; `flushes` says that to stop it deletes every rule."""

    active: bool = False
    enabled: bool = False
    flushes: bool = False


class Ufw(Struct, frozen=True):
    """What ufw's own files and words say; `status` is "active", "inactive" or "" for unknown."""

    installed: bool = False
    enabled: bool | None = None
    status: str = ""
    incoming: str = ""
    routed: str = ""
    docker_block: bool | None = None


class Zone(Struct, frozen=True):
    """A zone of firewalld."""

    name: str
    active: bool = False
    target: str = ""
    interfaces: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()


class Firewalld(Struct, frozen=True):
    """What firewalld says of itself."""

    installed: bool = False
    running: bool | None = None
    default_zone: str = ""
    zones: tuple[Zone, ...] = ()
    strict_forward: bool | None = None


class Firewall(Struct, frozen=True):
    """What filters packets on the host; `gaps` says why a part is None.

    `tables` is None where the kernel's rules could not be read; the gap "tables" then says why.
    The gap "hidden" says why rules may exist beside those that are in `tables`. `flushing` names
    every configuration file of nftables that begins by deleting all rules.
    """

    tables: tuple[Table, ...] | None = None
    links: tuple[Link, ...] | None = None
    forwarding: Mapping[str, bool] = field(default_factory=dict)
    units: Mapping[str, Unit] | None = None
    ufw: Ufw | None = None
    firewalld: Firewalld | None = None
    flushing: tuple[str, ...] | None = None
    gaps: Mapping[str, str] = field(default_factory=dict)
