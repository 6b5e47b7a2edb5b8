"""What a name of an image promises, and who replaces images unasked."""

from hullward.model.facts import Container, Snapshot
from hullward.rules import places

_UPDATERS = ("watchtower", "ouroboros", "shepherd", "wud", "whats-up-docker", "dockcheck")
_OPT_OUT = "com.centurylinklabs.watchtower.enable"


def floats(reference: str) -> bool:
    """Whether the reference names no version: no digest, and no tag or `latest`."""
    if "@" in reference or reference.startswith("sha256:"):
        return False
    tag = reference.rpartition("/")[2].partition(":")[2]
    return tag in {"", "latest"}


def name(reference: str) -> str:
    """Give the last part of a reference without tag and digest."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[0]


def updater_of(container: Container, snapshot: Snapshot) -> Container | None:
    """Find the container that pulls new images and replaces this one by itself."""
    if container.labels.get(_OPT_OUT, "").lower() == "false":
        return None
    for other in snapshot.containers:
        socket = any(m.source and places.controls_engine(m.source) for m in other.mounts)
        if socket and other.running and name(other.image) in _UPDATERS:
            return other
    return None
