"""Whether one container can starve its neighbours, and whether anybody would notice."""

from hullward.model.facts import Container, Snapshot
from hullward.model.rule import Answers, Fail, container_rule
from hullward.model.severity import Severity
from hullward.rules import remedies

_ATTEMPTS = 5


@container_rule(
    id="container-no-memory-limit",
    title="Memory is not limited",
    severity=Severity.LOW,
    rationale="A leak or an attack in one container makes the kernel kill processes of others.",
    remedy="Set `mem_limit`, or `deploy.resources.limits.memory`.",
    refs=("cis-docker:5.11", "docs.docker.com/engine/containers/resource_constraints"),
)
def no_memory_limit(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for 0, which is no limit."""
    del snapshot
    if not container.memory:
        yield Fail(
            "Memory is 0",
            remedy=remedies.update(
                container, "mem_limit: 512m", "--memory 512m --memory-swap 512m"
            ),
        )


@container_rule(
    id="container-no-cpu-limit",
    title="Processor time is not limited",
    severity=Severity.INFO,
    rationale="One busy container slows everything else down.",
    remedy="Set `cpus`, or `deploy.resources.limits.cpus`.",
    refs=("cis-docker:5.12", "docs.docker.com/engine/containers/resource_constraints"),
)
def no_cpu_limit(container: Container, snapshot: Snapshot) -> Answers:
    """Fail where neither quota, shares nor a processor set is given."""
    del snapshot
    if not container.cpu_limited:
        yield Fail(
            "no quota, shares or set of processors",
            remedy=remedies.update(container, 'cpus: "1.0"', "--cpus 1"),
        )


@container_rule(
    id="container-no-pids-limit",
    title="The number of processes is not limited",
    severity=Severity.LOW,
    rationale="A fork bomb takes the whole host down.",
    remedy="Set `pids_limit: 200`.",
    refs=("cis-docker:5.29", "docker-run(1) --pids-limit"),
)
def no_pids_limit(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for no limit."""
    del snapshot
    if not container.pids:
        yield Fail(
            "PidsLimit is not set",
            remedy=remedies.update(container, "pids_limit: 200", "--pids-limit 200"),
        )


@container_rule(
    id="container-no-healthcheck",
    title="Nobody checks whether it works",
    severity=Severity.INFO,
    rationale="A container that hangs looks like one that works.",
    remedy="Add `healthcheck:` to the service, or HEALTHCHECK to the image.",
    refs=("cis-docker:5.27", "docs.docker.com/reference/dockerfile#healthcheck"),
)
def no_healthcheck(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for no check, and for a check that says unhealthy."""
    del snapshot
    if container.health in {"", "none"}:
        yield Fail("no health check is defined")
    elif container.health == "unhealthy":
        yield Fail("its health check says unhealthy", Severity.LOW)


@container_rule(
    id="container-restart-always",
    title="It is restarted for ever",
    severity=Severity.INFO,
    rationale="A program that an attacker makes crash comes back for another try, without end.",
    remedy="Use `restart: on-failure:5` where an outage is better than a loop.",
    refs=("cis-docker:5.15", "docker-run(1) --restart"),
)
def restart_always(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for always, unless-stopped, and on-failure without a small limit."""
    del snapshot
    policy, attempts = container.restart, container.restart_attempts
    endless = policy == "on-failure" and not 0 < attempts <= _ATTEMPTS
    if policy in {"always", "unless-stopped"} or endless:
        said = f"{policy}:{attempts}" if policy == "on-failure" else policy
        yield Fail(
            f"restart policy is {said}",
            remedy=remedies.update(container, "restart: on-failure:5", "--restart on-failure:5"),
        )


@container_rule(
    id="container-ulimit",
    title="Resource limits of its own replace the engine's",
    severity=Severity.INFO,
    rationale="The engine's default limits were chosen for the host; this container has others.",
    remedy="Remove `ulimits`, unless the program's documentation asks for them.",
    refs=("cis-docker:5.19", "docker-run(1) --ulimit"),
)
def ulimit(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for any ulimit set on the container."""
    del snapshot
    if container.ulimits:
        yield Fail(f"ulimits: {', '.join(sorted(container.ulimits))}")


@container_rule(
    id="container-no-log",
    title="What it prints is thrown away",
    severity=Severity.LOW,
    rationale="After an intrusion there is nothing to read.",
    remedy="Use the log driver `local` or `json-file` with a size limit, or a remote one.",
    refs=("cis-docker:2.13", "docs.docker.com/engine/logging/configure"),
)
def no_log(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for the log driver `none`."""
    del snapshot
    if container.log_driver == "none":
        yield Fail(
            "its log driver is none",
            remedy=remedies.add(container, "logging:\n  driver: local", "--log-driver local"),
        )
