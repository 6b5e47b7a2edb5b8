"""What a name of an image promises, and who replaces images unasked."""

from hullward.model.facts import Container, Snapshot
from hullward.rules import grants

_UPDATERS = ("watchtower", "ouroboros", "shepherd", "wud", "whats-up-docker", "dockcheck")
_SHORT_ID = 12
_MOVING = frozenset(
    {"", "dev", "develop", "edge", "latest", "main", "master", "nightly", "rolling", "stable"}
)
_OPT_OUT = "com.centurylinklabs.watchtower.enable"


def floats(container: Container) -> bool:
    """Whether its image's name says no version: no digest or id, and a tag like `latest`."""
    reference = container.image
    if "@" in reference or reference.startswith("sha256:") or _is_id(container):
        return False
    tag = reference.rpartition("/")[2].partition(":")[2]
    return tag in _MOVING


def _is_id(container: Container) -> bool:
    digits = container.image_id.removeprefix("sha256:")
    return len(container.image) >= _SHORT_ID and digits.startswith(container.image)


def updater_of(container: Container, snapshot: Snapshot) -> Container | None:
    """Find the container that pulls new images and replaces this one by itself."""
    if container.labels.get(_OPT_OUT, "").lower() == "false":
        return None
    candidates = (other for name in _UPDATERS for other in snapshot.by_image.get(name, ()))
    return next(
        (other for other in candidates if other.running and grants.holds_socket(other)), None
    )
