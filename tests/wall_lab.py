"""The lab of the walls: users, a proxy, host services and a LAN bridge beside the containers."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from firewall_lab import HOST4, HOST6, IMAGE, ROOT, STATE, Lab, run
from hullward import flow
from hullward.apply.journal import Journal
from hullward.host.contexts import Target
from hullward.host.endpoints import UnixEndpoint
from hullward.host.hands import Answer
from hullward.host.reader import Access
from hullward.jobs import ground, walls
from hullward.jobs.ground import Look
from hullward.jobs.machine import Machine
from hullward.jobs.walls import Kind
from hullward.model.plan import Plan

USER, PROXY, SERVICE = 1000, 1001, 1005

# Tries [protocol, address, port] one after the other: ok with data, refused, lost, or no-permit.
_CLIENT = """
import json, os, socket, sys
uid = int(sys.argv[1])
if uid:
    os.setgroups([]); os.setgid(uid); os.setuid(uid)
def tried(protocol, address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as sock:
        sock.settimeout(float(sys.argv[2]))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        try:
            if protocol == "tcp":
                sock.connect((address, port))
                sock.recv(9)
            else:
                sock.sendto(b"x", (address, port))
                sock.recvfrom(9)
            return "ok"
        except ConnectionRefusedError:
            return "refused"
        except PermissionError:
            return "no-permit"
        except OSError:
            return "lost"
print(json.dumps([tried(*place) for place in json.load(sys.stdin)]))
"""
Place = tuple[str, str, int]
# Writes a command as somebody would run it.
Way = Callable[..., tuple[str, ...]]


class WallLab(Lab):
    """A host with users and services, an outside, and a LAN behind a bridge of its own."""

    def up(self) -> None:
        """Start it all."""
        super().up()
        self.lan = f"hullward-{self.name}-lan"
        run("ip", "netns", "del", self.lan, check=False)
        run("ip", "netns", "add", self.lan)
        for command in (
            "link add br-lan type bridge", "addr add 10.20.0.1/24 dev br-lan", "link set br-lan up",
            f"link add lan0 type veth peer name eth0 netns {self.lan}",
            "link set lan0 master br-lan up",
        ):  # fmt: skip
            run("ip", "-n", self.inner, *command.split())
        for command in ("addr add 10.20.0.2/24 dev eth0", "link set eth0 up", "link set lo up"):
            run("ip", "-n", self.lan, *command.split())
        # An engine that translates no IPv6 needs a way back.
        run("ip", "-n", self.outer, "-6", "route", "add", "fd00:1::/64", "via", HOST6)
        self._container("c5", "net1")
        self.serve(self.within(SERVICE), "tcp,::,5300", "udp,::,5301", "tcp,::,9100")
        self.serve(self.within(PROXY), "tcp,::,8443")
        self.serve(self.neighbour, "tcp,::,80")
        self.serve(self.outside, "tcp,::,80", "udp,::,53")

    def within(self, uid: int) -> Way:
        """Give the way into the host as a user."""
        drop = ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups")
        return lambda *command: self.inside(*drop, *command)

    def neighbour(self, *command: str) -> tuple[str, ...]:
        """Give a command as somebody in the LAN would run it."""
        return ("nsenter", f"--net=/run/netns/{self.lan}", *command)

    def contained(self, name: str) -> Way:
        """Give the way into a container's network."""
        pid = self.docker("inspect", "-f", "{{.State.Pid}}", name).strip()
        return lambda *command: ("nsenter", f"--net=/proc/{pid}/ns/net", *command)

    def tried(
        self,
        where: Way,
        places: Sequence[Place],
        uid: int = 0,
        wait: float = 0.8,
    ) -> list[str]:
        """Exchange data with places, as a user, from somewhere."""
        if not places:
            return []
        command = where("/usr/bin/env", "python3", "-c", _CLIENT, str(uid), str(wait))
        found: list[str] = json.loads(run(*command, text=json.dumps(places)))
        return found

    def contain(self, name: str, network: str, *ports: str) -> None:
        """Start one more container, with a server in it."""
        self._container(name, network, *ports)

    def address(self, name: str, version: int = 4) -> str:
        """Give the address of a container."""
        word = "IPAddress" if version == 4 else "GlobalIPv6Address"
        form = f"{{{{range .NetworkSettings.Networks}}}}{{{{.{word}}}}}{{{{end}}}}"
        return self.docker("inspect", "-f", form, name).strip()

    def cold(self) -> None:
        """Forget every neighbour, so that discovery has to work."""
        run("ip", "-n", self.inner, "-6", "neigh", "flush", "all")
        for name in ("c1", "c2"):
            run(*self.contained(name)("ip", "-6", "neigh", "flush", "all"))

    # --- hullward itself, as it works on this host ---

    @property
    def machine(self) -> Machine:
        """The host as a job sees it, over a hand that is no ssh."""
        target = Target(self.name, UnixEndpoint(f"{self.state}/run/docker.sock"))
        return Machine(target, Access(), Journal(self, str(self.journal)))

    @property
    def where(self) -> str:
        return self.name

    @property
    def journal(self) -> Path:
        return self.state / "journal"

    def run(self, script: str, seconds: float) -> Answer:
        """Run a script on the host, as a hand does."""
        done = subprocess.run(  # noqa: S603 - argument tuples of this file
            self.inside("sh", "-s"), input=script, capture_output=True, text=True, check=False,
            timeout=seconds,
        )  # fmt: skip
        assert not done.stderr, done.stderr
        return Answer(done.stdout, done.returncode)

    def seen(self, kind: Kind) -> Look:
        return ground.look(self.machine, kind.standing, ground.hands(self.machine))

    def apply(self, kind: Kind, wishes: object | None) -> Plan:
        """Plan, apply, prove and confirm."""
        plan = walls.planned(kind, self.machine, self.seen(kind), wishes)
        assert walls.change(kind, self.machine, plan, agreeing())
        return plan

    def off(self, kind: Kind) -> None:
        walls.change(
            kind, self.machine, walls.ended(kind, self.machine, self.seen(kind)), agreeing()
        )

    def down(self) -> None:
        run("ip", "netns", "del", getattr(self, "lan", "-"), check=False)
        super().down()


def agreeing() -> flow.Person:
    """Give a person who agrees to everything."""
    return flow.Person("tester", lambda _: True, lambda _: None)


@contextmanager
def wall_lab(name: str, version: str) -> Iterator[WallLab]:
    """Give a lab that is there, and gone afterwards."""
    made = WallLab(name, version)
    try:
        made.up()
        time.sleep(0.2)
        yield made
    finally:
        made.down()


NAMES = os.environ.get("HULLWARD_WALL_ENGINES", "20.10,26.1,28.5").split(",")
__all__ = ["HOST4", "HOST6", "IMAGE", "NAMES", "PROXY", "ROOT", "SERVICE", "STATE", "USER"]
