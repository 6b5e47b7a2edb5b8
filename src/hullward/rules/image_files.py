"""What is in the images: programs that give more than their caller has, and images for nothing.

The rules in DEEP need the content of the images, which is read only when it is asked for.
"""

from collections.abc import Iterable, Iterator

from hullward.model.facts import Container, FileCapability, Image, ImageFiles, OwnedFile, Snapshot
from hullward.model.rule import Answers, Fail, Rule, Unknown, container_rule, engine_rule
from hullward.model.severity import Severity
from hullward.rules import grants, remedies

_NOT_READ = "image content was not read (--deep)"
_SHOWN = 8


@engine_rule(
    id="image-setuid",
    title="An image has setuid or setgid programs",
    severity=Severity.INFO,
    rationale=(
        "They run as their owner, whoever starts them: a flaw in one makes a user of the container "
        "its root. Hardly a service calls one of them."
    ),
    remedy=(
        "Set no-new-privileges, which takes their power away; or in the Dockerfile: "
        "RUN find / -xdev -perm /6000 -type f -exec chmod a-s {} +"
    ),
    refs=("cis-docker:4.8", "inode(7)", "prctl(2) PR_SET_NO_NEW_PRIVS"),
)
def setuid(snapshot: Snapshot) -> Answers:
    """Fail for images with such programs, and list them."""
    for name, image in _images(snapshot):
        yield from _unread(name, image)
        files = image.files or ImageFiles()
        bits = [("setuid", files.setuid), ("setgid", files.setgid)]
        found = [f"{bit} {_listed(map(_owned, some))}" for bit, some in bits if some]
        if found:
            yield Fail(f"{name}: {'; '.join(found)}")
    yield from _missing(snapshot)


@engine_rule(
    id="image-file-capability",
    title="An image has programs with capabilities of their own",
    severity=Severity.INFO,
    rationale=(
        "Such a program gives its capability to every user. One with the effective bit does not "
        "even start where the container lacks the capability, with or without no-new-privileges: "
        "who drops it must know."
    ),
    remedy="In the Dockerfile: RUN setcap -r FILE. Or add the capability with `cap_add`.",
    refs=("cis-docker:4.8", "capabilities(7)", "setcap(8)"),
)
def file_capability(snapshot: Snapshot) -> Answers:
    """Fail for images with such programs; low where a container cannot start one."""
    for name, image in _images(snapshot):
        yield from _unread(name, image)
        files = image.files or ImageFiles()
        if files.capabilities:
            yield Fail(f"{name}: {_listed(map(_capable, files.capabilities))}")
        for container in snapshot.containers:
            if container.image_id == image.id:
                yield from _unstartable(container, files)
    yield from _missing(snapshot)


def _unstartable(container: Container, files: ImageFiles) -> Iterator[Fail]:
    """Name the programs that execve(2) refuses to start in a container."""
    granted = grants.granted(container)
    for file in files.capabilities:
        lacking = set(file.names) - granted
        if file.effective and lacking:
            yield Fail(
                f"{container.name} cannot start {file.path}: it lacks {', '.join(sorted(lacking))}",
                Severity.LOW,
            )


@container_rule(
    id="container-new-privileges-free",
    title="no-new-privileges can be set, for all that its image tells",
    severity=Severity.LOW,
    rationale=(
        "no-new-privileges takes away only what setuid and setgid programs and file capabilities "
        "give. Where the image has none that gives more than the processes hold, it costs "
        "nothing. Programs on volumes are not looked at."
    ),
    remedy="Set `security_opt: [no-new-privileges:true]`.",
    refs=("guide: Drop system capabilities", "cis-docker:5.26", "execve(2)", "capabilities(7)"),
)
def new_privileges_free(container: Container, snapshot: Snapshot) -> Answers:
    """Fail where the option is missing and free; info, with the programs, where it may cost."""
    state = grants.no_new_privileges(container, snapshot)
    if state:
        return
    if state is None:
        reason = snapshot.gaps.get("info", "the engine's default is not known")
        yield Unknown(f"no-new-privileges is not set here, and {reason}")
        return
    image = snapshot.images.get(container.image_id)
    if image is None:
        yield Unknown("its image could not be read")
    elif image.files is None:
        yield Unknown(image.files_gap or _NOT_READ)
    else:
        yield _cost(container, image.files)


def _cost(container: Container, files: ImageFiles) -> Fail:
    """Say what no-new-privileges would take away from a container, if anything."""
    remedy = remedies.add(
        container,
        "security_opt:\n  - no-new-privileges:true",
        "--security-opt no-new-privileges:true",
    )
    users = _users(container)
    lost = tuple(_lost(container, files, users))
    who = "whatever its users are" if users is None else f"uid {', '.join(map(str, users))}"
    if lost:
        return Fail(
            f"these give more to it ({who}): {_listed(lost)}",
            Severity.INFO,
            f"Unless it starts one of them:\n{remedy}",
        )
    return Fail(f"no program of its image gives it more ({who})", remedy=remedy)


def _users(container: Container) -> tuple[int, ...] | None:
    """Give every uid that it runs as, None where it may be any."""
    running = grants.uids(container)
    if running:
        return tuple(sorted({*running, *(() if container.uid is None else (container.uid,))}))
    if container.uid is None or (container.uid == 0 and "SETUID" in grants.granted(container)):
        return None
    return (container.uid,)


def _lost(container: Container, files: ImageFiles, users: tuple[int, ...] | None) -> Iterator[str]:
    """Name what its processes could no longer gain."""
    for file in files.setuid:
        if users != (file.owner,):
            yield f"setuid {_owned(file)}"
    # A root process with this capability opens what any group may open.
    if users != (0,) or "DAC_OVERRIDE" not in grants.granted(container):
        group = container.user.partition(":")[2]
        for file in files.setgid:
            if str(file.owner) != group:
                yield f"setgid {_owned(file)}"
    # Root gets its whole bounding set from its uid.
    if users != (0,):
        yield from map(_capable, files.capabilities)


@engine_rule(
    id="image-unused",
    title="Images that no container uses",
    severity=Severity.INFO,
    rationale=(
        "They fill the disk, and an old image that somebody starts again has the old flaws. "
        "Layers that images share are counted for each of them."
    ),
    remedy="docker image prune, for those without a name; docker image prune --all, for all.",
    refs=("cis-docker:6.1", "docs.docker.com/reference/cli/docker/image/prune"),
)
def unused(snapshot: Snapshot) -> Answers:
    """Fail for images that neither a running nor a stopped container was made from."""
    found = snapshot.unused_images
    if found is None:
        yield Unknown(snapshot.gaps.get("images/json", "the images were not listed"))
    elif found.count:
        dangling = (
            f", {found.dangling} of them without a name ({_size(found.dangling_size)})"
            if found.dangling
            else ""
        )
        yield Fail(f"{found.count} images, up to {_size(found.size)}{dangling}")


DEEP = frozenset(rule.id for rule in (setuid, file_capability, new_privileges_free))


def answerable(rules: Iterable[Rule], looks: Iterable[object]) -> tuple[Rule, ...]:
    """Leave out the rules about the content of images where no look has read any."""
    read = any(
        image.files is not None or image.files_gap
        for look in looks
        if isinstance(look, Snapshot)
        for image in look.images.values()
    )
    return tuple(rule for rule in rules if read or rule.id not in DEEP)


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 10**8 else f"{count / 1e6:.1f} MB"


def _owned(file: OwnedFile) -> str:
    return f"{file.path} ({file.owner})"


def _capable(file: FileCapability) -> str:
    effective = " effective" if file.effective else ""
    return f"{file.path} ({', '.join(file.names) or 'none'}{effective})"


def _listed(words: Iterable[str]) -> str:
    found = tuple(words)
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"{', '.join(found[:_SHOWN])}{more}"


def _images(snapshot: Snapshot) -> Iterator[tuple[str, Image]]:
    """Give each image that a container was made from, by its first tag or its id."""
    for image in sorted(snapshot.images.values(), key=lambda each: (each.tags, each.id)):
        yield (image.tags or (image.id.removeprefix("sha256:")[:12],))[0], image


def _unread(name: str, image: Image) -> Iterator[Unknown]:
    if image.files is None:
        yield Unknown(f"{name}: {image.files_gap or _NOT_READ}")


def _missing(snapshot: Snapshot) -> Iterator[Unknown]:
    """Say whose image could not be read at all."""
    for container in snapshot.containers:
        if container.image_id not in snapshot.images:
            yield Unknown(f"the image of {container.name} could not be read")
