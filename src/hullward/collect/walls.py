"""What the walls of a host are generated from, beside what an audit knows of it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address

from hullward.collect import sections
from hullward.collect.bundle import Said
from hullward.collect.collector import Question
from hullward.model.facts import Snapshot
from hullward.model.firewall import Link
from hullward.model.host import Host
from hullward.model.sockets import Socket
from hullward.model.walls import (
    FIREWALL,
    ISOLATION,
    MARK,
    Ground,
    Loaded,
    Proxy,
    Publication,
    Session,
)

_PROXIES = (
    "angie|apache2|caddy|envoy|h2o|haproxy|httpd|lighttpd|nginx|openresty|tengine|traefik|varnishd"
)
QUESTIONS = (
    Question(
        "walls-tables",
        "echo '== nft'; command -v nft; nft --version; "
        f"for t in {ISOLATION} {FIREWALL}; do "
        'echo "== text-$t"; nft list table inet $t; echo "== $t"; nft -j list table inet $t; done; '
        "echo '== end'",
        10,
    ),
    Question(
        "walls-ground",
        # sudo hides the environment of the login, /proc does not.
        "echo '== uid'; id -u; echo '== here'; p=$$; "
        'while [ "${p:-0}" -gt 1 ]; do '
        "tr '\\000' '\\n' </proc/$p/environ | grep '^SSH_CONNECTION=' && break; "
        "p=$(sed -n 's/^PPid:[[:space:]]*//p' /proc/$p/status); done; "
        "echo '== sessions'; ss -Htn state established; "
        "echo '== init'; if [ -d /run/systemd/system ]; then echo systemd; "
        "elif command -v openrc-run >/dev/null; then echo openrc; fi; "
        "echo '== unprivileged'; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; "
        "echo '== bridged'; cat /proc/sys/net/bridge/bridge-nf-call-iptables; "
        "echo '== proxies'; own=$(readlink /proc/self/ns/net); "
        f"for f in $(grep -lxE '{_PROXIES}' /proc/[0-9]*/comm); do p=${{f%/comm}}; "
        '[ "$(readlink $p/ns/net)" != "$own" ] || '
        "grep -HE '^(Name|Uid):' $p/status && grep -H '' $p/cgroup; done; echo '== end'",
        10,
    ),
)
_SSHD = re.compile(r"sshd|dropbear|sshd-session")
_SSH_UNITS = frozenset({"ssh.socket", "sshd.socket"})
_COPIED = re.compile(r"^/proc/(\d+)/(status|cgroup):(.*)$", re.MULTILINE)
_CONTAINER = re.compile(r"[0-9a-f]{64}")
_UNIT = re.compile(r"/([^/\s]+\.service)(?=/|$)", re.MULTILINE)
_PRIVILEGED = 1024
_GUESTS = frozenset({"tun", "veth", "macvtap"})


def parse(answers: Mapping[str, Said], snapshot: Snapshot) -> Ground:
    """Read the answers beside what the look at engine and host has brought."""
    host = snapshot.host or Host()
    gaps: dict[str, str] = {}
    tables = sections.split(answers.get("walls-tables", Said()).text)
    ground = sections.split(answers.get("walls-ground", Said()).text)
    for name in ("walls-tables", "walls-ground"):
        said = answers.get(name)
        if said is None or "== end" not in said.text:
            gaps[name] = sections.problem(answers, name)
    links = host.firewall.links if host.firewall else None
    if links is None:
        known = host.firewall.gaps if host.firewall else host.gaps
        gaps["links"] = known.get("links") or known.get("firewall") or "they were not looked at"
    if snapshot.networks is None:
        gaps["networks"] = snapshot.gaps.get("networks", "the engine does not list its networks")
    listening = host.sockets.listening if host.sockets else ()
    if host.sockets is None:
        gaps["sockets"] = host.gaps.get("sockets", "they were not looked at")
    path, version = _nft(tables.get("nft", ""))
    here = _here(ground.get("here", ""), links or ())
    ports = frozenset(s.port for s in listening if _ssh(s)) | ({here.port} if here else set())
    return Ground(
        links=links or (),
        bridges=frozenset(n.bridge for n in snapshot.networks or () if n.bridge),
        routed=tuple(
            subnet
            for n in snapshot.networks or ()
            if "routed" in n.gateway_modes
            for subnet in n.subnets
        ),
        published=tuple(sorted(set(_published(snapshot)))),
        proxies=tuple(sorted(set(_proxies(ground, listening, snapshot)))),
        accounts=(host.users.accounts or ()) if host.users else (),
        here=here,
        sessions=tuple(_sessions(ground.get("sessions", ""), ports, links or ())),
        ssh_ports=ports,
        listening=listening,
        loaded={
            name: loaded
            for name in (ISOLATION, FIREWALL)
            if (loaded := _loaded(name, tables)) is not None
        },
        root=ground.get("uid", "").strip() == "0",
        nft=path,
        version=version,
        init=ground.get("init", "").strip(),
        filtered=_filtered(ground, links or ()),
        gaps=gaps,
    )


def _nft(text: str) -> tuple[str, tuple[int, ...]]:
    lines = text.splitlines()
    match = re.search(r"^nftables v(\d{1,4}(?:\.\d{1,4})*)", text, re.MULTILINE)
    path = lines[0] if lines and lines[0].startswith("/") else ""
    return path, tuple(map(int, match[1].split("."))) if match else ()


def _here(text: str, links: Iterable[Link]) -> Session | None:
    """Read SSH_CONNECTION of sshd(8): the client's address and port, then the server's."""
    words = text.strip().removeprefix("SSH_CONNECTION=").split()
    if len(words) != 4 or not words[3].isdecimal():  # noqa: PLR2004 - two places
        return None
    return _session(words[2], int(words[3]), words[0], links)


def _session(server: str, port: int, client: str, links: Iterable[Link]) -> Session:
    address, _, scope = server.partition("%")
    plain = address.removeprefix("::ffff:") if "." in address else address
    holders = (
        link.name
        for link in links
        if plain in {held.partition("/")[0] for held in link.addresses} and scope in {"", link.name}
    )
    other = client.partition("%")[0]
    shown = other.removeprefix("::ffff:") if "." in other else other
    return Session(plain, port, shown, next(holders, scope))


def _sessions(text: str, ports: frozenset[int], links: Iterable[Link]) -> Iterator[Session]:
    for line in text.splitlines():
        words = line.split()
        if len(words) < 4:  # noqa: PLR2004 - queues and two places
            continue
        server, _, port = words[2].rpartition(":")
        client = words[3].rpartition(":")[0]
        if port.isdecimal() and int(port) in ports:
            yield _session(_bare(server), int(port), _bare(client), links)


def _bare(place: str) -> str:
    address, _, scope = place.partition("%")
    return "%".join(filter(None, (address.strip("[]"), scope.strip("[]"))))


def _ssh(socket: Socket) -> bool:
    if socket.protocol != "tcp" or socket.container:
        return False
    return bool(_SSHD.fullmatch(socket.program)) or socket.unit in _SSH_UNITS


def _published(snapshot: Snapshot) -> Iterator[Publication]:
    for container in snapshot.containers:
        for port in container.ports:
            if port.public and _address(port.address):
                address = "" if port.everywhere else str(ip_address(port.address))
                yield Publication(port.protocol, port.public, address, container.name)


def _address(text: str) -> bool:
    try:
        return not text or bool(ip_address(text))
    except ValueError:
        return False


def _proxies(
    parts: Mapping[str, str], listening: Iterable[Socket], snapshot: Snapshot
) -> Iterator[Proxy]:
    """Find those whose container or unit listens where only the trusted may.

    A name proves nothing, since everybody can call a program nginx; a port below 1024 does.
    """
    limit = parts.get("unprivileged", "").strip()
    privileged = min(_PRIVILEGED, int(limit)) if limit.isdecimal() else _PRIVILEGED
    homes = {
        socket.container or socket.unit
        for socket in listening
        if socket.protocol == "tcp" and socket.port < privileged
    }
    names = {container.id: container.name for container in snapshot.containers}
    texts: dict[str, dict[str, list[str]]] = {}
    for pid, kind, line in _COPIED.findall(parts.get("proxies", "")):
        texts.setdefault(pid, {}).setdefault(kind, []).append(line)
    for files in texts.values():
        cgroup = "\n".join(files.get("cgroup", ()))
        found = _CONTAINER.search(cgroup)
        units = _UNIT.findall(cgroup)
        home = found[0] if found else units[-1] if units else ""
        status = dict(line.partition(":")[::2] for line in files.get("status", ()))
        uid = status.get("Uid", "").split()
        # Whoever logs in names their own units as they like.
        mine = "/user.slice/" not in cgroup
        if mine and home and home in homes and len(uid) > 1 and uid[1].isdecimal():
            yield Proxy(status.get("Name", "").strip(), int(uid[1]), names.get(home, home))


def _filtered(parts: Mapping[str, str], links: Iterable[Link]) -> tuple[str, ...]:
    """Name bridges whose guests' packets br_netfilter shows to the rules of the host."""
    if parts.get("bridged", "").strip() != "1":
        return ()
    masters = {link.master for link in links if link.kind in _GUESTS and link.master}
    return tuple(sorted(masters))


def _loaded(name: str, parts: Mapping[str, str]) -> Loaded | None:
    """Read `nft -j list table`; an nft that shows no JSON still tells that there is one."""
    plain = parts.get(f"text-{name}", "")
    if f"table inet {name} " not in plain:
        return None
    ours = f"chain {MARK} " in plain
    try:
        objects = json.loads(parts.get(name, ""))["nftables"]
        bodies = [(kind, body) for entry in objects for kind, body in entry.items()]
        return Loaded(
            ours,
            {
                str(body["name"]): frozenset(map(_element, body.get("elem", ())))
                for kind, body in bodies
                if kind == "set"
            },
            {
                str(chain["name"]): sum(
                    kind == "rule" and body["chain"] == chain["name"] for kind, body in bodies
                )
                for kind_, chain in bodies
                if kind_ == "chain"
            },
            {str(body["name"]): int(body["packets"]) for kind, body in bodies if kind == "counter"},
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Loaded(ours)


def _element(value: object) -> str:
    if isinstance(value, dict) and "concat" in value:
        return " . ".join(map(str, value["concat"]))
    return str(value)
