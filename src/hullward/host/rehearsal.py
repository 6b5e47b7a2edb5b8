"""A login to an sshd that listens nowhere: it runs for this one connection, with other files.

ssh reaches it by a socket on this machine, and what goes through the socket is carried to the
standard input and output of `sshd -i`, which is run as root on the host (sshd(8)). So the login is
real, and nothing on the host was changed.
"""

import os
import shlex
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hullward.host.deadline import Deadline
from hullward.host.endpoints import SshEndpoint
from hullward.host.hands import Hands
from hullward.host.login import Login, by_key

# Hands the connected socket over to ssh (ssh_config(5) ProxyUseFdpass), and is gone.
_CONNECT = (
    "import socket,sys;s=socket.socket(socket.AF_UNIX);s.connect(sys.argv[1]);"
    "socket.send_fds(socket.socket(fileno=1),[b'.'],[s.fileno()])"
)
_PART = 65536


def login(
    hands: Hands, command: tuple[str, ...], endpoint: SshEndpoint, deadline: Deadline
) -> Login | str:
    """Log in by key to the sshd that this command starts; a string says why that failed."""
    with TemporaryDirectory(prefix="hullward-") as folder:
        path = str(Path(folder) / "s")
        connect = shlex.join((sys.executable, "-c", _CONNECT, path)).replace("%", "%%")
        options = (f"ProxyCommand={connect}", "ProxyUseFdpass=yes")
        with _listening(path) as listener, hands.piped(command, deadline) as process:
            words: list[bytes] = []
            with _carried(listener, process, words):
                found = by_key(endpoint, deadline, hands.access, options)
            why = _reason(b"".join(words).decode(errors="replace"))
            return f"{found} ({why})" if isinstance(found, str) and why else found


@contextmanager
def _listening(path: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        yield listener


@contextmanager
def _carried(
    listener: socket.socket, process: subprocess.Popen[bytes], words: list[bytes]
) -> Iterator[None]:
    """Carry bytes both ways, as long as the caller is at it."""
    stop = threading.Event()

    def carry() -> None:
        with suppress(OSError):
            link = listener.accept()[0]
            with link:
                _both_ways(link, process, stop)

    def listen() -> None:
        with suppress(OSError, ValueError):
            while process.stderr and (part := os.read(process.stderr.fileno(), _PART)):
                words.append(part)

    threads = [threading.Thread(target=work, daemon=True) for work in (carry, listen)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        process.terminate()
        for thread in threads:
            thread.join(2)


def _both_ways(
    link: socket.socket, process: subprocess.Popen[bytes], stop: threading.Event
) -> None:
    """Carry what the server says, and from its first word on what the client says."""
    if process.stdin is None or process.stdout is None:
        return
    down, up = process.stdout.fileno(), process.stdin.fileno()
    first = os.read(down, _PART)
    link.sendall(first)

    def upward() -> None:
        with suppress(OSError):
            while not stop.is_set() and (part := link.recv(_PART)):
                _write(up, part)

    thread = threading.Thread(target=upward, daemon=True)
    thread.start()
    with suppress(OSError):
        while not stop.is_set() and (part := os.read(down, _PART)):
            link.sendall(part)
        link.shutdown(socket.SHUT_RDWR)
    thread.join(2)


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _reason(words: str) -> str:
    """Give what the server itself says of the refusal, in its last telling line."""
    lines = [line.strip() for line in words.splitlines()]
    telling = [
        x for x in lines if x and not x.startswith(("Connection closed", "Connection reset"))
    ]
    return telling[-1][:200].rstrip(".") if telling else ""
