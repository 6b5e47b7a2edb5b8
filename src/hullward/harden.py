"""The flow for a compose file that is to change: read -> propose -> edit -> prove -> write."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from hullward.collect import named_images
from hullward.compose import built, comments, nodes, text
from hullward.compose import project as reading
from hullward.compose.concealed import Concealed, concealed
from hullward.compose.model import Project
from hullward.fixes.compose import accepted, hardening, proposing, rereading
from hullward.fixes.compose.hardening import Hardened, Refused
from hullward.fixes.compose.proposal import Known
from hullward.fixes.dockerfile import UserProposal, own_uid, unprivileged_user
from hullward.host import beside, compose_files, files, needs, reader, rewriting
from hullward.host.contexts import Target
from hullward.host.reader import Access
from hullward.model.errors import HullwardError
from hullward.model.waiver import Waiver
from hullward.rules import remedies


class Around(Struct, frozen=True):
    """What is read beside the file: the shell's variables, files of them, files laid over it.

    `below` are files that it is laid over, `waivers` those of the settings.
    """

    environment: Mapping[str, str]
    env_files: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    below: tuple[str, ...] = ()


class Own(Struct, frozen=True):
    """A user of its own for a service that is built here: its Dockerfile, and the lines for it."""

    service: str
    path: str
    text: str
    proposal: UserProposal


class Plan(Struct, frozen=True):
    """A file and what it would become; `data` is what was read, `hidden` what is not shown."""

    path: str
    data: bytes
    text: str
    around: Around
    project: Project
    hardened: Hardened
    hidden: Concealed
    own: tuple[Own, ...] = ()


class Written(Struct, frozen=True):
    """What was written, how to take it back, and what docker compose says of it."""

    undo: str
    opinion: beside.Opinion


def read(path: str, around: Around, data: bytes | None = None) -> Project:
    """Read a file with those laid over it; `data` stands for what is in the file."""

    def load(name: str) -> bytes:
        return data if data is not None and name == path else compose_files.load(name)

    return reading.read(
        (*around.below, path, *around.others),
        around.environment,
        load,
        directory=compose_files.folder(path),
        env_files=around.env_files or None,
    )


def plan(
    path: str,
    names: Sequence[str],
    around: Around,
    learn: Callable[[Project], Mapping[str, Known]],
    *,
    guess: bool,
) -> Plan:
    """Say what would make these services of a file safer, all of them where none is named.

    `learn` gives what is known of the services beside the files. Lines that do not mean what they
    should once all files are read together are taken back.
    """
    data = compose_files.load(path)
    content = text.decode(data, path)
    project = read(path, around, data)
    root = nodes.parse(content, path)
    wanted = _chosen(path, names, project)
    proposed = proposing.propose(project, root, learn(project), wanted)
    ignores = comments.ignores(content, [root] if root else [], path)
    current = accepted.current(around.waivers, datetime.now(UTC).date())
    found = list(accepted.without(proposed, project, ignores, current, path))
    taken_back: list[Refused] = []
    while True:
        hardened = hardening.harden(content, path, project, found, guess=guess)
        after = read(path, around, hardened.edited.text.encode())
        shown = rereading.difference(project, after, (*hardened.written, *hardened.inherited))
        if not shown.idle:
            break
        reason = "read together with the other files it would not mean this"
        taken_back += [Refused(proposal, reason) for proposal in shown.idle]
        found = [answer for answer in found if answer not in shown.idle]
    if shown.others:
        raise HullwardError(
            f"{path}: read again, {', '.join(shown.others)} would change in another way.",
            "Nothing was written. Please report it, with the file if you can.",
        )
    hardened = replace(hardened, refused=(*hardened.refused, *taken_back))
    hidden = concealed(content, root)
    own = tuple(_own(path, project, wanted)) if guess else ()
    return Plan(path, data, content, around, project, hardened, hidden, own)


def _own(path: str, project: Project, wanted: Collection[str]) -> Iterator[Own]:
    """Propose a user for each Dockerfile that can be read and whose image starts as root."""
    folder = compose_files.folder(path) + "/"
    done: set[tuple[str, str]] = set()
    for service in project.services:
        build = service.build
        file = built.path(build) if build and service.name in wanted else ""
        if not build or not file or service.container.user or (file, build.target) in done:
            continue
        done.add((file, build.target))
        try:
            content = text.decode(compose_files.load(file), file)
            found = unprivileged_user(content, file, own_uid(service.name), build.target)
        except HullwardError:
            continue  # `compose check` tells what is wrong with a Dockerfile
        if isinstance(found, UserProposal):
            shown = path.removesuffix(path.rpartition("/")[2]) + file.removeprefix(folder)
            yield Own(service.name, shown if file.startswith(folder) else file, content, found)


def write(plan: Plan) -> Written:
    """Write the new text; raises HullwardError, with the file as it was, if that cannot be."""
    folder = compose_files.folder(plan.path)
    file = rewriting.original(plan.path, folder, plan.data)
    new = plan.hardened.edited.text.encode()
    opinion = _opinion(plan, new, folder)
    if beside.committed(file.path):
        rewriting.replace(file, new)
        folder = compose_files.folder(file.path)
        return Written(_words("git", "-C", folder, "checkout", "--", file.path), opinion)
    copy = rewriting.keep(file)
    try:
        rewriting.replace(file, new)
    except HullwardError:
        rewriting.discard(copy)
        raise
    return Written(_words("mv", copy, file.path), opinion)


def _words(*words: str) -> str:
    return " ".join(map(remedies.word, words))


def _opinion(plan: Plan, new: bytes, folder: str) -> beside.Opinion:
    around = plan.around
    files = (*around.below, beside.GIVEN, *around.others)
    before = beside.compose(plan.data, files, folder, around.env_files)
    if not before.accepted:
        return before
    after = beside.compose(new, files, folder, around.env_files)
    if after.accepted is False:
        raise HullwardError(
            f"docker compose would not accept the new text: {after.words}",
            "Nothing was written. Please report it, with the file if you can.",
        )
    return after


def _chosen(path: str, names: Sequence[str], project: Project) -> Sequence[str]:
    there = [service.name for service in project.services]
    if missing := [name for name in names if name not in there]:
        raise HullwardError(
            f"{path} has no service {', '.join(map(repr, missing))}.",
            f"It has: {', '.join(there)}." if there else "It has none.",
        )
    return names or there


def profiles(project: Project, folders: Sequence[str]) -> dict[str, Known]:
    """Give what the profiles say of each service's image."""
    paths = [Path(folder) for folder in folders]
    return {
        service.name: Known(needs=needs.load(service.container.image, paths))
        for service in project.services
        if service.container.image
    }


def deep(
    project: Project, known: Mapping[str, Known], target: Target, access: Access
) -> dict[str, Known]:
    """Add what the engine tells of itself and of the images that it has, with their content.

    Raises HullwardError for an engine that does not answer.
    """
    # A service that is built here gets another image with every build.
    names = {
        service.name: service.container.image
        for service in project.services
        if service.container.image and service.build is None
    }
    with reader.engine(target, access) as client:
        found = named_images.collect(client, set(names.values()))
    return dict(known) | {
        name: replace(
            known.get(name, Known()),
            image=found.images.get(image),
            engine=found.engine,
            gap=f"the engine does not have {image}",
        )
        for name, image in names.items()
    }


def file_of(path: str) -> str:
    """Give the compose file of a folder, any other path as it is."""
    if not compose_files.is_folder(path):
        return path
    names = [name for name in reading.DEFAULT_NAMES if files.exists(f"{path.rstrip('/')}/{name}")]
    if not names:
        raise HullwardError(f"There is no compose file in {path}.", "Name the file.")
    return f"{path.rstrip('/')}/{names[0]}"


def laid(path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give what docker compose reads with a file by itself: below it, and over it."""
    together = compose_files.beside(path)
    at = together.index(path)
    return together[:at], together[at + 1 :]
