"""A file system that a service cannot change, but where it must."""

from posixpath import normpath

from hullward.fixes.compose import fitting
from hullward.fixes.compose.proposal import Answers, Grade, Look, Proposal
from hullward.model.needs import Fit

WRITABLE = "container-writable-root"

# Where programs put what need not last; whatever else an image writes, a trial must show.
_USUAL = ("/run", "/tmp")  # noqa: S108 - paths in a container
_TRIAL = "other paths that it writes need a tmpfs or a volume"


def read_only(look: Look) -> Answers:
    """Propose `read_only: true` with a tmpfs for each path that must stay writable."""
    if gap := look.unresolved("read_only", "mounts"):
        yield look.left(WRITABLE, gap)
        return
    if look.service.container.read_only:
        return
    if "read_only" in look.service.keys:
        yield look.left(WRITABLE, "the file says read_only: false")
        return
    fit = fitting.fit(look)
    if fit is None or fit.needs.read_only is None:
        reason = "nothing is known of the paths that it writes; /run and /tmp are the usual ones"
        yield _proposal(look, Grade.GUESS, _USUAL, reason)
    elif not fit.needs.read_only:
        yield look.left(WRITABLE, f"the image writes to its root: {fitting.source(fit)}")
    else:
        yield from _known(look, fit)


def _known(look: Look, fit: Fit) -> Answers:
    if missing := [path for path in fit.needs.volumes if not _covered(look, path)]:
        reason = f"it needs a volume at {', '.join(missing)}"
        yield look.left(WRITABLE, f"{reason}: {fitting.source(fit)}")
        return
    yield _proposal(look, fitting.grade(fit), fit.needs.tmpfs, fitting.source(fit))


def _proposal(look: Look, grade: Grade, paths: tuple[str, ...], reason: str) -> Proposal:
    lines = [look.line(("read_only",), value=True, reason=reason)]
    wanted = [path for path in paths if not _covered(look, path.partition(":")[0])]
    if wanted:
        value = tuple(path.replace("$", "$$") for path in wanted)
        lines.append(look.line(("tmpfs",), value, "it must stay writable, and need not last"))
    return Proposal(look.name, WRITABLE, grade, tuple(lines), _TRIAL)


def _covered(look: Look, path: str) -> bool:
    """Whether a mount keeps a path writable."""
    targets = [m.target for m in look.service.container.mounts if m.writable]
    targets += [tmpfs.target for tmpfs in look.service.tmpfs]
    return any(_within(normpath(path), normpath(target)) for target in targets)


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
