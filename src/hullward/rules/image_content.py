"""How the images of the containers were made, by their configuration and history."""

from collections.abc import Iterator

from hullward.model.facts import Image, Snapshot
from hullward.model.rule import Answers, Fail, Unknown, engine_rule
from hullward.model.severity import Severity

_REFERENCE = "docs.docker.com/reference/dockerfile"
_SECRET_WORDS = ("PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "APIKEY", "PRIVATE_KEY")


@engine_rule(
    id="image-secret",
    title="A secret was built into an image",
    severity=Severity.MEDIUM,
    rationale=(
        "Whoever may pull the image reads the values of ENV, ARG and of every command; deleting "
        "them in a later layer changes nothing. hullward keeps their names only."
    ),
    remedy=(
        "Change the secret. Build with `RUN --mount=type=secret,id=NAME`; hand over what the "
        "program needs at run time as a file."
    ),
    refs=("cis-docker:4.10", "docs.docker.com/build/building/secrets"),
)
def secret(snapshot: Snapshot) -> Answers:
    """Fail for names that speak of a secret and were given a value."""
    for name, image in _images(snapshot):
        yield from _unread(name, image)
        found = set(image.history.secrets) if image.history else set()
        found |= {
            variable
            for variable in image.environment
            if any(word in variable.upper() for word in _SECRET_WORDS)
            and not variable.upper().endswith(("_FILE", "_PATH", "_URL"))
        }
        if found:
            yield Fail(f"{name}: {', '.join(sorted(found))}")
    yield from _missing(snapshot)


@engine_rule(
    id="image-no-healthcheck",
    title="An image does not say how to check its health",
    severity=Severity.INFO,
    rationale="Without HEALTHCHECK the engine knows only that the process is there.",
    remedy="HEALTHCHECK CMD … in the Dockerfile, or `healthcheck:` in the compose file.",
    refs=("cis-docker:4.6", f"{_REFERENCE}/#healthcheck"),
)
def no_healthcheck(snapshot: Snapshot) -> Answers:
    """Fail for images without one."""
    names = [name for name, image in _images(snapshot) if not image.checked]
    yield from _missing(snapshot)
    if names:
        yield Fail(f"no HEALTHCHECK in {', '.join(names)}")


@engine_rule(
    id="image-add",
    title="An image was built with ADD",
    severity=Severity.INFO,
    rationale=(
        "ADD fetches URLs, whose content nobody checks, and unpacks archives; COPY does what is "
        "written."
    ),
    remedy="COPY in place of ADD; for a URL, ADD --checksum=sha256:… URL.",
    refs=("cis-docker:4.9", f"{_REFERENCE}/#add"),
)
def add(snapshot: Snapshot) -> Answers:
    """Fail for ADD outside of the base; worse for a URL."""
    for name, image in _images(snapshot):
        yield from _unread(name, image)
        if image.history and image.history.adds:
            url = "a URL" in image.history.adds
            yield Fail(f"{name}: ADD of {' and '.join(image.history.adds)}", _low(yes=url))
    yield from _missing(snapshot)


@engine_rule(
    id="image-update-alone",
    title="An image refreshes its packages in a layer of its own",
    severity=Severity.INFO,
    rationale=(
        "The layer is cached: the next build installs what was current when it was made, and "
        "misses the fixes since."
    ),
    remedy="RUN apt-get update && apt-get install -y …, in one instruction.",
    refs=("cis-docker:4.7", "docs.docker.com/build/building/best-practices"),
)
def update_alone(snapshot: Snapshot) -> Answers:
    """Fail for layers that update and install nothing."""
    for name, image in _images(snapshot):
        yield from _unread(name, image)
        if image.history and image.history.updates:
            yield Fail(f"{name}: an update without an installation")
    yield from _missing(snapshot)


def _images(snapshot: Snapshot) -> Iterator[tuple[str, Image]]:
    """Give each image that a container was made from, by its first tag or its id."""
    for image in sorted(snapshot.images.values(), key=lambda each: (each.tags, each.id)):
        yield (image.tags or (image.id.removeprefix("sha256:")[:12],))[0], image


def _unread(name: str, image: Image) -> Iterator[Unknown]:
    if image.history is None:
        yield Unknown(f"the history of {name} could not be read")


def _missing(snapshot: Snapshot) -> Iterator[Unknown]:
    """Say whose image could not be read at all."""
    for container in snapshot.containers:
        if container.image_id and container.image_id not in snapshot.images:
            yield Unknown(f"the image of {container.name} could not be read")


def _low(*, yes: bool) -> Severity | None:
    return Severity.LOW if yes else None
