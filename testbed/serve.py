"""The demo's small services.

Arguments: http:PORT, tcp:PORT (echo), udp:PORT (echo), docker:PORT (lists the containers), watch.
"""

import http.client
import http.server
import json
import signal
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable

SOCKET = "/var/run/docker.sock"


class Engine(http.client.HTTPConnection):
    """A connection to the Docker socket."""

    def connect(self) -> None:
        """Reach the socket instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(SOCKET)


def engine(path: str) -> bytes:
    """Ask the Docker API."""
    connection = Engine("docker")
    connection.request("GET", path)
    return connection.getresponse().read()


class Page(http.server.BaseHTTPRequestHandler):
    """Says which container answers."""

    def do_GET(self) -> None:
        """Answer every path."""
        body = self.body()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self) -> bytes:
        """Text of the page."""
        return f"{socket.gethostname()} {self.path}\n".encode()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


class Containers(Page):
    """Shows what the Docker socket gives away."""

    def body(self) -> bytes:
        """List the containers."""
        return engine("/containers/json")


class Line(socketserver.StreamRequestHandler):
    """Echoes one line."""

    def handle(self) -> None:
        """Answer one connection."""
        self.wfile.write(self.rfile.readline())


class Datagram(socketserver.BaseRequestHandler):
    """Echoes one datagram."""

    def handle(self) -> None:
        """Answer one datagram."""
        data, reply = self.request
        reply.sendto(data, self.client_address)


def watch() -> None:
    """Look at the containers again and again, as an updater does."""
    while True:
        count = len(json.loads(engine("/containers/json")))
        print(count, "containers to keep up to date", flush=True)
        time.sleep(300)


def service(wanted: str) -> Callable[[], None]:
    """Make the endless function of one argument."""
    kind, _, port = wanted.partition(":")
    if kind == "watch":
        return watch
    address = ("", int(port))
    socketserver.TCPServer.allow_reuse_address = True
    if kind == "udp":
        return socketserver.ThreadingUDPServer(address, Datagram).serve_forever
    if kind == "tcp":
        return socketserver.ThreadingTCPServer(address, Line).serve_forever
    return http.server.ThreadingHTTPServer(
        address, Containers if kind == "docker" else Page
    ).serve_forever


def main() -> None:
    """Run all services named on the command line."""
    # As process 1 it would otherwise ignore the signal of `docker stop`.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for wanted in sys.argv[1:]:
        threading.Thread(target=service(wanted), daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
