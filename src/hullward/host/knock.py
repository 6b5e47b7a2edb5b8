"""Tries real connections on a host: run there as root by its own python3, 3.7 or newer.

It is no part of the program that the operator runs: its text is sent to the host, followed by a
call of `main` with an errand as JSON. It listens by itself inside every container's network and on
the host, so that no service is touched, and a dead one proves nothing. A uid is changed before the
socket is made, as the kernel judges the uid that made it. Prints JSON; changes nothing that stays.
"""

from __future__ import annotations

import ctypes
import errno
import ipaddress
import json
import os
import selectors
import signal
import socket
import subprocess
import time
from typing import Any, Callable  # noqa: UP035 - 3.7 cannot subscript the other one

Json = Any
Work = Callable[[Callable[[Json], None]], Any]
_NEWNET = 0x40000000
_REFUSED = {errno.ECONNREFUSED, errno.EACCES, errno.EPERM}
_SECONDS = 1.5
_AT_ONCE = 200
_LIFE = 60
_PRIVILEGED = 1024


def enter(pid: int, container: str) -> None:
    """Go into the network of a container's process."""
    with open(f"/proc/{pid}/cgroup") as file:  # noqa: PTH123 - no pathlib is needed here
        if container not in file.read():
            raise OSError(errno.ESRCH, "it is not there any more")
    handle = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    if ctypes.CDLL(None, use_errno=True).setns(handle, _NEWNET):
        raise OSError(ctypes.get_errno(), "its network cannot be entered")


def become(uid: int) -> None:
    """Be an ordinary process of this user from now on."""
    if uid:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)


def listen(port: int = 0) -> socket.socket:
    """Wait for connections on every address, by both families where there are two."""
    try:
        sock = socket.socket(socket.AF_INET6)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::", port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise
        sock = socket.socket(socket.AF_INET)
        sock.bind(("0.0.0.0", port))  # noqa: S104 - every address is what is tried
    sock.listen(1000)
    return sock


def knock(places: list[list[Json]]) -> list[str]:
    """Connect to all places at once: open, refused, silent, or unreachable."""
    found: list[str] = []
    for start in range(0, len(places), _AT_ONCE):
        found += _knock(places[start : start + _AT_ONCE])
    return found


def _knock(places: list[list[Json]]) -> list[str]:
    results = ["silent"] * len(places)
    end = time.monotonic() + _SECONDS
    with selectors.DefaultSelector() as waiting:
        for number, (address, port) in enumerate(places):
            try:
                sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            except OSError:
                results[number] = "unreachable"
                continue
            sock.setblocking(False)  # noqa: FBT003 - it takes nothing else
            error = sock.connect_ex((address, port))
            if error in {0, errno.EINPROGRESS}:
                waiting.register(sock, selectors.EVENT_WRITE, number)
            else:
                results[number] = _word(error)
                sock.close()
        while waiting.get_map() and time.monotonic() < end:
            for key, _ in waiting.select(max(0.0, end - time.monotonic())):
                sock = key.fileobj  # type: ignore[assignment]
                results[key.data] = _word(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
                waiting.unregister(sock)
                sock.close()
        for key in list(waiting.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
    return results


def _word(error: int) -> str:
    if not error:
        return "open"
    return "refused" if error in _REFUSED else "unreachable"


class Child:
    """A process that does one thing elsewhere, tells what came of it, and holds what it made."""

    def __init__(self, work: Work) -> None:
        """Start it; `work` gets a function that tells, and gives what is to be held."""
        self.told, telling = os.pipe()
        self.pid = os.fork()
        if self.pid:
            os.close(telling)
            return
        signal.alarm(_LIFE)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in range(3):
            os.dup2(nothing, stream)
        try:
            held = work(lambda value: _tell(telling, value))
            signal.pause()
            del held
        except OSError as error:
            _tell(telling, {"error": error.strerror or str(error)})
        finally:
            os._exit(0)

    def answer(self) -> Json:
        """Wait for what it tells."""
        data = b""
        while not data.endswith(b"\n"):
            part = os.read(self.told, 65536)
            if not part:
                return {"error": "it ended without a word"}
            data += part
        return json.loads(data)

    def end(self) -> None:
        """Let it go."""
        os.close(self.told)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


def _tell(pipe: int, value: Json) -> None:
    data = json.dumps(value).encode() + b"\n"
    while data:
        data = data[os.write(pipe, data) :]


def _said(*command: str) -> str:
    done = subprocess.run(  # noqa: S603 - argument tuples of this file
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return done.stdout.decode(errors="replace")


def _at_home(entry: Json) -> Work:
    """Listen inside a container's network, and tell its addresses."""

    def work(tell: Callable[[Json], None]) -> Json:
        enter(entry["pid"], entry["id"])
        sock = listen()
        lines = [line.split() for line in _said("ip", "-o", "addr").splitlines()]
        found = [words[3] for words in lines if words[1] != "lo" and words[2].startswith("inet")]
        linked = [one for one in found if not one.startswith("fe80:")]
        tell({"port": sock.getsockname()[1], "addresses": linked})
        return sock

    return work


def _on_host(uid: int, port: int) -> Work:
    """Listen on the host as an ordinary user."""

    def work(tell: Callable[[Json], None]) -> Json:
        early = not 0 < port < _PRIVILEGED
        if early:
            become(uid)
        sock = listen(port)
        if not early:
            become(uid)
        tell({"port": sock.getsockname()[1]})
        return sock

    return work


def _visit(uid: int, entry: Json, places: list[Json]) -> Work:
    def work(tell: Callable[[Json], None]) -> Json:
        if entry:
            enter(entry["pid"], entry["id"])
        become(uid)
        tell(knock([place[2:4] for place in places]))
        return None

    return work


def counters(nft: str, table: str) -> dict[str, int]:
    """Read the counters of a table."""
    try:
        objects = json.loads(_said(nft, "-j", "list", "counters", "table", "inet", table))
        bodies = [entry["counter"] for entry in objects["nftables"] if "counter" in entry]
        return {body["name"]: body["packets"] for body in bodies if body["table"] == table}
    except (ValueError, KeyError, TypeError):
        return {}


def isolation(errand: Json) -> Json:
    """Try everything that the wall between users and containers is about."""
    homes = {entry["name"]: entry for entry in errand["containers"]}
    insiders = {name: Child(_at_home(entry)) for name, entry in homes.items()}
    host = Child(_on_host(errand["ordinary"], 0))
    openers = {port: Child(_on_host(errand["ordinary"], port)) for port in errand["open"]}
    children = [*insiders.values(), host, *openers.values()]
    try:
        found = {name: child.answer() for name, child in insiders.items()}
        port = host.answer()["port"]
        ours = {number: "port" in child.answer() for number, child in openers.items()}
        for bridge in errand["bridges"]:
            _said("ip", "-6", "neigh", "flush", "dev", bridge)
        before = counters(errand["nft"], errand["table"])
        knocks = _knocks(errand, homes, found, port)
        after = counters(errand["nft"], errand["table"])
    finally:
        for child in children:
            child.end()
    return {
        "homes": found,
        "ours": [number for number, mine in ours.items() if mine],
        "knocks": knocks,
        "before": before,
        "after": after,
    }


def _knocks(errand: Json, homes: Json, found: Json, port: int) -> list[Json]:
    """Give [by uid, from container, what, to whom, address, port, result] of every try."""
    inside = [
        ["container", name, one.partition("/")[0], told["port"]]
        for name, told in found.items()
        for one in told.get("addresses", ())
    ]
    guarded = [["guarded", "", address, number] for address, number in errand["guarded"]]
    local = [["loopback", "", address, port] for address in ("127.0.0.1", "::1") if _mine(address)]
    visits = [(uid, "", [*inside, *guarded, *local]) for uid in errand["uids"]]
    gates = {name: _gates(errand, told) for name, told in found.items()}
    for name, gate in gates.items():
        if not gate:
            continue
        beyond = {"outside": (), "published": ()} if homes[name]["inner"] else errand
        places = [["host", "", address, port] for address in [*gate, *beyond["outside"]]]
        places += [["open", "", address, number] for address in gate for number in errand["open"]]
        places += [["published", "", *place] for place in beyond["published"]]
        families = {":" in address for address in gate}
        visits.append((0, name, [place for place in places if (":" in place[2]) in families]))
    # The control of what containers try: root of the host at the same places.
    every = sorted({address for gate in gates.values() for address in gate})
    places = [["host", "", address, port] for address in [*every, *errand["outside"]]]
    places += [["open", "", address, number] for address in every for number in errand["open"]]
    places += [["published", "", *place] for place in errand["published"]]
    visits.append((0, "", places))
    children = [Child(_visit(uid, homes.get(name), places)) for uid, name, places in visits]
    knocks = []
    for (uid, name, places), child in zip(visits, children):  # noqa: B905 - since 3.10 only
        answer = child.answer()
        results = answer if isinstance(answer, list) else [answer["error"]] * len(places)
        pairs = zip(places, results)  # noqa: B905 - likewise
        knocks += [[uid, name, *place, result] for place, result in pairs]
        child.end()
    return knocks


def _mine(address: str) -> bool:
    """Whether the host has this address: it may have no IPv6."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as sock:
            sock.bind((address, 0))
    except OSError:
        return False
    return True


def _gates(errand: Json, told: Json) -> list[str]:
    """Find the host's own addresses in a container's networks."""
    networks = [ipaddress.ip_interface(one).network for one in told.get("addresses", ())]
    return [
        address
        for address in errand["gateways"]
        if any(ipaddress.ip_address(address) in network for network in networks)
    ]


def outside(errand: Json) -> Json:
    """Listen where nothing is open, and see from here which places are alive."""
    listener = Child(_on_host(errand["ordinary"], 0))
    port = listener.answer()["port"]
    places = [*errand["places"], *([address, port] for address in errand["addresses"])]
    alive = knock(places)
    # The listener stays for the one who knocks from outside, until its time is over.
    return {
        "port": port,
        "alive": list(zip(places, alive)),  # noqa: B905 - likewise
        "before": counters(errand["nft"], errand["table"]),
    }


def counted(errand: Json) -> Json:
    """Read the counters alone."""
    return {"before": counters(errand["nft"], errand["table"])}


def main(errand: str) -> None:
    """Do the errand."""
    asked = json.loads(errand)
    work = {"isolation": isolation, "outside": outside, "counters": counted}[asked["what"]]
    print(json.dumps(work(asked)))  # noqa: T201 - its only way to answer
