"""What compose starts or hands over beside the container itself."""

from hullward.compose.model import Project, Service
from hullward.model.rule import Fail
from hullward.model.severity import Severity
from hullward.rules import grants
from hullward.rules.compose.rule import Spot, Spots, service_rule

_ROOT = frozenset({"0", "root"})


@service_rule(
    id="compose-privileged-hook",
    title="A hook runs with more privileges than its service",
    severity=Severity.HIGH,
    rationale=(
        "Compose runs post_start and pre_stop by `docker exec`: a privileged one holds every "
        "capability, whatever was taken from the service, and what it leaves behind stays."
    ),
    remedy="Remove `privileged: true` from the hook; do the work in the image, or by init service.",
    refs=("docs.docker.com/compose/how-tos/lifecycle", "cis-docker:5.23"),
)
def privileged_hook(service: Service, project: Project) -> Spots:
    """Fail for privileged hooks, and for hooks of root where the service is not root."""
    del project
    container = service.container
    for hook in service.hooks:
        root = hook.user.partition(":")[0] in _ROOT
        if hook.privileged:
            yield Spot(Fail(f"{hook.kind} runs privileged"), hook.place)
        elif root and container.uid not in {0, None}:
            said = f"{hook.kind} runs as root, and the service as {container.user}"
            yield Spot(Fail(said, Severity.MEDIUM), hook.place)


@service_rule(
    id="compose-api-socket",
    title="Compose hands the engine's socket to the container",
    severity=Severity.CRITICAL,
    rationale=(
        "`use_api_socket` mounts the socket without naming it, and the registry logins of whoever "
        "runs compose as well. Whoever speaks to the socket is root on the host."
    ),
    remedy="Remove `use_api_socket: true`; put a filtering proxy in between.",
    refs=("docs.docker.com/reference/compose-file/services#use_api_socket", "cis-docker:5.32"),
)
def api_socket(service: Service, project: Project) -> Spots:
    """Fail for use_api_socket."""
    del project
    if service.use_api_socket:
        yield Spot(Fail("use_api_socket is true"), service.keys.get("use_api_socket"))


@service_rule(
    id="compose-provider",
    title="A program of the host is run in place of a container",
    severity=Severity.MEDIUM,
    rationale=(
        "`provider` makes `docker compose up` run a program as whoever started it, outside of "
        "every container; the file chooses which, by name on the PATH."
    ),
    remedy="Remove it, unless you know the program and whoever writes the file.",
    refs=("docs.docker.com/reference/compose-file/services#provider",),
)
def provider(service: Service, project: Project) -> Spots:
    """Fail for provider."""
    del project
    if service.provider:
        said = f"provider: docker compose up runs {service.provider} on the host"
        yield Spot(Fail(said), service.keys.get("provider"))


@service_rule(
    id="compose-runtime",
    title="A runtime of its own starts the container",
    severity=Severity.INFO,
    rationale=(
        "The runtime is a root program of the host that decides what confinement means. A sandbox "
        "is one grade safer; any other one must be trusted and kept up to date."
    ),
    remedy="Remove `runtime`, unless it is a sandbox such as runsc or the one for GPUs.",
    refs=("docs.docker.com/engine/daemon/alternative-runtimes",),
)
def runtime(service: Service, project: Project) -> Spots:
    """Fail for a runtime that is neither runc, a sandbox nor the one for GPUs."""
    del project
    container = service.container
    usual = container.runtime in {"", "runc", "io.containerd.runc.v2", "nvidia"}
    if not usual and not grants.sandbox(container.runtime):
        yield Spot(Fail(f"runtime is {container.runtime}"), service.keys.get("runtime"))


@service_rule(
    id="compose-spared-by-oom",
    title="The kernel kills others first when memory runs out",
    severity=Severity.LOW,
    rationale=(
        "A leak in this container then ends the neighbours, sshd and the engine before the one "
        "that leaks."
    ),
    remedy="Remove `oom_score_adj`, and set `mem_limit`.",
    refs=("proc_pid_oom_score_adj(5)", "docker-run(1) --oom-score-adj"),
)
def spared_by_oom(service: Service, project: Project) -> Spots:
    """Fail for a negative oom_score_adj; worse without a limit."""
    del project
    grade = None if service.container.memory else Severity.MEDIUM
    limit = "" if service.container.memory else ", and memory is not limited"
    if service.oom_score_adj < 0:
        said = f"oom_score_adj is {service.oom_score_adj}{limit}"
        yield Spot(Fail(said, grade), service.keys.get("oom_score_adj"))


@service_rule(
    id="compose-credential-spec",
    title="The container gets an account of the domain",
    severity=Severity.LOW,
    rationale="A flaw in the program then acts as that account everywhere in the domain.",
    remedy="Give the managed service account only the rights that the program needs.",
    refs=("docs.docker.com/reference/compose-file/services#credential_spec",),
)
def credential_spec(service: Service, project: Project) -> Spots:
    """Fail for credential_spec."""
    del project
    if service.credential_spec:
        said = f"credential_spec from {service.credential_spec}"
        yield Spot(Fail(said), service.keys.get("credential_spec"))


@service_rule(
    id="compose-develop",
    title="Files of the host are copied into it while it runs",
    severity=Severity.INFO,
    rationale=(
        "`docker compose watch` syncs what is saved into the container, and may run a command "
        "there: useful to a developer, wrong on a server."
    ),
    remedy="Keep `develop` in compose.override.yaml, which servers do not get.",
    refs=("docs.docker.com/compose/how-tos/file-watch",),
)
def develop(service: Service, project: Project) -> Spots:
    """Fail for develop."""
    del project
    if service.develop:
        yield Spot(Fail("develop is set"), service.keys.get("develop"))
