"""What a reader of a result must know beside it. Pure."""

from collections.abc import Iterator, Sequence

from hullward.minimize.looking import Look
from hullward.minimize.search import Set


def on(granted: Set, minimum: Set, observed: Set, looks: Sequence[Look]) -> Iterator[str]:
    """Give the notes on a result."""
    processes = [process for look in looks for process in look.processes]
    if granted and processes and not any(process.effective for process in processes):
        # Docker sets no ambient capabilities; capabilities(7), "execve() of programs by root".
        yield (
            "no process could use any capability, as none runs as root: what cap_add grants is dead"
        )
    if "AUDIT_WRITE" in observed - minimum:
        # The kernel refuses a message over netlink, and no system call fails: audit(7).
        yield (
            "AUDIT_WRITE was used: without it logins in the container are missing in the host's "
            "audit log; keep it if the host runs auditd"
        )
    if "DAC_READ_SEARCH" in minimum:
        # moby, profiles/seccomp/default_linux.go.
        yield (
            "DAC_READ_SEARCH opens open_by_handle_at in Docker's seccomp profile, the way of the "
            "Shocker escape: give the files to the user that reads them instead"
        )
