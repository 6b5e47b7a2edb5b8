"""The least that can be done: list, and inspect one after the other on one connection.

usage: bare_loop.py SOCKET; prints the seconds that the loop took, without Python's start.
"""

import json
import socket
import sys
import time
from http.client import HTTPConnection


class Local(HTTPConnection):
    """HTTP on a unix socket."""

    def __init__(self, path: str) -> None:
        """Connect to nothing yet."""
        super().__init__("docker")
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def inspect_all(path: str) -> int:
    """Read what the engine says on every running container; give their number."""
    connection = Local(path)

    def get(question: str) -> list[dict[str, str]]:
        connection.request("GET", question)
        answer: list[dict[str, str]] = json.loads(connection.getresponse().read())
        return answer

    ids = [entry["Id"] for entry in get("/v1.41/containers/json?all=0")]
    for id_ in ids:
        get(f"/v1.41/containers/{id_}/json")
    connection.close()
    return len(ids)


if __name__ == "__main__":
    start = time.perf_counter()
    inspect_all(sys.argv[1])
    print(time.perf_counter() - start)
