"""The machine under an engine, area by area; an area that is None could not be looked up."""

from collections.abc import Mapping

from msgspec import Struct, field

from hullward.model.daemon import Daemon
from hullward.model.files import Files
from hullward.model.firewall import Firewall
from hullward.model.sockets import Sockets
from hullward.model.sshd import Sshd
from hullward.model.system import System
from hullward.model.users import Users


class Host(Struct, frozen=True):
    """What the collector found; `gaps` says for each missing area why it is missing."""

    name: str = ""
    kernel: str = ""
    root: bool = False
    system: System | None = None
    users: Users | None = None
    daemon: Daemon | None = None
    files: Files | None = None
    sshd: Sshd | None = None
    sockets: Sockets | None = None
    firewall: Firewall | None = None
    gaps: Mapping[str, str] = field(default_factory=dict)
