"""A real host in namespaces of its own, with an outside world that sends it real packets."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from hullward import flow
from hullward.collect import bundle, collector, engine, firewall, host, processes, sockets
from hullward.host import reader
from hullward.host.contexts import Target
from hullward.host.endpoints import UnixEndpoint
from hullward.model.facts import Snapshot
from hullward.rules import port_table
from hullward.rules.port_table import Reach, Row

ROOT = Path(__file__).parents[1]
STATE = Path(os.environ.get("HULLWARD_TESTBED", "/var/tmp/hullward-testbed"))  # noqa: S108 - as testbed/
IMAGE = "hullward-demo/busybox:1"
HOST4, HOST6 = "192.0.2.1", "2001:db8::1"
NFT = ("nftables", "libnftables1", "libjansson4", "libedit2", "libbsd0", "libxtables12")
NFT_TOO = ("libnftnl11", "libmnl0", "libgmp10", "libmd0", "libtinfo6")

# What the table of ports is made of; the other areas would only take time.
_AREAS = (*processes.QUESTIONS, *sockets.QUESTIONS, *firewall.QUESTIONS)
_ASKED = tuple(q for q in host.QUESTIONS if q.name == "identity" or q in _AREAS)

# Answers every connection and datagram until it is killed.
_SERVER = """
import selectors, socket, sys
waiting = selectors.DefaultSelector()
for word in sys.argv[1:]:
    protocol, address, port = word.split(",")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    sock = socket.socket(family, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((address, int(port)))
    if protocol == "tcp":
        sock.listen(64)
    waiting.register(sock, selectors.EVENT_READ, protocol)
print("ready", flush=True)
while True:
    for key, _ in waiting.select():
        if key.data == "tcp":
            peer, _ = key.fileobj.accept()
            peer.close()
        else:
            data, peer = key.fileobj.recvfrom(99)
            key.fileobj.sendto(data, peer)
"""

# Tries every place at once, and says which ones answer.
_CLIENT = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def reached(place):
    protocol, address, port, source = place
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as sock:
        sock.settimeout(1.0)
        try:
            if source:
                sock.bind((source, 0))
            sock.connect((address, port))
            if protocol == "udp":
                sock.send(b"x")
                return sock.recv(9) == b"x"
            return True
        except OSError:
            return False
places = json.load(sys.stdin)
with ThreadPoolExecutor(64) as pool:
    print(json.dumps(list(pool.map(reached, places))))
"""


def run(
    *command: str, text: str = "", check: bool = True, env: Mapping[str, str] | None = None
) -> str:
    """Run a program; its words are part of the error where it fails."""
    done = subprocess.run(  # noqa: S603 - argument tuples of this file
        command, input=text, capture_output=True, text=True, check=False, env=env
    )
    if check and done.returncode:
        raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


class Lab:
    """One host and the world outside of it."""

    def __init__(self, name: str, version: str) -> None:
        """Name it; nothing is started yet."""
        self.name, self.version = name, version
        self.state = STATE / "run" / name
        self.inner, self.outer = f"hullward-{name}", f"hullward-{name}-out"
        self.servers: list[subprocess.Popen[str]] = []
        self.bin = self.state / "lab-bin"
        self.path = f"{self.bin}:{os.environ['PATH']}"

    def up(self) -> None:
        """Start the engine, the link to the outside, the containers and the services."""
        env = {**os.environ, "ENGINE": self.version}
        run(str(ROOT / "testbed/engine"), "up", self.name, env=env)
        self._programs()
        self._world()
        run(str(ROOT / "testbed/images"), "load", "busybox", env=self._docker_env())
        self._containers()

    def _programs(self) -> None:
        """Unpack nft where only this lab finds it."""
        words = " ".join((*NFT, *NFT_TOO))
        lib = ROOT / "testbed/lib.sh"
        run(
            "bash",
            "-c",
            f". {lib}; state_up; locked fetch component nft bookworm {words}; multiarch",
        )
        arch = run("bash", "-c", f". {lib}; multiarch").strip()
        home = STATE / "pkgs/nft"
        self.bin.mkdir(exist_ok=True)
        script = self.bin / "nft"
        script.write_text(
            f"#!/bin/sh\nLD_LIBRARY_PATH={home}/usr/lib/{arch}:{home}/lib/{arch} "
            f'exec {home}/usr/sbin/nft "$@"\n'
        )
        script.chmod(0o755)

    def _world(self) -> None:
        run("ip", "netns", "del", self.outer, check=False)
        run("ip", "netns", "add", self.outer)
        # The outside has no loopback: it is to reach 127.0.0.1 of its neighbour.
        run(*self.outside("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1"))
        for side in (self.outside, self.inside):
            run(*side("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0"))
        run("ip", "-n", self.inner, "link", "add", "ext0", "type", "veth",
            "peer", "name", "w0", "netns", self.outer)  # fmt: skip
        self._ip(self.inner, f"addr add {HOST4}/24 dev ext0", f"addr add {HOST6}/64 dev ext0 nodad")
        self._ip(self.inner, "link set ext0 up", "route add default via 192.0.2.2")
        self._ip(self.inner, "-6 route add default via 2001:db8::2 dev ext0")
        self._ip(self.outer, "addr add 192.0.2.2/24 dev w0", "addr add 10.9.9.9/32 dev w0")
        self._ip(self.outer, "addr add 2001:db8::2/64 dev w0 nodad", "link set w0 up")
        self._ip(
            self.outer, f"route add 127.0.0.1 via {HOST4}", f"route add 172.17.0.1 via {HOST4}"
        )

    def _ip(self, namespace: str, *commands: str) -> None:
        for command in commands:
            run("ip", "-n", namespace, *command.split())

    def _containers(self) -> None:
        net = ("network", "create", "--ipv6", "--subnet", "fd00:1::/64", "net1")
        self.docker(*net)
        self.docker("network", "create", "-o", "com.docker.network.bridge.name=appnet0", "net2")
        self._container("c1", "bridge", "8080:80", "127.0.0.1:8888:80")
        self._container("c2", "net1", "8082:80", "8082:80/udp")
        self._container("c3", "net2", f"{HOST4}:8083:80", "5300:80/udp")
        self.docker("run", "-d", "--name", "c4", "--network", "host", IMAGE, "httpd", "-fp", "8090")
        places = ("tcp,::,22", "tcp,0.0.0.0,9000", "tcp,127.0.0.1,9001", "tcp,172.17.0.1,9002")
        self.serve(self.inside, *places, "udp,::,5353")

    def _container(self, name: str, network: str, *ports: str) -> None:
        published = [word for port in ports for word in ("-p", port)]
        self.docker("run", "-d", "--name", name, "--network", network, *published, IMAGE,
                    "sleep", "86400")  # fmt: skip
        pid = self.docker("inspect", "-f", "{{.State.Pid}}", name).strip()
        self.serve(
            lambda *c: ("nsenter", f"--net=/proc/{pid}/ns/net", *c), "tcp,::,80", "udp,::,80"
        )

    def serve(self, where: object, *places: str) -> None:
        """Start a server in a namespace, and wait until it listens."""
        assert callable(where)
        server = subprocess.Popen(  # noqa: S603 - argument tuples of this file
            where("/usr/bin/env", "python3", "-c", _SERVER, *places),
            stdout=subprocess.PIPE,
            text=True,
        )
        self.servers.append(server)
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"

    def _docker_env(self) -> Mapping[str, str]:
        path = f"{self.state}/bin:{os.environ['PATH']}"
        socket = f"unix://{self.state}/run/docker.sock"
        return {
            **os.environ,
            "PATH": path,
            "DOCKER_HOST": socket,
            "DOCKER_CONFIG": f"{self.state}/config",
        }

    def docker(self, *words: str) -> str:
        """Run the docker command on the lab's engine."""
        return run("docker", *words, env=self._docker_env())

    def inside(self, *command: str) -> tuple[str, ...]:
        """Give a command as the host would run it."""
        path = f"PATH={self.path}"
        namespaces = (f"--mount={self.state}/ns/mnt", f"--net=/run/netns/{self.inner}")
        return ("nsenter", *namespaces, "--wdns=/", "env", path, *command)

    def outside(self, *command: str) -> tuple[str, ...]:
        """Give a command as somebody outside would run it."""
        return ("nsenter", f"--net=/run/netns/{self.outer}", *command)

    def nft(self, text: str) -> None:
        """Load rules of nftables on the host."""
        run(*self.inside("nft", "-f", "-"), text=text)

    def iptables(self, *rules: str) -> None:
        """Add rules by `iptables RULE` and, where they begin with -6, `ip6tables RULE`."""
        for rule in rules:
            program = "ip6tables" if rule.startswith("-6 ") else "iptables"
            run(*self.inside(program, "-w", *rule.removeprefix("-6 ").split()))

    def install_ufw(self) -> None:
        """Unpack the real ufw; its paths are those of this lab, its settings in the lab's /etc."""
        lib, home = ROOT / "testbed/lib.sh", self.state / "ufw"
        run("bash", "-c", f". {lib}; state_up; locked fetch component ufw bookworm ufw")
        shutil.copytree(STATE / "pkgs/ufw", home, dirs_exist_ok=True)
        paths = [*home.glob("lib/ufw/*"), *home.glob("usr/lib/python3/dist-packages/ufw/*.py")]
        for path in paths:
            text = re.sub(r"(?<![\w}])(/lib/ufw|/usr/share/ufw)", rf"{home}\1", path.read_text())
            path.write_text(text.replace("${rootdir}/lib/ufw", f"{home}/lib/ufw"))
        script = self.bin / "ufw"
        script.write_text(
            f"#!/bin/sh\nPYTHONPATH={home}/usr/lib/python3/dist-packages "
            f'exec /usr/bin/python3 {home}/usr/sbin/ufw "$@"\n'
        )
        script.chmod(0o755)
        share = home / "usr/share/ufw"
        files = f"{home}/etc/ufw/. {share}/iptables/*.rules {share}/*.init {share}/ufw.conf"
        # No modules and no sysctls: both are the machine's.
        self.shell(
            f"mkdir -p /etc/ufw; cp -r {files} /etc/ufw/; "
            f"sed 's/^IPT_MODULES=.*//; s/^IPT_SYSCTL=.*/IPT_SYSCTL=/' {home}/etc/default/ufw "
            ">/etc/default/ufw"
        )

    def shell(self, command: str, text: str = "") -> str:
        """Run a line of shell on the host."""
        return run(*self.inside("sh", "-c", command), text=text)

    def look(self) -> Snapshot:
        """Run the real collector on the host, and join it with what the engine says."""
        said = subprocess.run(  # noqa: S603 - argument tuples of this file
            self.inside("sh", "-s"),
            input=collector.script(_ASKED).encode(),
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        answers = bundle.parse(said)
        target = Target(self.name, UnixEndpoint(f"{self.state}/run/docker.sock"))
        with reader.engine(target, reader.Access()) as client:
            snapshot = engine.collect(client, self.name, datetime.now(UTC), stopped=False)
        found = flow.joined(snapshot, answers, processes.bundled(answers))
        assert found.host is not None
        return found

    def packets(self, places: Iterable[tuple[str, str, int, str]]) -> list[bool]:
        """Send real packets from outside: protocol, address, port and source of each."""
        said = run(
            *self.outside("/usr/bin/env", "python3", "-c", _CLIENT), text=json.dumps(list(places))
        )
        answers: list[bool] = json.loads(said)
        return answers

    def probe(self, snapshot: Path) -> tuple[int, str]:
        """Run `hullward ports --probe` outside, on a snapshot of the host."""
        code = "import sys; from hullward.cli.ports import command as c; "
        addresses = ("--address", HOST4, "--address", HOST6, "--wait", "0.7")
        done = subprocess.run(  # noqa: S603 - argument tuples of this file
            self.outside(
                *(sys.executable, "-c", f"{code}sys.exit(c(standalone_mode=False))"),
                *("--from", str(snapshot), "--probe", *addresses),
            ),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    def compare(self) -> tuple[tuple[Row, ...], list[tuple[Row, bool]]]:
        """Judge every port, try every port, and give the rows that packets prove wrong."""
        rows = port_table.table(self.look())
        # Warm neighbours: a lost first packet would look like a closed port.
        self.packets([("tcp", HOST4, 1, ""), ("tcp", HOST6, 1, "")])
        reached = self.packets([_place(row) for row in rows])
        expected = {Reach.OPEN: True, Reach.BLOCKED: False, Reach.LOCAL: False}
        wrong = [
            (row, real)
            for row, real in zip(rows, reached, strict=True)
            if row.reach in expected and expected[row.reach] != real
        ]
        limited = [row for row in rows if row.reach is Reach.LIMITED]
        near = self.packets([_near(row) for row in limited])
        wrong += [(row, real) for row, real in zip(limited, near, strict=True) if not real]
        return rows, wrong

    def down(self) -> None:
        """End everything that was started here."""
        for server in self.servers:
            server.kill()
            server.wait()
            if server.stdout:
                server.stdout.close()
        run(str(ROOT / "testbed/engine"), "purge", self.name)
        run("ip", "netns", "del", self.outer, check=False)


def _place(row: Row) -> tuple[str, str, int, str]:
    anywhere = HOST6 if row.version == 6 else HOST4
    return row.protocol, anywhere if row.everywhere else row.address, row.port, ""


def _near(row: Row) -> tuple[str, str, int, str]:
    """Choose whom a limited row lets in: a private address, or any neighbour on the link."""
    protocol, address, port, _ = _place(row)
    return protocol, address, port, "10.9.9.9" if "10.0.0.0/8" in row.reason else ""


@contextmanager
def lab(name: str, version: str) -> Iterator[Lab]:
    """Give a lab that is there, and gone afterwards."""
    made = Lab(name, version)
    try:
        made.up()
        time.sleep(0.2)
        yield made
    finally:
        made.down()
