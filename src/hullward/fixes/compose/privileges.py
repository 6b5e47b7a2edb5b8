"""Less power for a service's processes: no new privileges, fewer capabilities, a user."""

from collections.abc import Iterable, Mapping

from hullward.fixes.compose import fitting
from hullward.fixes.compose.proposal import Answers, Grade, Line, Look, Proposal
from hullward.model.facts import Image, ImageFiles
from hullward.model.needs import Fit
from hullward.rules import grants

NEW_PRIVILEGES = "container-new-privileges"
CAPABILITIES = "container-default-capabilities"
ROOT = "container-root"

# What images use that start as root and then become a user of their own: nine services, measured
# one capability at a time, needed 33 between them, of which these are 29.
_USUAL = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "SETGID", "SETUID")
_SHOWN = 3
_DIGITS = len("sha256:") + 12


def no_new_privileges(look: Look) -> Answers:
    """Propose `no-new-privileges:true` where it is not set."""
    if gap := look.unresolved("security_opt"):
        yield look.left(NEW_PRIVILEGES, gap)
        return
    value = grants.option(look.service.container, "no-new-privileges")
    if value is not None:
        if not _set(value):
            yield look.left(NEW_PRIVILEGES, f"the file says no-new-privileges:{value}")
        return
    fit = fitting.fit(look)
    if fit and fit.needs.no_new_privileges is False:
        yield look.left(NEW_PRIVILEGES, f"the image needs new privileges: {fitting.source(fit)}")
        return
    grade, reason = _gains(look, fit)
    line = look.line(("security_opt",), ("no-new-privileges:true",), reason)
    trial = "sudo, su and the like stop working"
    yield Proposal(look.name, NEW_PRIVILEGES, grade, (line,), trial)


def _gains(look: Look, fit: Fit | None) -> tuple[Grade, str]:
    """Say whether a process can gain privileges that it may be meant to gain."""
    engine, image = look.known.engine, look.known.image
    if engine and engine.option("no-new-privileges"):
        return Grade.SAFE, "the engine sets it for every container already"
    files = image.files if image else None
    if image and files is not None and not _programs(files):
        return Grade.SAFE, f"{_named(image)} has no setuid program and no file capability"
    if fit and fit.needs.no_new_privileges:
        return fitting.grade(fit), fitting.source(fit)
    if files is not None:
        return Grade.GUESS, f"the image may use one of {_listed(_programs(files))}"
    return Grade.GUESS, "the image may use a setuid program such as sudo: " + _gap(look)


def capabilities(look: Look) -> Answers:
    """Propose `cap_drop: [ALL]` with what is known to be needed."""
    container = look.service.container
    if gap := look.unresolved("cap_add", "cap_drop", "privileged"):
        yield look.left(CAPABILITIES, gap)
        return
    if "ALL" in {name.upper() for name in container.cap_drop}:
        return
    added = grants.added(container)
    if container.privileged or "ALL" in added:
        what = "privileged" if container.privileged else "cap_add: ALL"
        yield look.left(CAPABILITIES, f"{what} gives them all: take that away first")
        return
    grade, needed, reason = _needed(look)
    lines = [look.line(("cap_drop",), ("ALL",), reason)]
    if missing := tuple(sorted(needed.keys() - added)):
        lines.append(look.line(("cap_add",), missing, _losses(missing, needed)))
    trial = "a missing capability shows as EPERM"
    yield Proposal(look.name, CAPABILITIES, grade, tuple(lines), trial)


def _losses(names: Iterable[str], needed: Mapping[str, str]) -> str:
    """Say what happens without each of these capabilities."""
    by_loss: dict[str, list[str]] = {}
    for name in names:
        by_loss.setdefault(needed[name] or "it fails", []).append(name)
    return "; ".join(f"without {', '.join(some)} {loss}" for loss, some in by_loss.items())


def _needed(look: Look) -> tuple[Grade, dict[str, str], str]:
    """Give the capabilities to keep, each with what it is for, and the reason for the others."""
    uid, fit = _uid(look), fitting.fit(look)
    if uid and (why := _powerless(look)):
        return Grade.SAFE, {}, f"it runs as uid {uid}, which holds no capability; {why}"
    if fit:
        kept = dict.fromkeys(fit.needs.capabilities, "") | dict(fit.needs.tolerated)
        return fitting.grade(fit), kept, fitting.source(fit)
    starts = _starts(look)
    if uid:
        reason = f"it runs as uid {uid}, which holds no capability, but a program of the image may"
        said = f"need one: {', '.join(starts)}" if starts else f"have one of its own: {_gap(look)}"
        return Grade.GUESS, starts, f"{reason} {said}"
    reason = "nothing is known of this image; these are what most images need that start as root"
    usual = dict.fromkeys(_USUAL, "a program that starts as root and becomes another user may fail")
    return Grade.GUESS, usual | starts, f"{reason}. `hullward minimize` measures it"


def _starts(look: Look) -> dict[str, str]:
    """Give the capabilities without which a program of the image does not even start.

    One whose file has the effective bit fails with EPERM where it cannot get what the file grants
    (capabilities(7)); what the container does not hold today it cannot start today.
    """
    image = look.known.image
    files = image.files if image else None
    held = grants.declared(look.service.container)
    return {
        name: f"{program.path} does not start"
        for program in (files.capabilities if files else ())
        if program.effective and held.issuperset(program.names)
        for name in program.names
    }


def _powerless(look: Look) -> str:
    """Say why no process can come to hold a capability, "" where one may."""
    image = look.known.image
    if image is None or image.files is None or image.files.capabilities:
        return ""
    if any(hook.privileged or hook.user for hook in look.service.hooks):
        return ""
    value = grants.option(look.service.container, "no-new-privileges")
    if value is not None and _set(value):
        return f"with no-new-privileges it gets none, and no program of {_named(image)} has one"
    return "" if image.files.setuid else f"no program of {_named(image)} has one or is setuid"


def _uid(look: Look) -> int | None:
    """Give the uid of its first process, None where neither file nor image tells a number."""
    container, image = look.service.container, look.known.image
    gap = look.service.unresolved.get("uid") or look.service.unresolved.get("user")
    if gap and gap.cause != "image":
        return None
    if container.user:
        return None if gap else container.uid
    user = image.user.partition(":")[0] if image else ""
    return int(user) if user.isascii() and user.isdecimal() else None


def user(look: Look) -> Answers:
    """Propose a user that the image is known to run as, where none is set."""
    container = look.service.container
    fit = fitting.with_user(look)
    if fit is None or container.user or look.unresolved("mounts"):
        return
    if look.known.image and look.known.image.user == fit.needs.user:
        return
    owned = [mount.target for mount in container.mounts if mount.writable]
    grade, reason = fitting.grade(fit), fitting.source(fit)
    if owned:
        grade = Grade.GUESS
        reason = f"what is in {', '.join(owned)} must belong to it; {reason}"
    line: Line = look.line(("user",), fit.needs.user.replace("$", "$$"), reason)
    yield Proposal(look.name, ROOT, grade, (line,), "its volumes must belong to this user")


def _set(value: str) -> bool:
    return value == "" or value in {"1", "t", "T", "true", "TRUE", "True"}


def _named(image: Image) -> str:
    """Name an image so that another one of its name is not taken for it."""
    return f"the image {image.id[:_DIGITS]}"


def _programs(files: ImageFiles) -> list[str]:
    owned = [program.path for program in (*files.setuid, *files.setgid)]
    return owned + [program.path for program in files.capabilities]


def _listed(paths: list[str]) -> str:
    rest = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    return f"{', '.join(paths[:_SHOWN])}{rest}"


def _gap(look: Look) -> str:
    image = look.known.image
    return (image.files_gap if image else look.known.gap) or "its content was not read"
