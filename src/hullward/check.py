"""The flow for files: read -> judge -> report; it never changes anything."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from hullward import judge, judge_compose
from hullward.compose import built, comments, text
from hullward.compose import project as reading
from hullward.compose.model import Build, Project
from hullward.host import compose_files
from hullward.judge_compose import Written
from hullward.model.errors import HullwardError
from hullward.model.recipe import Recipe
from hullward.model.report import Fix, HostReport, Located, Report
from hullward.model.rule import Rule, Unknown
from hullward.model.settings import Settings
from hullward.rules import ALL
from hullward.rules.compose.rule import Document

_TIME = "%Y-%m-%dT%H:%M:%SZ"
_FEW = 5


class Group(Struct, frozen=True):
    """Files that are read together; `found` says that nobody named them.

    With an `error` they could not even be found.
    """

    files: tuple[str, ...]
    found: bool = False
    error: HullwardError | None = None

    @property
    def name(self) -> str:
        """What the report calls them."""
        return " + ".join(self.files)


class Choice(Struct, frozen=True):
    """What to judge by: rules, the owner's settings, and whether to offer fixes, and guesses too.

    `profiles` are those of services: with some, only services that compose starts are judged.
    """

    rules: tuple[Rule, ...]
    settings: Settings = Settings()
    profiles: tuple[str, ...] = ()
    fixes: bool = False
    guess: bool = False


class Surroundings(Struct, frozen=True):
    """Where files take variables from: the shell, and files named instead of .env."""

    environment: Mapping[str, str]
    env_files: tuple[str, ...] = ()


class Failure(Struct, frozen=True):
    """Files that could not be read: a row of the report; a template that was found is none."""

    target: str
    what: str
    advice: str
    template: bool = False


def groups(paths: Iterable[str]) -> tuple[Group, ...]:
    """Give the projects that paths mean, each once: a file and its override, or all of a folder."""
    found: dict[tuple[str, ...], Group] = {}
    errors = []
    for path in paths:
        folder = compose_files.is_folder(path)
        for names in compose_files.find(path) if folder else (compose_files.beside(path),):
            if isinstance(names, HullwardError):
                errors.append(Group((path,), found=True, error=names))
            else:
                found.setdefault(names, Group(names, found=folder))
    return (*found.values(), *errors)


def check(
    wanted: Sequence[Group],
    choice: Choice,
    around: Surroundings,
    tell: Callable[[int], None] = lambda _: None,
) -> Report:
    """Read and judge every group; `tell` is called with the number that is done."""
    now = datetime.now(UTC)
    asked = {rule.id: rule for rule in choice.rules}
    catalogue = [asked.get(rule.id, rule) for rule in ALL if judge_compose.answers(rule)]
    hosts: list[HostReport] = []
    notes: list[str] = [judge_compose.NOTE]
    fixes: list[Fix] = []
    templates: list[str] = []
    for done, group in enumerate(wanted, 1):
        look = _read(group, around, choice, now)
        if isinstance(look, Failure) and look.template and group.found:
            templates.append(group.name)
        elif isinstance(look, Failure):
            hosts.append(HostReport(look.target, error=look.what, advice=look.advice))
        else:
            host = judge_compose.check(look, catalogue, choice.settings.waiver, now.date(), asked)
            notes += judge_compose.ignore_notes(look, _located(host))
            hosts.append(_named(host, group))
            fixes += _fixes(look, group, choice) if choice.fixes else ()
        tell(done)
    notes += [*_skipped(templates), *judge.waiver_notes(hosts, choice.settings.waiver, now.date())]
    return Report(now.strftime(_TIME), tuple(hosts), tuple(notes), tuple(fixes))


def _skipped(templates: Sequence[str]) -> Iterator[str]:
    if templates:
        first = ", ".join(templates[:_FEW])
        more = f" and {len(templates) - _FEW} more" if len(templates) > _FEW else ""
        yield f"Templates are no compose files: {first}{more}. Render them, and name the result."


def _named(host: HostReport, group: Group) -> HostReport:
    """Name files that nobody named as people would: from the folder that they are in."""
    verdicts = tuple(
        replace(v, file=_short(v.file, group)) if isinstance(v, Located) else v
        for v in host.verdicts
    )
    return replace(host, verdicts=verdicts)


def _short(path: str, group: Group) -> str:
    """Write a path from this folder on, where the project was named in that way."""
    absolute = group.files[0].startswith("/")
    return path if absolute or path in group.files else compose_files.short(path)


def _located(host: HostReport) -> list[Located]:
    return [verdict for verdict in host.verdicts if isinstance(verdict, Located)]


def _read(group: Group, around: Surroundings, choice: Choice, now: datetime) -> Written | Failure:
    if group.error:
        return Failure(group.name, group.error.what, group.error.advice)
    contents: dict[str, bytes] = {}

    def load(path: str) -> bytes:
        if path not in contents:
            contents[path] = compose_files.load(path)
        return contents[path]

    try:
        project = reading.read(
            group.files,
            around.environment,
            load,
            directory=compose_files.folder(group.files[0]),
            env_files=around.env_files or None,
            profiles=choice.profiles or None,
        )
    except HullwardError as error:
        return Failure(group.name, error.what, error.advice, _is_template(error, contents))
    if choice.profiles:
        project = replace(project, services=tuple(s for s in project.services if s.active))
    recipes = {s.name: _recipe(s.build, load) for s in project.services if s.build}
    return Written(
        group.name,
        built.completed(project, recipes),
        tuple(
            Document(path, root, project.texts[path])
            for path, roots in project.documents.items()
            for root in roots
        ),
        (
            *(
                ignore
                for path, roots in project.documents.items()
                for ignore in comments.ignores(project.texts[path], roots, path)
            ),
            *_in_dockerfiles(recipes.values(), project, load),
        ),
        recipes,
        now.strftime(_TIME),
    )


def _recipe(build: Build, load: Callable[[str], bytes]) -> Recipe | Unknown:
    """Follow the Dockerfile of a build, or say why it cannot be."""
    path = built.path(build)
    try:
        if path:
            return built.read(build, text.decode(load(path), path))
        if build.inline is not None:
            return built.read(build, build.inline)
    except HullwardError as error:
        return Unknown(f"the Dockerfile was not judged: {error.what}")
    return Unknown("the Dockerfile comes with a context from elsewhere")


def _in_dockerfiles(
    recipes: Iterable[Recipe | Unknown], project: Project, load: Callable[[str], bytes]
) -> Iterator[comments.Ignore | comments.Misread]:
    """Give the waivers in Dockerfiles; those of one that is inline are in the compose file."""
    paths = {recipe.path for recipe in recipes if isinstance(recipe, Recipe)}
    for path in sorted(paths):
        if path not in project.documents:
            yield from comments.ignores(text.decode(load(path), path), (), path)


def _is_template(error: HullwardError, contents: Mapping[str, bytes]) -> bool:
    """Whether a file could not be read because it is a template."""
    for path, content in contents.items():
        try:
            text.refuse_template(text.decode(content, path), path, broken=True)
        except HullwardError as other:
            if other.what == error.what:
                return True
    return False


def _fixes(look: Written, group: Group, choice: Choice) -> Iterator[Fix]:
    """Offer what `hullward compose harden` would write into the files that were named."""
    from hullward import harden  # noqa: PLC0415 - only one format asks for it
    from hullward.fixes.compose import offers  # noqa: PLC0415 - likewise

    known = harden.profiles(look.project, choice.settings.profiles)
    for document in look.documents:
        if document.path in group.files:
            yield from offers.offers(document, look.project, known, guess=choice.guess)
