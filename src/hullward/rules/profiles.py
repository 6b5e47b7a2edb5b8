"""Which rules a profile asks, and how grave it finds them."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from msgspec import Struct, field
from msgspec.structs import replace

from hullward.model.errors import HullwardError
from hullward.model.rule import Rule
from hullward.model.severity import Severity


class Profile(Struct, frozen=True):
    """A choice of rules.

    A rule is chosen when its id fits one of the globs `ids`, when one of its references begins
    with one of `sources`, or when it is at least as grave as `grave`; never when its id fits one
    of `without`. `grades` replaces severities, by glob.
    """

    title: str
    ids: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    grave: Severity | None = None
    without: tuple[str, ...] = ()
    grades: Mapping[str, Severity] = field(default_factory=dict)


# Checks of the benchmark's second level; its first level is everything else.
_LEVEL_2 = (
    "host-audit-rule",
    "daemon-cgroup-parent",
    "daemon-userns-off",
    "daemon-no-authorization",
    "daemon-log-on-host",
    "daemon-seccomp",
    "container-exec-session",
    "container-selinux-disabled",
    "swarm-certificate-life",
    "swarm-root-expiry",
)

# What a household does without: nobody shares its engine, and nobody reads its logs elsewhere.
_HYGIENE = (
    "host-audit-rule",
    "daemon-no-authorization",
    "daemon-default-ulimit",
    "daemon-cgroup-parent",
    "daemon-log-on-host",
    "daemon-userland-proxy",
    "daemon-rootful",
    "container-ulimit",
    "container-cgroup-parent",
    "container-no-cpu-limit",
    "swarm-certificate-life",
)

PROFILES: Mapping[str, Profile] = {
    "guide": Profile(
        "The guide's rules, all about containers, and whatever is critical or high",
        ids=("container-*",),
        sources=("guide:",),
        grave=Severity.HIGH,
    ),
    "cis-1": Profile(
        "What the CIS Docker Benchmark asks of every host, by its numbers",
        sources=("cis-docker:",),
        without=_LEVEL_2,
    ),
    "cis-2": Profile(
        "All that the CIS Docker Benchmark asks, by its numbers", sources=("cis-docker:",)
    ),
    "homelab": Profile(
        "Everything but what matters only where people share an engine",
        ids=("*",),
        without=_HYGIENE,
        grades={"daemon-userns-off": Severity.LOW, "swarm-manager-count": Severity.INFO},
    ),
}
DEFAULT = "guide"


def apply(name: str, rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Choose the rules of a profile, with its severities; raises HullwardError for no profile."""
    profile = PROFILES.get(name)
    if profile is None:
        raise HullwardError(f"There is no profile {name!r}.", f"There are: {', '.join(PROFILES)}.")
    return tuple(_graded(rule, profile) for rule in rules if _chosen(rule, profile))


def _chosen(rule: Rule, profile: Profile) -> bool:
    if _fits(rule.id, profile.without):
        return False
    grave = profile.grave is not None and rule.severity.rank >= profile.grave.rank
    return grave or _fits(rule.id, profile.ids) or _cited(rule, profile)


def _cited(rule: Rule, profile: Profile) -> bool:
    return any(reference.startswith(profile.sources) for reference in rule.refs)


def _graded(rule: Rule, profile: Profile) -> Rule:
    for pattern, grade in profile.grades.items():
        if fnmatchcase(rule.id, pattern):
            return replace(rule, severity=grade)
    return rule


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
