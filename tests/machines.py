"""Whole machines under an engine: one on which nothing is wrong, one on which everything is."""

from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from hullward.collect import iptables_rules, system, users
from hullward.collect.bundle import Said
from hullward.model.daemon import Daemon, Unit
from hullward.model.files import File, Files
from hullward.model.firewall import Firewall, Firewalld, Link, Ufw
from hullward.model.firewall import Unit as Service
from hullward.model.host import Host
from hullward.model.sockets import Socket, Sockets
from hullward.model.sshd import HostKey, LoginKey, Master, Probe, Setting, Sshd, TrustedFile
from hullward.model.system import Distribution, Filesystem, Package, Program, System
from hullward.model.users import Account, ControlSocket, Group, Users

ANY4, ANY6 = "0.0.0.0", "::"  # noqa: S104 - compared, never bound
_GIB = 1 << 30
_KEY = "/etc/ssh/ssh_host_ed25519_key"
_UNIT = "/usr/lib/systemd/system/docker.service"
_LINKS = (
    Link("lo", role="loopback", addresses=("127.0.0.1/8", "::1/128")),
    Link("eth0", role="outside", addresses=("192.0.2.1/24", "2001:db8::1/64"), routes=(4, 6)),
    Link("docker0", "bridge", "container", ("172.17.0.1/16",)),
)
# Who logs in: a key, and nothing else.
_LOGIN = {
    "permitrootlogin": "no",
    "pubkeyauthentication": "yes",
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "permitemptypasswords": "no",
    "hostbasedauthentication": "no",
    "gssapiauthentication": "no",
    "kerberosauthentication": "no",
    "x11forwarding": "no",
    "gatewayports": "no",
}
_SERVER = {
    "port": "22",
    "usepam": "yes",
    "strictmodes": "yes",
    "permituserenvironment": "no",
    "hostkeyalgorithms": "ssh-ed25519,rsa-sha2-512",
    "kexalgorithms": "mlkem768x25519-sha256,curve25519-sha256",
    "macs": "hmac-sha2-256-etm@openssh.com",
    "ciphers": "aes256-gcm@openssh.com",
}
_FILTER = """\
*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 25 -j DNAT --to-destination 172.17.0.2:80
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8081 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*filter
:INPUT DROP [0:0]
:ufw-before-input - [0:0]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
"""


def best() -> Host:
    """Describe a machine on which no rule finds anything, not even advice."""
    docker = Package("dpkg", "docker-ce", "5:29.6.0-1~debian.13~trixie", "Docker <a@docker.com>")
    disk = Filesystem("/", "/dev/sda1", "ext4", size=40 * _GIB, used=20 * _GIB, available=20 * _GIB)
    data = replace(disk, mount="/var/lib/docker", device="/dev/sdb1")
    socket = ControlSocket("/run/docker.sock", 0o660, 0, 999, "root", "docker")
    tables = [t for f in ("ip", "ip6") for t in _tables(_FILTER.replace(":ufw", ":own"), f)]
    return Host(
        name="web1",
        kernel="6.12.48+deb13-amd64",
        root=True,
        system=System(
            architecture="x86_64",
            distribution=Distribution("debian", "13", "Debian GNU/Linux 13 (trixie)"),
            guest="kvm",
            nested={},
            memory=4 * _GIB,
            available=1 * _GIB,
            swap=0,
            cores=2,
            load=0.25,
            filesystems=(disk, data),
            kernels=("6.12.48+deb13-amd64",),
            reboot_required=False,
            programs=(Program("dockerd", "/usr/bin/dockerd", 700, 1, ours=True, package=docker),),
            docker_sources=("https://download.docker.com/linux/debian",),
            desktops=(),
            desktop_sessions=(),
            logged_in=(),
        ),
        users=Users(
            accounts=(Account("root", 0, 0, "/bin/bash"),),
            groups=(Group("docker", 999),),
            grants=(),
            sockets=(socket,),
        ),
        daemon=_daemon(
            {
                "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 524288}},
                "userland-proxy": False,
            }
        ),
        files=_files(0o755, 0),
        sshd=_sshd(),
        sockets=Sockets((Socket("tcp", ANY4, 22, "sshd", unit="ssh.service"),)),
        firewall=_firewall(tables=tuple(tables)),
    )


def worst() -> Host:
    """Describe a machine on which all goes wrong that can go wrong at the same time."""
    answers = {path.stem: Said(path.read_text("utf-8")) for path in _RECORDED.glob("*.txt")}
    machine, people = system.parse(answers), users.parse(answers)
    assert isinstance(machine, System)
    assert isinstance(people, Users)
    return Host(
        name="web1",
        kernel="3.2.0-4-amd64",
        root=True,
        system=replace(machine, memory=1 << 20),
        users=replace(
            people, accounts=(*(people.accounts or ()), Account("carol", 1003, 1003, "/bin/sh"))
        ),
        daemon=_daemon(
            {
                "log-level": "debug",
                "iptables": False,
                "cgroup-parent": "/mine",
                "live-restore": True,
                "hosts": ["tcp://0.0.0.0:2375"],
            },
            {"host": ("fd://",)},
            options=("DOCKER_OPTS",),
            units=(Unit("docker.service", _UNIT),),
        ),
        files=_files(0o777, 1000, watches=()),
        sshd=_open_sshd(),
        sockets=Sockets(
            (
                Socket("tcp", ANY4, 22, "sshd", unit="ssh.service"),
                Socket("tcp", ANY4, 3306, "mysqld"),
                Socket("tcp", ANY6, 2377, "dockerd"),
                Socket("tcp", ANY6, 25, "docker-proxy"),
            )
        ),
        firewall=_firewall(
            tables=_tables(_FILTER, "ip"),
            units={"nftables": Service(active=True, enabled=True)},
            ufw=Ufw(installed=True, enabled=True, status="active"),
            flushing=("/etc/nftables.conf:3 flush ruleset",),
        ),
    )


def wiped() -> Host:
    """Describe the machine after `nft flush ruleset`: no rule of Docker is left."""
    return replace(best(), firewall=_firewall(tables=()))


_RECORDED = Path(__file__).parent / "hosts" / "worst-root"


def _daemon(
    settings: Mapping[str, object],
    flags: Mapping[str, tuple[str, ...]] | None = None,
    **facts: object,
) -> Daemon:
    usual = Daemon(
        700, 0, "/var/lib/docker", flags or {}, 1000, settings=settings, written=900, options=()
    )
    return replace(usual, **{"units": (), **facts})


def _files(mode: int, uid: int, **facts: object) -> Files:
    """Give every kind of file that is judged; sockets and keys have less than the other ones."""
    paths = (
        "/etc/docker", "/etc/docker/daemon.json", "/etc/docker/certs.d/reg/ca.crt", _UNIT,
        "/etc/docker/ca.pem", "/usr/bin/dockerd",
    )  # fmt: skip
    found = [File(path, mode, uid) for path in paths]
    found.append(File("/var/lib/docker", mode & ~0o045, uid))
    found.append(File("/etc/docker/key.pem", mode & ~0o055, uid))
    for path, group in (
        ("/run/docker.sock", "docker"),
        ("/run/containerd/containerd.sock", "root"),
    ):
        found.append(File(path, mode & ~0o115 | 0o060, uid, group=group, kind="socket"))
    tls = {"tlscacert": "/etc/docker/ca.pem", "tlskey": "/etc/docker/key.pem"}
    usual = Files({f.path: f for f in found}, tls=tls, watches=tuple(f.path for f in found))
    return replace(usual, **facts)


def _sshd() -> Sshd:
    probes = tuple(
        Probe(user, "203.0.113.250", settings={k: Setting(v) for k, v in _LOGIN.items()})
        for user in ("root", "")
    )
    return Sshd(
        version="OpenSSH_10.0",
        program="/usr/sbin/sshd",
        masters=(Master(7, 90, 200),),
        probes=probes,
        settings={name: Setting(value) for name, value in _SERVER.items()},
        files=(TrustedFile("/etc/ssh/sshd_config", "config", 0, "root", "root", 0o644, 100, 100),),
        host_keys=(HostKey(_KEY, "ed25519", 256, "SHA256:h"),),
        login_keys=(LoginKey("root", "/root/.ssh/k", "ed25519", 256, "SHA256:k", bound=True),),
    )


def _open_sshd() -> Sshd:
    """Turn every setting round, after sshd has read its files."""
    other = {"yes": "no", "no": "yes"}
    turned = {name: Setting(other[value]) for name, value in _LOGIN.items()}
    good = _sshd()
    old = {"hostkeyalgorithms": "ssh-rsa,ssh-dss", "kexalgorithms": "curve25519-sha256"}
    return replace(
        good,
        probes=tuple(replace(probe, settings=turned) for probe in good.probes or ()),
        settings={**(good.settings or {}), **{k: Setting(v) for k, v in old.items()}},
        files=tuple(replace(f, mode=0o666, modified=300) for f in good.files or ()),
        host_keys=(HostKey("/etc/ssh/ssh_host_dsa_key", "dsa", 1024, "SHA256:d"),),
        login_keys=(LoginKey("root", "/root/.ssh/k", "rsa", 1024, "SHA256:r"),),
    )


def _firewall(**facts: object) -> Firewall:
    usual = Firewall(
        links=_LINKS,
        forwarding={"4": True, "6": True},
        units={},
        ufw=Ufw(),
        firewalld=Firewalld(running=False),
        flushing=(),
    )
    return replace(usual, **facts)


def _tables(text: str, family: str) -> tuple[object, ...]:
    return iptables_rules.parse(text, family).tables
