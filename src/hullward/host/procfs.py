"""This machine's /proc, as text."""

import os
from collections.abc import Iterator
from pathlib import Path

_LIMIT = 1024 * 1024

# The kernel gives at most a page at a time, as many lines as fit; less is the end of the file.
_PART, _LAST = 65536, 2048


class Procfs:
    """Reads /proc; a process that is gone or hidden gives None."""

    def __init__(self, root: str = "/proc") -> None:
        """Read below `root`."""
        self._root = root

    def pids(self) -> Iterator[int]:
        """Name every process that can be seen; raises OSError where there is no /proc."""
        names = os.listdir(self._root)  # noqa: PTH208 - thousands, and no Path is needed
        return (int(name) for name in names if name.isdecimal())

    def read(self, pid: int, name: str) -> str | None:
        """Give the start of /proc/PID/NAME."""
        try:
            descriptor = os.open(f"{self._root}/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            data = part = os.read(descriptor, _PART)
            while len(part) > _LAST and len(data) < _LIMIT:
                part = os.read(descriptor, _PART)
                data += part
        except OSError:
            return None
        finally:
            os.close(descriptor)
        return data.decode(errors="replace")

    def sockets(self, pid: int) -> frozenset[int] | None:
        """Give the inodes of the sockets that a process holds; None without the right to look."""
        found = set()
        try:
            for entry in Path(self._root, str(pid), "fd").iterdir():
                try:
                    kind, _, inode = str(entry.readlink()).partition(":")
                except OSError:
                    continue
                if kind == "socket":
                    found.add(int(inode.strip("[]")))
        except OSError:
            return None
        return frozenset(found)
