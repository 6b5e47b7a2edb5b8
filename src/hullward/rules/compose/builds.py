"""What a build may do to the machine that it runs on, and what it takes in unseen."""

import re

from hullward.compose.model import Build, Place, Project, Service
from hullward.model.rule import Fail
from hullward.model.severity import Severity
from hullward.rules.compose.rule import Spot, Spots, service_rule

_REMOTE = re.compile(r"(https?://|git://|git@|ssh://|github\.com/)", re.IGNORECASE)
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_ENTITLEMENTS = {
    "security.insecure": (Severity.CRITICAL, "steps run without confinement, as privileged does"),
    "network.host": (Severity.MEDIUM, "steps reach what listens on the host's loopback"),
    "device": (Severity.MEDIUM, "steps use devices of the host"),
}


def _place(build: Build, key: str) -> Place:
    return build.places.get(key, build.place)


@service_rule(
    id="compose-build-privileged",
    title="The build runs with privileges over the host",
    severity=Severity.CRITICAL,
    rationale=(
        "A build runs what its Dockerfile, base images and packages say. Without confinement one "
        "bad package is root on the machine that builds."
    ),
    remedy="Remove `privileged` and `entitlements` from `build:`.",
    refs=("docs.docker.com/reference/compose-file/build#privileged", "docs.docker.com/build"),
)
def build_privileged(service: Service, project: Project) -> Spots:
    """Fail for privileged builds, and for entitlements by what they allow."""
    del project
    build = service.build
    if build is None:
        return
    if build.privileged:
        yield Spot(Fail("build.privileged is true"), _place(build, "privileged"))
    for index, name in enumerate(build.entitlements):
        known = _ENTITLEMENTS.get(name.partition("=")[0])
        grade, what = known or (Severity.MEDIUM, "steps may do more than usual")
        place = build.places.get(f"entitlements[{index}]", _place(build, "entitlements"))
        yield Spot(Fail(f"build.entitlements has {name}: {what}", grade), place)


@service_rule(
    id="compose-build-host-network",
    title="The build uses the host's network",
    severity=Severity.MEDIUM,
    rationale=(
        "Every step, and every install script of a package, reaches services that listen on the "
        "loopback address of the machine that builds."
    ),
    remedy="Remove `network: host` from `build:`.",
    refs=("docs.docker.com/reference/compose-file/build#network",),
)
def build_host_network(service: Service, project: Project) -> Spots:
    """Fail for build.network host."""
    del project
    if service.build and service.build.network == "host":
        yield Spot(Fail("build.network is host"), _place(service.build, "network"))


@service_rule(
    id="compose-build-ssh",
    title="The build may use the builder's ssh keys",
    severity=Severity.LOW,
    rationale=(
        "While it runs, every step that mounts the agent signs in wherever its owner may: a bad "
        "package or base image among them."
    ),
    remedy="Use a deploy key that reads one repository only: `ssh: [NAME=/path/to/key]`.",
    refs=("docs.docker.com/reference/compose-file/build#ssh",),
)
def build_ssh(service: Service, project: Project) -> Spots:
    """Fail for build.ssh."""
    del project
    if service.build and service.build.ssh:
        said = f"build.ssh forwards {', '.join(service.build.ssh)}"
        yield Spot(Fail(said), _place(service.build, "ssh"))


@service_rule(
    id="compose-build-remote",
    title="The build takes in sources that may change",
    severity=Severity.MEDIUM,
    rationale=(
        "A context at an address is fetched anew at each build; whoever controls the branch, the "
        "tag or the server decides what runs here."
    ),
    remedy="Name the commit, `URL#COMMIT`, or build from a copy of your own.",
    refs=("docs.docker.com/build/concepts/context", "CWE-494"),
)
def build_remote(service: Service, project: Project) -> Spots:
    """Fail for contexts at an address that name no commit; worse without encryption."""
    del project
    build = service.build
    if build is None:
        return
    named = {"context": build.context, **build.additional_contexts}
    for name, address in named.items():
        if not _REMOTE.match(address):
            continue
        reference = address.partition("#")[2].partition(":")[0]
        plain = address.lower().startswith(("http://", "git://"))
        key = "context" if name == "context" else "additional_contexts"
        shown = _without_login(address)
        if plain:
            said = f"{name} {shown} comes without encryption"
            yield Spot(Fail(said, Severity.HIGH), _place(build, key))
        elif not _COMMIT.fullmatch(reference):
            yield Spot(Fail(f"{name} {shown} names no commit"), _place(build, key))


def _without_login(address: str) -> str:
    return re.sub(r"://[^/@]{1,400}@", "://…@", address)
