"""What a Dockerfile makes of the image that a service is built from."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from hullward.model.facts import Container
from hullward.model.recipe import Recipe
from hullward.model.rule import Fail, Rule, Unknown
from hullward.model.severity import Severity
from hullward.rules import images

_REFERENCE = "docs.docker.com/reference/dockerfile"


class Located(Struct, frozen=True):
    """An answer, and the line of the Dockerfile that it is about."""

    line: int
    answer: Fail | Unknown


Answers = Iterator[Located]
RecipeCheck = Callable[[Recipe], Answers]


class DockerfileRule(Rule, frozen=True, kw_only=True):
    """A rule that is asked once for every Dockerfile that a service is built from."""

    check: RecipeCheck


def dockerfile_rule(  # noqa: PLR0913 - every field of the rule's page is required
    *,
    id: str,  # noqa: A002 - the word that every user of the id sees
    title: str,
    severity: Severity,
    rationale: str,
    remedy: str,
    refs: tuple[str, ...],
) -> Callable[[RecipeCheck], DockerfileRule]:
    """Make a rule of a function that answers for one Dockerfile and target at a time."""

    def decorate(check: RecipeCheck) -> DockerfileRule:
        return DockerfileRule(
            id=id,
            title=title,
            severity=severity,
            rationale=rationale,
            remedy=remedy,
            refs=refs,
            check=check,
        )

    return decorate


@dockerfile_rule(
    id="dockerfile-root",
    title="The image starts as root",
    severity=Severity.MEDIUM,
    rationale=(
        "Root in a container has the uid of root on the host unless user namespaces are on. The "
        "last USER of the stage that is built decides, unless the service sets one."
    ),
    remedy=(
        "Give it a user with a uid of its own:\nRUN groupadd --gid 54321 app && useradd --uid "
        "54321 --gid app --no-create-home app\nUSER 54321:54321"
    ),
    refs=("guide: Run containers as a non-root user", "cis-docker:4.1", f"{_REFERENCE}/#user"),
)
def root(recipe: Recipe) -> Answers:
    """Fail for uid 0; unknown where the base image or an argument decides."""
    if recipe.uid is None:
        yield Located(recipe.user_line, Unknown(recipe.uid_gap))
    elif recipe.uid == 0:
        said = f"USER {recipe.user}" if recipe.user else "no USER is set"
        base = f", and {recipe.base.reference} sets none" if not recipe.user else ""
        remedy = "\n".join(["As the last steps of its stage:", *_own_user(recipe)])
        yield Located(recipe.user_line, Fail(f"{said}{base}: uid 0", remedy=remedy))


def _own_user(recipe: Recipe) -> tuple[str, ...]:
    # An audit of what runs needs nothing of Dockerfiles.
    from hullward.compose import new_user  # noqa: PLC0415

    return new_user.lines(recipe.base.reference, 54321)


@dockerfile_rule(
    id="dockerfile-setuid",
    title="The build makes programs that give more than their caller has",
    severity=Severity.MEDIUM,
    rationale=(
        "A flaw in such a program makes every user of the container its owner, mostly root, unless "
        "no-new-privileges is set."
    ),
    remedy="Leave the bit away; start the service as the user that it needs.",
    refs=("cis-docker:4.8", "execve(2)", "capabilities(7)"),
)
def gain(recipe: Recipe) -> Answers:
    """Fail for each setuid or setgid bit, file capability and sudo rule that is handed out."""
    words = {
        "setuid": ("is made setuid", None),
        "setgid": ("is made setgid", Severity.LOW),
        "capability": ("is given file capabilities", None),
        "sudo": ("lets somebody become root without a password", Severity.HIGH),
    }
    for gain in recipe.gains:
        what, severity = words[gain.kind]
        yield Located(gain.line, Fail(f"{gain.path or 'a file'} {what}", severity))


@dockerfile_rule(
    id="dockerfile-add",
    title="The build adds what nobody checks",
    severity=Severity.LOW,
    rationale=(
        "ADD fetches addresses and unpacks archives; whoever holds the address decides what the "
        "next build contains. COPY does what is written."
    ),
    remedy="COPY for files; for an address ADD --checksum=sha256:… URL, or a repository#COMMIT.",
    refs=("cis-docker:4.9", f"{_REFERENCE}/#add"),
)
def add(recipe: Recipe) -> Answers:
    """Fail for ADD of an address without checksum or commit; info for ADD of files."""
    for added in recipe.added:
        if added.kind == "files":
            yield Located(added.line, Fail(f"ADD of {added.source}", Severity.INFO))
        elif added.kind == "unknown":
            yield Located(added.line, Unknown(f"what ADD {added.source} brings is not known"))
        elif not added.pinned:
            what = "checksum" if added.kind == "url" else "commit"
            yield Located(added.line, Fail(f"ADD of {added.source} without a {what}"))


@dockerfile_rule(
    id="dockerfile-piped-script",
    title="The build runs a script as it comes from the network",
    severity=Severity.LOW,
    rationale=(
        "Nobody has seen what runs, it may differ for every build, and a broken connection runs "
        "half of it."
    ),
    remedy="Fetch it, compare its checksum, then run it: sha256sum --check.",
    refs=("cis-docker:4.11", f"{_REFERENCE}/#run"),
)
def piped(recipe: Recipe) -> Answers:
    """Fail for a download that is piped into a shell or interpreter."""
    for spot in recipe.piped:
        yield Located(spot.line, Fail(spot.text))


@dockerfile_rule(
    id="dockerfile-secret",
    title="A secret is written into the image",
    severity=Severity.MEDIUM,
    rationale=(
        "Whoever may pull the image reads the values of ENV, ARG and of every command; deleting "
        "them in a later step changes nothing."
    ),
    remedy=(
        "Change the secret. Build with RUN --mount=type=secret,id=NAME; hand over what the "
        "program needs at run time as a file."
    ),
    refs=("cis-docker:4.10", "docs.docker.com/build/building/secrets"),
)
def secret(recipe: Recipe) -> Answers:
    """Fail for names with a secret's value, in ARG, ENV or a command."""
    for secret in recipe.secrets:
        grade = Severity.LOW if secret.kind == "given at build time" else None
        yield Located(secret.line, Fail(f"{secret.where} {secret.name}: {secret.kind}", grade))


@dockerfile_rule(
    id="dockerfile-insecure-run",
    title="A step of the build runs privileged",
    severity=Severity.HIGH,
    rationale=(
        "With --security=insecure a step holds every capability and device, without seccomp: what "
        "it downloads can take over the host that builds."
    ),
    remedy="Leave the flag away, and `entitlements: [security.insecure]` too.",
    refs=(f"{_REFERENCE}/#run---security",),
)
def insecure(recipe: Recipe) -> Answers:
    """Fail for steps that run with every capability of the builder."""
    for spot in recipe.insecure:
        yield Located(spot.line, Fail(spot.text))


@dockerfile_rule(
    id="dockerfile-host-network",
    title="A step of the build uses the host's network",
    severity=Severity.MEDIUM,
    rationale=(
        "The step reaches every service that listens on the host's loopback, where many trust "
        "whoever comes."
    ),
    remedy="Leave --network=host away; the default network reaches the outside as well.",
    refs=(f"{_REFERENCE}/#run---network",),
)
def host_network(recipe: Recipe) -> Answers:
    """Fail for steps on the host's network."""
    for spot in recipe.host_network:
        yield Located(spot.line, Fail(spot.text))


@dockerfile_rule(
    id="dockerfile-floating-base",
    title="A base image may change under the same name",
    severity=Severity.LOW,
    rationale=(
        "A tag is a name that its owner moves. Whoever takes over the account or the registry "
        "decides what the next build stands on."
    ),
    remedy="Name the version and the digest: FROM NAME:VERSION@sha256:….",
    refs=("cis-docker:4.2", "docs.docker.com/build/building/best-practices"),
)
def floating_base(recipe: Recipe) -> Answers:
    """Fail for bases without a version; unknown where the name of one is not known."""
    for base in recipe.bases:
        if base.gap:
            yield Located(base.line, Unknown(f"its base image is not known: {base.gap}"))
        elif not base.empty and images.floats(Container("", image=base.reference)):
            yield Located(base.line, Fail(f"FROM {base.reference}"))


@dockerfile_rule(
    id="dockerfile-no-healthcheck",
    title="The image does not say how to check its health",
    severity=Severity.INFO,
    rationale="Without HEALTHCHECK the engine knows only that the process is there.",
    remedy="HEALTHCHECK CMD … in the Dockerfile, or `healthcheck:` in the compose file.",
    refs=("cis-docker:4.6", f"{_REFERENCE}/#healthcheck"),
)
def no_healthcheck(recipe: Recipe) -> Answers:
    """Fail for HEALTHCHECK NONE, or for none on an empty base; unknown where the base decides."""
    if recipe.checked is None:
        name = recipe.base.reference or "the base image"
        yield Located(recipe.line, Unknown(f"no HEALTHCHECK is set here, and {name} may have one"))
    elif not recipe.checked:
        sets_none = f"no HEALTHCHECK is set, and {recipe.base.reference} sets none"
        said = "HEALTHCHECK NONE" if recipe.checked_line else sets_none
        yield Located(recipe.checked_line or recipe.line, Fail(said))


@dockerfile_rule(
    id="dockerfile-update-alone",
    title="The build refreshes its packages in a step of its own",
    severity=Severity.INFO,
    rationale=(
        "The step is cached: the next build installs what was current when it was made, and "
        "misses the fixes since."
    ),
    remedy="RUN apt-get update && apt-get install -y …, in one instruction.",
    refs=("cis-docker:4.7", "docs.docker.com/build/building/best-practices"),
)
def update_alone(recipe: Recipe) -> Answers:
    """Fail for each step that refreshes the packages' list and installs nothing."""
    for spot in recipe.unlisted:
        yield Located(spot.line, Fail(spot.text))
