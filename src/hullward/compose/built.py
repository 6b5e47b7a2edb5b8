"""Services that are built: what their Dockerfile decides where the service does not."""

from collections.abc import Mapping

from msgspec.structs import replace

from hullward.compose import dockerfile, paths
from hullward.compose.model import Build, Place, Project, Service
from hullward.compose.recipe import recipe
from hullward.model.recipe import Recipe

_NO_HEALTH, _CHECKED = "none", "defined"


def path(build: Build) -> str:
    """Give the Dockerfile to read, "" where it is inline or comes with a context from elsewhere."""
    return "" if build.inline is not None or paths.remote(build.context) else build.dockerfile


def read(build: Build, text: str) -> Recipe:
    """Follow a Dockerfile as this build does; raises HullwardError with file and line."""
    name = build.place.file if build.inline is not None else build.dockerfile
    return recipe(dockerfile.parse(text, name), build.target, build.arguments)


def place(build: Build, line: int) -> Place:
    """Give the place of a line of the Dockerfile; one that is inline starts below its key."""
    if build.inline is None:
        return Place(build.dockerfile, max(line, 1), 1)
    key = build.places.get("dockerfile_inline", build.place)
    return Place(key.file, key.line + line, key.column)


def completed(project: Project, recipes: Mapping[str, object]) -> Project:
    """Give the project with what Dockerfiles decide; `recipes` are by the service's name."""
    return replace(
        project,
        services=tuple(
            _complete(service, made) if isinstance(made, Recipe) else service
            for service in project.services
            for made in (recipes.get(service.name),)
        ),
    )


def _complete(service: Service, made: Recipe) -> Service:
    """Give the service with the user and health check of its image, where it sets none itself."""
    container = service.container
    gaps = dict(service.unresolved)
    if "user" in gaps and gaps["user"].cause == "image":
        del gaps["user"]
        gaps.pop("uid", None)
        container = replace(
            container,
            user=made.user or "",
            uid=made.uid,
            uid_gap=made.uid_gap or made.gap,
        )
    if "health" in gaps and gaps["health"].cause == "image" and made.checked is not None:
        del gaps["health"]
        container = replace(container, health=_CHECKED if made.checked else _NO_HEALTH)
    return replace(service, container=container, unresolved=gaps)
