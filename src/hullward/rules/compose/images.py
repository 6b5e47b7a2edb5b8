"""How a service names its image, and what it may run from memory."""

from hullward.compose.model import Project, Service
from hullward.model.rule import Fail, Unknown
from hullward.model.severity import Severity
from hullward.rules import images
from hullward.rules.compose.rule import Spot, Spots, service_rule

_LOOSENING = {
    "exec": (Severity.LOW, "programs can be run from it"),
    "suid": (Severity.MEDIUM, "setuid programs work on it"),
    "dev": (Severity.MEDIUM, "device nodes work on it"),
}


@service_rule(
    id="compose-image-no-digest",
    title="The image is named by a tag only",
    severity=Severity.INFO,
    rationale=(
        "A tag is a name that its owner moves, also that of a version. A digest is the image "
        "itself: nobody can put another one in its place."
    ),
    remedy="Name the digest too, `NAME:VERSION@sha256:…`; Renovate and Dependabot keep it current.",
    refs=("docs.docker.com/dhi/core-concepts/digests",),
)
def image_no_digest(service: Service, project: Project) -> Spots:
    """Fail for a tag that names a version; `container-floating-image` tells of the others."""
    del project
    if service.build is not None:
        return
    gap = service.unresolved.get("image")
    place = service.places.get("image")
    reference = service.container.image
    if gap is not None:
        yield Spot(Unknown(f"{gap.reason} ({gap.place})"), place)
    elif reference and "@" not in reference and not images.floats(service.container):
        yield Spot(Fail(f"image {reference}"), place)


@service_rule(
    id="compose-tmpfs-loosened",
    title="A file system in memory lets more run than usual",
    severity=Severity.MEDIUM,
    rationale=(
        "Docker mounts tmpfs with noexec, nosuid and nodev, so that what an intruder writes there "
        "cannot be started; this one takes that back."
    ),
    remedy="Remove exec, suid and dev from its options.",
    refs=("docs.docker.com/engine/storage/tmpfs", "mount(8)"),
)
def tmpfs_loosened(service: Service, project: Project) -> Spots:
    """Fail for exec, suid and dev; the last of two that contradict each other wins."""
    del project
    for tmpfs in service.tmpfs:
        last = {option.removeprefix("no"): option for option in tmpfs.options}
        found = [name for name in _LOOSENING if last.get(name) == name]
        if found:
            worst = max((_LOOSENING[name] for name in found), key=lambda pair: pair[0].rank)
            said = ", ".join(f"{name} ({_LOOSENING[name][1]})" for name in found)
            yield Spot(Fail(f"tmpfs {tmpfs.target}: {said}", worst[0]), tmpfs.place)
