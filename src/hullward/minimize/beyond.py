"""Trials beyond capabilities, on what the search found: a user, a read-only root, no privileges."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from hullward.minimize import confine, looking, oracle
from hullward.minimize.clone import Subject, Variant
from hullward.minimize.confine import Writable
from hullward.minimize.looking import Look
from hullward.minimize.oracle import Difference, Life, Norm
from hullward.minimize.search import Set
from hullward.model.certificate import Tried

_NO_NEW = "no-new-privileges:true"


class Known(Struct, frozen=True):
    """What the baselines taught about a subject."""

    subject: Subject
    lives: Sequence[Life]
    looks: Sequence[Look]
    learned: Norm
    seeded: bool


class Idea(Struct, frozen=True):
    """A way to confine the subject, how to write it, and which facts it changes on purpose."""

    what: str
    variant: Variant
    options: tuple[str, ...]
    compose: Mapping[str, str | tuple[str, ...]]
    expected: tuple[str, ...] = ()


Ask = Callable[[str], str]
Run = Callable[[Sequence[Idea]], Sequence[Life]]


def explore(known: Known, minimum: Set, run: Run, ask: Ask) -> Iterator[Tried]:
    """Try each idea; what is not tried because the subject has it already is left out."""
    users = list(_users(known))
    together = list(_together(known, minimum, ask))
    lives = run([*users, *together])
    for idea, life in zip(users, lives, strict=False):
        yield _judged(known, idea, life)
    for idea, life in zip(together, lives[len(users) :], strict=True):
        tried = _judged(known, idea, life)
        parts = [] if tried.works else list(_parts(idea, minimum))
        yield tried
        for part, one in zip(parts, run(parts), strict=True):
            yield _judged(known, part, one)


def _users(known: Known) -> Iterator[Idea]:
    """Give the user of the service in its steady state, with no capability at all."""
    user = confine.steady_user([look for look in known.looks if look.processes])
    if not user or known.subject.user not in {"", "0", "root", "0:0", "root:root"}:
        return
    variant = Variant(frozenset(), no_new_privileges=True, user=user)
    options = ("--cap-drop=ALL", "--security-opt=no-new-privileges", f"--user={user}")
    compose: Mapping[str, str | tuple[str, ...]] = {
        "user": user,
        "cap_drop": ("ALL",),
        "security_opt": (_NO_NEW,),
    }
    expected = ("process", "owner")
    yield Idea(f"user {user} without any capability", variant, options, compose, expected)
    if known.seeded:
        again = Variant(frozenset(), no_new_privileges=True, user=user, seeded=True)
        what = f"user {user} without any capability, on volumes that are prepared"
        yield Idea(what, again, options, compose, (*expected, "file", "size"))


def _together(known: Known, minimum: Set, ask: Ask) -> Iterator[Idea]:
    subject = known.subject
    no_new = any(option.startswith("no-new-privileges") for option in subject.security)
    if subject.read_only and no_new:
        return
    place = Writable({}, (), ()) if subject.read_only else _writable(known, ask)
    read_only = not subject.read_only and not place.refused
    if not read_only and no_new:
        return
    yield _idea(minimum, place if read_only else None, no_new=not no_new)


def _writable(known: Known, ask: Ask) -> Writable:
    files = known.lives[0].files
    folders = confine.written_folders(files, [mount.target for mount in known.subject.mounts])
    lowers = next((look.lowers for look in known.looks if look.lowers), ())
    around = confine.with_parents(folders)
    said = ask(looking.originals_script(lowers, around)) if around and lowers else ""
    return confine.writable(folders, confine.originals(said))


def _idea(minimum: Set, place: Writable | None, *, no_new: bool) -> Idea:
    """Compose one idea of no new privileges, a read-only root, or both."""
    words, options, compose = [], [], dict[str, str | tuple[str, ...]]()
    if no_new:
        words.append("no new privileges")
        options.append("--security-opt=no-new-privileges")
        compose["security_opt"] = (_NO_NEW,)
    if place is not None:
        words.append("a read-only root")
        options += ["--read-only", *(f"--tmpfs={path}:{how}" for path, how in place.tmpfs.items())]
        options += [f"--volume={path}" for path in place.volumes]
        compose |= {
            "read_only": "true",
            "tmpfs": tuple(f"{path}:{how}" for path, how in place.tmpfs.items()),
            "volumes": place.volumes,
        }
    variant = Variant(
        minimum,
        no_new_privileges=no_new,
        read_only=place is not None,
        tmpfs=place.tmpfs if place else {},
        volumes=place.volumes if place else (),
    )
    expected = ("root file",) if place is not None else ()
    shown = {key: value for key, value in compose.items() if value}
    return Idea(" and ".join(words), variant, tuple(options), shown, expected)


def _parts(idea: Idea, minimum: Set) -> Iterator[Idea]:
    """Take an idea apart, if it had two parts."""
    variant = idea.variant
    if variant.no_new_privileges and variant.read_only:
        yield _idea(minimum, None, no_new=True)
        yield _idea(minimum, Writable(variant.tmpfs, variant.volumes, ()), no_new=False)


def _judged(known: Known, idea: Idea, life: Life) -> Tried:
    """Judge a life by what it was not meant to change."""
    if not life.ok:
        said = oracle.differences(known.learned, life)
        lines = [d for d in said if d.kind == "log"]
        evidence = (life.why, *oracle.summary(lines))
        return Tried(idea.what, works=False, evidence=evidence)
    volumes = tuple(mount.target for mount in known.subject.mounts)
    found = [
        difference
        for difference in oracle.differences(known.learned, life)
        if not _meant(difference, idea.expected, volumes)
    ]
    if found:
        return Tried(idea.what, works=False, evidence=oracle.summary(found))
    return Tried(idea.what, works=True, options=idea.options, compose=idea.compose)


def _meant(difference: Difference, expected: Sequence[str], volumes: tuple[str, ...]) -> bool:
    kind, of_file = difference.kind, difference.kind in {"file", "size"}
    if kind.startswith("process"):
        return "process" in expected
    if of_file and "owner" in expected and difference.after:
        return True
    if of_file and "root file" in expected:
        return not any(difference.place.startswith(volume) for volume in volumes)
    return kind in expected
