"""The flow for files: read -> judge -> report; it never changes anything."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from hullward import judge, judge_compose
from hullward.collect import settings
from hullward.compose import built, comments, nodes, text
from hullward.compose import project as reading
from hullward.compose.model import Build
from hullward.host import compose_files, files
from hullward.judge_compose import Written
from hullward.model.errors import HullwardError
from hullward.model.recipe import Recipe
from hullward.model.report import HostReport, Located, Report
from hullward.model.rule import Rule, Unknown
from hullward.model.waiver import Waiver
from hullward.rules import ALL
from hullward.rules.compose.rule import Document

SETTINGS_FILE = "hullward.toml"
# Compose opens files of variables too.
_YAML = (".yaml", ".yml", ".json")


class Group(Struct, frozen=True):
    """Files that are read together; `found` says that nobody named them."""

    files: tuple[str, ...]
    found: bool = False

    @property
    def name(self) -> str:
        """What the report calls them."""
        return " + ".join(self.files)


class Choice(Struct, frozen=True):
    """What to judge by: rules, waivers, and the services' profiles, () for all services."""

    rules: tuple[Rule, ...]
    waivers: tuple[Waiver, ...] = ()
    profiles: tuple[str, ...] = ()


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


def groups(paths: Iterable[str]) -> Iterator[Group]:
    """Give the projects that paths mean: a file with its override, or all of a folder."""
    for path in paths:
        if compose_files.is_folder(path):
            yield from (Group(found, found=True) for found in compose_files.find(path))
        else:
            yield Group(compose_files.beside(path))


def check(
    wanted: Sequence[Group],
    choice: Choice,
    around: Surroundings,
    tell: Callable[[int], None] = lambda _: None,
) -> Report:
    """Read and judge every group; `tell` is called with the number that is done."""
    now = datetime.now(UTC)
    asked = {rule.id: rule for rule in choice.rules}
    catalogue = [asked.get(rule.id, rule) for rule in ALL]
    hosts: list[HostReport] = []
    notes: list[str] = [judge_compose.NOTE]
    for done, group in enumerate(wanted, 1):
        look = _read(group, around, choice, now)
        if isinstance(look, Failure):
            if look.template and group.found:
                notes.append(f"Skipped: {look.what}. {look.advice}")
            else:
                hosts.append(HostReport(look.target, error=look.what, advice=look.advice))
        else:
            host = judge_compose.check(look, catalogue, choice.waivers, now.date(), asked)
            hosts.append(host)
            notes += judge_compose.ignore_notes(look, _located(host))
        tell(done)
    notes += judge.waiver_notes(hosts, choice.waivers, now.date())
    return Report(now.strftime("%Y-%m-%dT%H:%M:%SZ"), tuple(hosts), tuple(notes))


def waivers(path: str) -> tuple[Waiver, ...]:
    """Read the waivers of the settings file: the named one, or hullward.toml where there is one."""
    if not path and not files.exists(SETTINGS_FILE):
        return ()
    name = path or SETTINGS_FILE
    data = files.read(name, what="settings file")
    return settings.parse(data, name, [rule.id for rule in ALL]).waiver


def _located(host: HostReport) -> list[Located]:
    return [verdict for verdict in host.verdicts if isinstance(verdict, Located)]


def _read(group: Group, around: Surroundings, choice: Choice, now: datetime) -> Written | Failure:
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
            profiles=choice.profiles,
        )
        yamls = [p for p in project.files if p in group.files or p.endswith(_YAML)]
        written = [_documents(path, load) for path in yamls]
    except HullwardError as error:
        return Failure(group.name, error.what, error.advice, _is_template(contents, group.files))
    recipes = {s.name: _recipe(s.build, load) for s in project.services if s.build}
    return Written(
        group.name,
        built.completed(project, recipes),
        tuple(document for documents, _ in written for document in documents),
        tuple(ignore for _, ignores in written for ignore in ignores),
        recipes,
        now.strftime("%Y-%m-%dT%H:%M:%SZ"),
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


def _documents(
    path: str, load: Callable[[str], bytes]
) -> tuple[list[Document], tuple[comments.Ignore | comments.Misread, ...]]:
    """Give a file as it is written, and its waivers."""
    content = text.decode(load(path), path)
    roots = nodes.documents(content, path)
    return [Document(path, root) for root in roots], comments.ignores(content, roots, path)


def _is_template(contents: Mapping[str, bytes], named: Sequence[str]) -> bool:
    """Whether what could not be read is a template, and no broken compose file."""
    for path in named:
        try:
            text.refuse_template(text.decode(contents.get(path, b""), path), path, broken=True)
        except HullwardError:
            return True
    return False
