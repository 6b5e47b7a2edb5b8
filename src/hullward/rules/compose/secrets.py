"""Secrets that lie in the file, or come from where everybody can read them."""

from hullward.compose.literals import literals
from hullward.compose.model import Place, Project, Service
from hullward.model.rule import Fail
from hullward.model.severity import Severity
from hullward.rules.compose.rule import Document, Spot, Spots, project_rule, service_rule, text_rule

_PROJECT = "project"
_GUESSED = frozenset({"a password or key", "the hash of a password"})


@text_rule(
    id="compose-literal-secret",
    title="A secret is written out in the file",
    severity=Severity.HIGH,
    rationale=(
        "A compose file is copied, backed up and pushed to a repository, and every clone keeps the "
        "secret for ever. Values are never kept or printed by hullward."
    ),
    remedy=(
        "Change the secret, and hand it over as a file: `secrets:` with `file:` outside the "
        "repository and NAME_FILE where the image knows it, else `${NAME:?}` from an env file."
    ),
    refs=("docs.docker.com/compose/how-tos/use-secrets", "cis-docker:4.10", "CWE-798"),
)
def literal_secret(document: Document) -> Spots:
    """Fail for each; medium where only the name says that it is one."""
    for found in literals(document.root):
        named = f"{found.name}: " if found.name else ""
        yield Spot(
            Fail(
                f"{found.where}: {named}{found.kind}",
                Severity.MEDIUM if found.kind in _GUESSED else None,
            ),
            Place(document.path, found.mark.line, found.mark.column),
            found.subject or _PROJECT,
        )


@service_rule(
    id="compose-env-file",
    title="All variables of a file are handed over",
    severity=Severity.INFO,
    rationale=(
        "`env_file` gives the program every variable of the file, also those that only other "
        "services need; `docker inspect` and every child process show them."
    ),
    remedy="List the variables that it needs in `environment:`, and hand secrets over as files.",
    refs=("docs.docker.com/reference/compose-file/services#env_file", "CWE-526"),
)
def env_file(service: Service, project: Project) -> Spots:
    """Fail for env_file; low for .env, from which compose fills in the whole project."""
    del project
    for path in service.env_files:
        own = path.rpartition("/")[2] == ".env"
        note = ", from which compose takes the variables of the whole project" if own else ""
        yield Spot(
            Fail(f"env_file {path or 'by a variable'}{note}", Severity.LOW if own else None),
            service.keys.get("env_file"),
        )


@project_rule(
    id="compose-environment-secret",
    title="A secret or config comes from the environment",
    severity=Severity.INFO,
    rationale=(
        "The value lies in the environment of whoever runs compose, where its other programs, the "
        "shell's history and process listings may show it."
    ),
    remedy="Use `file:`, with a file that only its owner reads.",
    refs=("docs.docker.com/reference/compose-file/secrets",),
)
def environment_secret(project: Project) -> Spots:
    """Fail for secrets that are made of a variable."""
    for source in project.sources:
        if source.origin == "environment" and source.kind == "secrets":
            said = f"the secret {source.key} is made of a variable"
            yield Spot(Fail(said), source.place, _PROJECT)
