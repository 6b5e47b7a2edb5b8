"""What is known of a service's image under the service's own invocation."""

from msgspec.structs import replace

from hullward.compose import needs
from hullward.fixes.compose.proposal import Grade, Look
from hullward.model.needs import Confidence, Fit, Invocation, Needs


def fit(look: Look) -> Fit | None:
    """Give the needs that are meant for the service, None for nothing known."""
    return needs.fitting(look.known.needs, invocation) if (invocation := _start(look)) else None


def with_user(look: Look) -> Fit | None:
    """Give the needs of the image under a user that the service does not set yet."""
    invocation = _start(look)
    if invocation is None or invocation.user:
        return None
    users = dict.fromkeys(known.user for known in look.known.needs if known.user)
    fits = [needs.fitting(look.known.needs, replace(invocation, user=user)) for user in users]
    return min((f for f in fits if f), key=lambda found: len(found.doubts), default=None)


def grade(found: Fit) -> Grade:
    """Grade what rests on needs: they are known only if measured, and for that invocation."""
    return Grade.GUESS if _doubts(found) else Grade.KNOWN


def source(found: Fit) -> str:
    """Say on what needs rest, and what speaks against them."""
    against = f", but {'; '.join(doubts)}" if (doubts := _doubts(found)) else ""
    also = "".join(f"; if {condition}" for condition in found.needs.conditions)
    return f"profile of {_image(found.needs)}{against}{also}; {found.needs.caveat}"


def _doubts(found: Fit) -> list[str]:
    read = found.needs.confidence is Confidence.LOW
    return [*found.doubts, *(["it was read, not measured"] if read else [])]


def _image(known: Needs) -> str:
    return known.image.removeprefix("docker.io/").removeprefix("library/")


def _start(look: Look) -> Invocation | None:
    service, container = look.service, look.service.container
    if service.build is not None or look.unresolved("image") or not container.image:
        return None
    mode = container.network_mode
    user = service.unresolved.get("user")
    return Invocation(
        image=container.image,
        user=None if user and user.cause != "image" else container.user,
        command="command" in service.keys,
        entrypoint="entrypoint" in service.keys,
        host_network=None if mode.startswith("container:") else mode == "host",
        sysctls=container.sysctls,
    )
