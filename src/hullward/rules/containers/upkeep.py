"""Where a container's image comes from, and how old it is."""

from datetime import datetime

from hullward.model.facts import Container, Snapshot
from hullward.model.rule import Answers, Fail, Unknown, container_rule
from hullward.model.severity import Severity
from hullward.rules import images

_OLD_DAYS = 365


@container_rule(
    id="container-floating-image",
    title="The image may change under the same name",
    severity=Severity.LOW,
    rationale=(
        "A tag is a name that its owner moves. Whoever takes over the account or the registry "
        "decides what runs here after the next pull."
    ),
    remedy="Name the version and the digest: `image: NAME:VERSION@sha256:…`.",
    refs=("cis-docker:5.28", "docs.docker.com/reference/cli/docker/image/pull"),
)
def floating_image(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for no tag, `latest` and its like; medium where something pulls new images by itself."""
    if images.floats(container):
        updater = images.updater_of(container, snapshot)
        by = f", and {updater.name} replaces it by itself" if updater else ""
        yield Fail(f"image {container.image}{by}", Severity.MEDIUM if updater else None)


@container_rule(
    id="container-old-image",
    title="The image was built long ago",
    severity=Severity.LOW,
    rationale="Everything found and mended in its packages since then is missing.",
    remedy="Pull or build it anew, and create the container from it.",
    refs=("cis-docker:5.28", "cis-docker:4.4"),
)
def old_image(container: Container, snapshot: Snapshot) -> Answers:
    """Fail for more than a year; unknown where the image says no date that can be true."""
    image = snapshot.images.get(container.image_id)
    if image is None:
        yield Unknown("its image could not be read")
        return
    try:
        built = datetime.fromisoformat(image.created)
        age = (datetime.fromisoformat(snapshot.collected_at) - built).days
    except (ValueError, TypeError, OverflowError):
        yield Unknown(f"its image gives no date ({image.created!r})")
        return
    if age < -1:
        yield Unknown(f"its image gives {image.created}, which is still to come")
    elif built.year <= 1980:  # noqa: PLR2004 - the date of reproducible builds
        yield Unknown(f"its image gives {image.created}, the date of a reproducible build")
    elif age > _OLD_DAYS:
        yield Fail(f"image {container.image} was built {age} days before this look")
