"""Whether the kernel records who touches the engine's programs, settings and data."""

from hullward.model.facts import Snapshot
from hullward.model.files import Files
from hullward.model.host import Host
from hullward.model.rule import Answers, Fail, Unknown, host_rule
from hullward.model.severity import Severity
from hullward.rules import places

# What the CIS benchmark wants watched, by any of these names, where it is on the host.
_PROGRAMS = (
    "dockerd", "containerd", "containerd-shim", "containerd-shim-runc-v1",
    "containerd-shim-runc-v2", "runc",
)  # fmt: skip
_PATHS = (
    "/run/containerd", "/run/containerd/containerd.sock", "/run/docker.sock", "/var/lib/docker",
    "/etc/docker", "/etc/docker/daemon.json", "/etc/default/docker", "/etc/sysconfig/docker",
    "/etc/containerd/config.toml",
)  # fmt: skip
_UNITS = ("/docker.service", "/docker.socket")


@host_rule(
    id="host-audit-rule",
    title="The kernel does not record who touches Docker's files",
    severity=Severity.INFO,
    rationale=(
        "After an incident the audit log tells which user changed the engine, its settings or its "
        "data. Watches on /run and /var/lib/docker write much; start with programs and settings."
    ),
    remedy=(
        "apt-get install auditd; for each path a line `-w PATH -p wa -k docker` in "
        "/etc/audit/rules.d/docker.rules, then: augenrules --load"
    ),
    refs=(*(f"cis-docker:1.1.{n}" for n in range(3, 19)), "auditctl(8)", "audit.rules(7)"),
    needs="files",
)
def audit_rule(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for what is on the host and in no watch, neither itself nor a folder above it."""
    del snapshot
    files = host.files or Files()
    if files.watches is None:
        yield Unknown(files.gaps.get("watches", "the audit rules were not read"))
        return
    watched = [places.clean(path) for path in files.watches]
    wanted = sorted({path for path in map(places.clean, files.found) if _wanted(path)})
    missing = [path for path in wanted if not any(_covers(watch, path) for watch in watched)]
    if missing:
        how = "no audit rule watches" if watched else "nothing is recorded: no rule watches"
        yield Fail(f"{how} {', '.join(missing)}")
    hidden = [path for path in files.unseen if _wanted(places.clean(path))]
    if hidden:
        yield Unknown(f"this login may not look at {', '.join(hidden)}")


def _wanted(path: str) -> bool:
    if path in _PATHS or path.endswith((*_UNITS, "/containerd.sock")):
        return True
    return path.rpartition("/")[2] in _PROGRAMS and "/bin/" in path.replace("/sbin/", "/bin/")


def _covers(watch: str, path: str) -> bool:
    return path == watch or path.startswith(watch.rstrip("/") + "/")
