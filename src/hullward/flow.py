"""The two flows. Look: collect -> judge -> report; it never changes anything."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from hullward import judge
from hullward.collect import engine, processes, saved, settings
from hullward.host import files, reader
from hullward.host.contexts import Target
from hullward.host.reader import Access
from hullward.model.errors import HullwardError
from hullward.model.facts import Snapshot
from hullward.model.report import HostReport, Report
from hullward.model.rule import Rule
from hullward.model.waiver import Waiver
from hullward.rules import ALL

SETTINGS_FILE = "hullward.toml"


class Failure(Struct, frozen=True):
    """A target that could not be looked at: a row of the report, not the end of it."""

    target: str
    what: str
    advice: str


def collect(target: Target, access: Access, *, stopped: bool = False) -> Snapshot | Failure:
    """Look at one target; what keeps it from being seen is a value."""
    try:
        with reader.engine(target, access) as client:
            snapshot = engine.collect(client, target.name, datetime.now(UTC), stopped=stopped)
    except HullwardError as error:
        return Failure(target.name, error.what, error.advice)
    proc = reader.proc(target)
    if isinstance(proc, str):
        return processes.without(snapshot, proc)
    return processes.collect(proc, snapshot)


def load(paths: Iterable[str]) -> tuple[Snapshot, ...]:
    """Read the snapshots of files; raises HullwardError for one that cannot be read."""
    return tuple(
        snapshot
        for path in paths
        for snapshot in saved.load(files.read(path, what="snapshot"), path)
    )


def save(path: str, snapshots: Sequence[Snapshot]) -> None:
    """Write snapshots to a file."""
    files.write(path, saved.dump(snapshots))


def waivers(path: str) -> tuple[Waiver, ...]:
    """Read the waivers of the settings file: the named one, or hullward.toml where there is one."""
    if not path and not files.exists(SETTINGS_FILE):
        return ()
    name = path or SETTINGS_FILE
    data = files.read(name, what="settings file")
    return settings.parse(data, name, [rule.id for rule in ALL]).waiver


def report(
    looks: Iterable[Snapshot | Failure], rules: Sequence[Rule], accepted: Sequence[Waiver]
) -> Report:
    """Judge every look, and keep the failures as rows."""
    now = datetime.now(UTC)
    asked = frozenset(rule.id for rule in rules)
    hosts = tuple(
        HostReport(look.target, error=look.what, advice=look.advice)
        if isinstance(look, Failure)
        else judge.judge(look, ALL, accepted, now.date(), asked=asked)
        for look in looks
    )
    notes = judge.waiver_notes(hosts, accepted, now.date())
    return Report(now.strftime("%Y-%m-%dT%H:%M:%SZ"), hosts, notes)
