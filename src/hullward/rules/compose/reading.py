"""What could not be read of a project."""

from hullward.compose.model import Project
from hullward.model.rule import Unknown
from hullward.model.severity import Severity
from hullward.rules.compose.rule import Spot, Spots, project_rule

_PROJECT = "project"


@project_rule(
    id="compose-incomplete",
    title="Parts of the project could not be read",
    severity=Severity.MEDIUM,
    rationale=(
        "What is included from elsewhere, or refused by compose, was not judged: services and "
        "settings may be missing from every other verdict. The exit status is 2 then."
    ),
    remedy="Name local files that can be read; `docker compose config` says what it makes of them.",
    refs=("docs.docker.com/reference/compose-file/include",),
)
def incomplete(project: Project) -> Spots:
    """Unknown for each problem of the reading; it never fails."""
    for problem in project.problems:
        yield Spot(Unknown(problem.what), problem.place, _PROJECT)
