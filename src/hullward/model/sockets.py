"""What listens on the host, and which program that is."""

from collections.abc import Mapping

from msgspec import Struct, field


class Socket(Struct, frozen=True, order=True):
    """A socket that waits for peers in the host's network namespace.

    `address` is "0.0.0.0" or "::" for every address; `dual` says that such a `::` takes IPv4 as
    well, None where that is not known. `unit` is the systemd unit of the process. `container` is
    the id of the container whose process listens, or for which docker-proxy does.
    """

    protocol: str
    address: str
    port: int
    program: str = ""
    pid: int = 0
    unit: str = ""
    package: str = ""
    container: str = ""
    interface: str = ""
    dual: bool | None = None


class Sockets(Struct, frozen=True):
    """Every listening socket; the gap "programs" says why some of them have no program."""

    listening: tuple[Socket, ...] = ()
    gaps: Mapping[str, str] = field(default_factory=dict)
