"""The lines of a Dockerfile that make an unprivileged user, by what its base image has."""

from collections.abc import Iterator

from hullward.compose import base_images, needs


def lines(base: str, uid: int) -> tuple[str, ...]:
    """Give the steps that make a user and change to it; by its number alone where that must do."""
    made = {
        "busybox": (
            f"RUN addgroup -g {uid} app && adduser -D -H -u {uid} -G app -s /sbin/nologin app"
        ),
        "shadow": (
            f"RUN groupadd --gid {uid} app && useradd --uid {uid} --gid {uid} "
            "--no-create-home --shell /usr/sbin/nologin app"
        ),
    }
    step = made.get(programs(base))
    return (*((step,) if step else ()), f"USER {uid}:{uid}")


def programs(base: str) -> str:
    """Say with what a base image makes users: busybox, shadow, or "" where nobody knows."""
    repository, tag = needs.split(base)
    if repository.rpartition("/")[2] == "alpine" or "alpine" in _words(tag):
        return "busybox"
    # Of those that are known to set no user, all others are made on Debian or Ubuntu.
    return "shadow" if base_images.source(base) and "ubi" not in tag else ""


def _words(tag: str) -> Iterator[str]:
    for part in tag.split("-"):
        yield part.rstrip("0123456789.")
