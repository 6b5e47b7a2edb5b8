"""A target that can be asked: its engine, and its /proc where that is this machine's."""

import sys

from msgspec import Struct

from hullward.host import offer as offers
from hullward.host import shell
from hullward.host.contexts import Target
from hullward.host.deadline import Deadline
from hullward.host.endpoints import SshEndpoint, TcpEndpoint, UnixEndpoint
from hullward.host.engine import EngineClient
from hullward.host.offer import Offer
from hullward.host.procfs import Procfs
from hullward.model.errors import HullwardError


class Access(Struct, frozen=True):
    """How long a target may take, and how ssh is called."""

    timeout: float = 30
    config: str = ""
    interactive: bool = False


def engine(target: Target, access: Access) -> EngineClient:
    """Give a client for the target's engine; it connects with the first question."""
    return EngineClient(target.endpoint, Deadline(access.timeout), access)


def ask_host(target: Target, script: str, access: Access) -> bytes:
    """Run the collector's script on the engine's machine; raises HullwardError where it cannot."""
    match target.endpoint:
        case UnixEndpoint():
            return shell.run_here(script, Deadline(access.timeout))
        case SshEndpoint():
            return shell.run_there(target.endpoint, script, Deadline(access.timeout), access)
        case TcpEndpoint():
            raise HullwardError(
                "The host behind a TCP address cannot be asked.", "Use an ssh:// target."
            )


def offer(target: Target, access: Access, deadline: Deadline) -> Offer | str:
    """Ask which methods the target's sshd offers to this machine; a string says why not."""
    if not isinstance(target.endpoint, SshEndpoint):
        return "what sshd offers can be asked over ssh:// only"
    return offers.ask(target.endpoint, deadline, access)


def proc(target: Target) -> Procfs | str:
    """Give the /proc of the engine's machine, or the reason why there is none to read."""
    if not isinstance(target.endpoint, UnixEndpoint):
        return "the processes of a remote machine were not looked at"
    if not sys.platform.startswith("linux"):
        return "this machine has no /proc; the engine runs in a virtual machine"
    return Procfs()
