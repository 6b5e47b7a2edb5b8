"""What the host is used for beside its containers."""

from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.rule import Answers, Fail, Unknown, host_rule
from hullward.model.severity import Severity
from hullward.model.sockets import Socket
from hullward.model.system import System
from hullward.rules import users

_DOCKER = {"containerd", "docker-proxy", "dockerd", "rootlesskit", "slirp4netns", "vpnkit"}
_BASE = {
    "NetworkManager",
    "chronyd",
    "connmand",
    "dhclient",
    "dhcpcd",
    "dropbear",
    "ifplugd",
    "init",
    "ntpd",
    "sshd",
    "sshd-session",
    "systemd",
    "systemd-networkd",
    "systemd-resolved",
    "systemd-timesyncd",
    "tinysshd",
    "tailscaled",
    "timesyncd",
    "udhcpc",
    "wpa_supplicant",
}
_MONITORING = {
    "alloy",
    "cadvisor",
    "check_mk_agent",
    "cmk-agent-ctl",
    "collectd",
    "datadog-agent",
    "filebeat",
    "fluent-bit",
    "fluentd",
    "grafana-agent",
    "metricbeat",
    "munin-node",
    "netdata",
    "node_exporter",
    "nrpe",
    "osqueryd",
    "otelcol",
    "otelcol-contrib",
    "packetbeat",
    "process-agent",
    "prometheus-node-exporter",
    "promtail",
    "snmpd",
    "telegraf",
    "trace-agent",
    "vector",
    "wazuh-agentd",
    "zabbix_agent2",
    "zabbix_agentd",
}
# The kernel keeps fifteen letters of a program's name (proc_pid_comm(5)).
_COMM = 15
_EXPECTED = frozenset(name[:_COMM] for name in _DOCKER | _BASE | _MONITORING)


@host_rule(
    id="host-other-services",
    title="The server runs other services than Docker",
    severity=Severity.LOW,
    rationale=(
        "A service beside Docker shares the host with it: a flaw in one is the end of the other, "
        "and containers reach it over their bridge. Run exclusively Docker on a Docker server."
    ),
    remedy="Move the service into a container, or to another machine; else stop it.",
    refs=("guide: Server selection", "docs.docker.com/engine/security"),
    needs="sockets",
)
def other_services(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for listening programs that are not of Docker, sshd, the system or monitoring."""
    del snapshot
    listening = host.sockets.listening if host.sockets else ()
    nameless = host.sockets.gaps.get("programs", "") if host.sockets else ""
    found: dict[tuple[str, str, str], list[Socket]] = {}
    for socket in listening:
        if not socket.container and socket.program[:_COMM] not in _EXPECTED:
            key = (socket.program, socket.unit, socket.package)
            found.setdefault(key, []).append(socket)
    for (program, unit, package), sockets in sorted(found.items()):
        places = ", ".join(dict.fromkeys(_place(socket) for socket in sorted(sockets)))
        if not program and nameless:
            yield Unknown(f"what listens on {places} is not known: {nameless}")
            continue
        of = ", ".join(filter(None, (unit, package and f"package {package}")))
        inside = all(_loopback(socket) for socket in sockets)
        yield Fail(
            f"{program or 'the kernel'}{f' ({of})' if of else ''} on {places}",
            Severity.INFO if inside or not program else None,
            f"systemctl disable --now {unit}   (once it is moved)" if unit else "",
        )


def _place(socket: Socket) -> str:
    address = f"[{socket.address}]" if ":" in socket.address else socket.address
    return f"{address}:{socket.port}/{socket.protocol}"


def _loopback(socket: Socket) -> bool:
    return socket.address.startswith("127.") or socket.address == "::1"


@host_rule(
    id="host-workstation",
    title="The server is a workstation too",
    severity=Severity.LOW,
    rationale=(
        "Every program on the host reaches every port of every container, past the proxy and its "
        "logins. On a machine where people browse or build, that is all of their software."
    ),
    remedy=(
        "Run Docker on a machine or VM of its own; else isolate container networks from the host's "
        "users with nftables, as the guide shows."
    ),
    refs=("guide: Isolate Docker networks on Sworkstation hosts",),
    needs="system",
)
def workstation(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for a desktop that runs or starts at boot; tell of people without the power of root."""
    del snapshot
    system = host.system or System()
    if system.desktops is None:
        yield Unknown(system.gaps.get("desktops", "the processes were not looked at"))
    signs = list(system.desktops or ())
    if system.display_manager:
        signs.append(f"{system.display_manager} starts at boot")
    if signs:
        installed = f"; installed: {', '.join(system.desktop_sessions or ())}"
        yield Fail(f"a desktop: {', '.join(signs)}{installed if system.desktop_sessions else ''}")
    if host.users is None or host.users.accounts is None:
        gap = (host.users.gaps if host.users else host.gaps).get("users", "")
        yield Unknown(gap or "the accounts were not read")
        return
    strong = users.powerful(host.users)
    people = [a.name for a in host.users.accounts if a.person and a.name not in strong]
    if people:
        here = [name for name in people if name in (system.logged_in or ())]
        now = f" ({', '.join(here)} is logged in)" if here else ""
        yield Fail(
            f"people without root's power can log in: {', '.join(people)}{now}",
            None if signs else Severity.INFO,
        )
