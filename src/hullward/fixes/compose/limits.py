"""Limits, so that one service cannot take the whole host."""

from hullward.compose.nodes import Mapping
from hullward.compose.sharing import look_up
from hullward.fixes.compose.proposal import Answers, Grade, Look, Proposal

PIDS = "container-no-pids-limit"
MEMORY = "container-no-memory-limit"

_PIDS = 200
_MEMORY = "1g"


def pids(look: Look) -> Answers:
    """Propose a limit of processes and threads where there is none."""
    if gap := look.unresolved("pids"):
        yield look.left(PIDS, gap)
    elif "pids_limit" in look.service.keys and not look.service.container.pids:
        yield look.left(PIDS, "the file says that there is no limit")
    elif not look.service.container.pids:
        path = ("deploy", "resources", "limits", "pids") if _deploys(look) else ("pids_limit",)
        reason = "a fork bomb ends here; `docker stats` shows how many it uses now"
        line = look.line(path, _PIDS, reason)
        yield Proposal(look.name, PIDS, Grade.GUESS, (line,), "compare with `docker stats`")


def memory(look: Look) -> Answers:
    """Propose a limit of memory where there is none."""
    if gap := look.unresolved("memory"):
        yield look.left(MEMORY, gap)
    elif "mem_limit" in look.service.keys and not look.service.container.memory:
        yield look.left(MEMORY, "the file says that there is no limit")
    elif not look.service.container.memory:
        path = ("deploy", "resources", "limits", "memory") if _deploys(look) else ("mem_limit",)
        reason = "a leak ends here, not in the host's OOM killer; `docker stats` shows what it uses"
        line = look.line(path, _MEMORY, reason)
        yield Proposal(look.name, MEMORY, Grade.GUESS, (line,), "compare with `docker stats`")


def _deploys(look: Look) -> bool:
    """Whether the service keeps its limits below `deploy`."""
    deploy = look.key("deploy")
    return isinstance(deploy, Mapping) and look_up(deploy, "resources") is not None
