"""The two flows.

Look: collect -> judge -> report; it never changes anything.
Change: plan -> preview -> preflight -> arm -> apply -> activate -> verify -> confirm, and the way
back stands ready from before the first edit until the end.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from hullward.apply.journal import Entry, Journal
from hullward.collect import bundle, engine, processes
from hullward.collect.bundle import Said
from hullward.host import reader
from hullward.host.contexts import Target
from hullward.host.deadline import Deadline
from hullward.host.offer import Offer
from hullward.host.reader import Access
from hullward.model.errors import HullwardError
from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.plan import Plan
from hullward.model.report import HostReport, Report
from hullward.model.rule import Rule
from hullward.model.settings import Settings

SETTINGS_FILE = "hullward.toml"
_NO_SETTINGS = Settings()


class Failure(Struct, frozen=True):
    """A target that could not be looked at: a row of the report, not the end of it."""

    target: str
    what: str
    advice: str


class Wanted(Struct, frozen=True):
    """What to look at: stopped containers too, the `whole` host, the content of images.

    `offered` asks sshd as well, by one more connection, which methods it offers.
    """

    stopped: bool = False
    whole: bool = True
    deep: bool = False
    offered: bool = False


EVERYTHING = Wanted()


def nothing() -> None:
    """Do nothing."""


def collect(
    target: Target,
    access: Access,
    wanted: Wanted = EVERYTHING,
    meanwhile: Callable[[], object] = nothing,
) -> Snapshot | Failure:
    """Look at one target, engine and host at the same time; a failure is a value.

    Where it need not be whole, the host is asked for the processes of containers alone.
    `meanwhile` is done while the engine works on its first answers.
    """
    proc = reader.proc(target)
    deadline = Deadline(access.timeout)
    scans: list[processes.Members | str] = []

    def scan() -> None:
        if not isinstance(proc, str):
            scans.append(processes.scan(proc))

    try:
        with reader.engine(target, access) as client, ThreadPoolExecutor(1) as beside:
            if not isinstance(proc, str):
                client.negotiate()  # a local engine that is not there is told at once
            asked = beside.submit(_ask_host, target, access, whole=wanted.whole)
            snapshot = engine.collect(
                client,
                target.name,
                datetime.now(UTC),
                stopped=wanted.stopped,
                whole=wanted.whole,
                meanwhile=(meanwhile, scan),
            )
            if wanted.deep:
                from hullward.collect import image_files  # noqa: PLC0415 - few need it

                snapshot = image_files.collect(client, snapshot)
            answers = asked.result()
    except HullwardError as error:
        return Failure(target.name, error.what, error.advice)
    found = joined(snapshot, answers, proc, scans[0] if scans else None)
    if wanted.offered and wanted.whole:
        found = with_offer(found, reader.offer(target, access, deadline))
    return found if wanted.whole else without_host(found)


def with_offer(snapshot: Snapshot, offer: Offer | str) -> Snapshot:
    """Keep what sshd really offered beside what its files say, or why that is not known."""
    host = snapshot.host
    if host is None or host.sshd is None:
        return snapshot
    if isinstance(offer, str):
        sshd = replace(host.sshd, gaps={**host.sshd.gaps, "offered": offer})
    else:
        sshd = replace(host.sshd, offered={offer.user: offer.methods})
    return replace(snapshot, host=replace(host, sshd=sshd))


def without_host(snapshot: Snapshot) -> Snapshot:
    """Leave out a host of which only the processes were asked for."""
    gap = "no rule that was asked looks at the host"
    return replace(snapshot, host=None, gaps={**snapshot.gaps, "host": gap})


def _ask_host(target: Target, access: Access, *, whole: bool) -> Mapping[str, Said] | str:
    """Run the collector on the target's machine, or say why it cannot be."""
    if not whole and not isinstance(reader.proc(target), str):
        return "this machine's /proc is read instead"
    from hullward.collect import host  # noqa: PLC0415 - loaded while the engine answers

    script = host.script() if whole else host.processes_script()
    try:
        return bundle.parse(reader.ask_host(target, script, access))
    except HullwardError as error:
        return f"the host was not looked at: {error.what}"


def joined(
    snapshot: Snapshot,
    answers: Mapping[str, Said] | str,
    proc: processes.Proc | str,
    members: processes.Members | str | None = None,
) -> Snapshot:
    """Join what engine and host say, once it is sure that the one runs on the other."""
    found = answers if isinstance(answers, str) else _host(answers)
    if isinstance(found, Host) and (other := _elsewhere(snapshot, found)):
        found = other
    if isinstance(found, str):
        snapshot = replace(snapshot, gaps={**snapshot.gaps, "host": found})
    else:
        snapshot = replace(snapshot, host=found)
    if isinstance(proc, str) and not isinstance(answers, str):
        proc = found if isinstance(found, str) else processes.bundled(answers)
    if isinstance(proc, str):
        return processes.without(snapshot, proc)
    return processes.collect(proc, snapshot, members)


def _host(answers: Mapping[str, Said]) -> Host | str:
    from hullward.collect import host  # noqa: PLC0415 - loaded while the engine answers

    return host.parse(answers)


def _elsewhere(snapshot: Snapshot, found: Host) -> str:
    """Say why the host cannot be the engine's: a socket may lead to another machine."""
    engine = snapshot.engine
    if engine is None or not engine.name:
        return "it is not known on which host the engine runs"
    if (engine.name, engine.kernel) != (found.name, found.kernel):
        return f"the engine runs on {engine.name}, but the host that was asked is {found.name}"
    return ""


def load(paths: Iterable[str]) -> tuple[Snapshot, ...]:
    """Read snapshots, or bundles made by hand; raises HullwardError for what cannot be read."""
    from hullward.host import files  # noqa: PLC0415 - few need it

    read = (unpacked(files.read(path, what="snapshot"), path) for path in paths)
    return tuple(snapshot for snapshots in read for snapshot in snapshots)


def unpacked(data: bytes, name: str) -> tuple[Snapshot, ...]:
    """Read a file of snapshots, or a bundle that was made by hand."""
    if bundle.is_bundle(data):
        return (_by_hand(data, name),)
    from hullward.collect import saved  # noqa: PLC0415 - few need it

    return saved.load(data, name)


def _by_hand(data: bytes, name: str) -> Snapshot:
    """Read a bundle that was made by hand, engine and host."""
    from hullward.collect import by_hand  # noqa: PLC0415 - few need it

    answers = bundle.parse(data)
    made = next(iter(answers.get("made", Said()).text.split()), "")
    when = datetime.fromtimestamp(int(made) if made.isdecimal() else 0, UTC)
    snapshot = engine.collect(by_hand.BundledEngine(answers), name, when)
    return joined(snapshot, answers, "the processes are those in the bundle")


def script() -> str:
    """Give the script for a host that no connection reaches; its output is a bundle."""
    from hullward.collect import by_hand, collector, host  # noqa: PLC0415 - few need it

    return collector.script((*by_hand.QUESTIONS, *host.QUESTIONS))


def host_script() -> str:
    """Give the script that an audit runs on the host."""
    from hullward.collect import host  # noqa: PLC0415 - few need it

    return host.script()


def save(path: str, snapshots: Sequence[Snapshot]) -> None:
    """Write snapshots to a file."""
    from hullward.collect import saved  # noqa: PLC0415 - few need it
    from hullward.host import files  # noqa: PLC0415 - likewise

    files.write(path, saved.dump(snapshots))


def owner_settings(path: str) -> Settings:
    """Read the settings file: the named one, or hullward.toml where there is one."""
    from hullward.host import files  # noqa: PLC0415 - loaded while the engine answers

    if not path and not files.exists(SETTINGS_FILE):
        return Settings()
    name = path or SETTINGS_FILE
    data = files.read(name, what="settings file")
    from hullward.collect import settings  # noqa: PLC0415 - few need it
    from hullward.rules import ALL  # noqa: PLC0415 - loaded while the engine answers

    return settings.parse(data, name, [rule.id for rule in ALL])


def report(
    looks: Iterable[Snapshot | Failure], rules: Sequence[Rule], owner: Settings = _NO_SETTINGS
) -> Report:
    """Judge every look by these rules, as grave as they are here; keep the failures as rows."""
    from hullward import judge  # noqa: PLC0415 - loaded while the engine answers
    from hullward.rules import ALL, port_policy  # noqa: PLC0415 - likewise

    accepted, policy = owner.waiver, owner.firewall
    now = datetime.now(UTC)
    asked = {rule.id: rule for rule in rules}
    catalogue = port_policy.under(policy, [asked.get(rule.id, rule) for rule in ALL])
    hosts = tuple(
        HostReport(look.target, error=look.what, advice=look.advice)
        if isinstance(look, Failure)
        else judge.judge(look, catalogue, accepted, now.date(), asked=asked)
        for look in looks
    )
    notes = judge.waiver_notes(hosts, accepted, now.date())
    return Report(now.strftime("%Y-%m-%dT%H:%M:%SZ"), hosts, notes, policy)


def _nothing(_: Entry) -> None:
    """Rehearse or prove no more than the commands of the plan do."""


class Work(Struct, frozen=True):
    """What a job can do beside its plan.

    `rehearse` tries the staged candidates before anything is changed; `prove` looks at the host
    after the programs took the change. Both raise HullwardError for what must not go on.
    """

    rehearse: Callable[[Entry], None] = _nothing
    prove: Callable[[Entry], None] = _nothing


class Person(Struct, frozen=True):
    """Who wants a change, how they are asked for it, and how they are told of the progress."""

    name: str
    agrees: Callable[[Plan], bool]
    hears: Callable[[str], None]


def change(journal: Journal, plan: Plan, work: Work, person: Person) -> Entry | None:
    """Change a host, or leave it as it was; None where the person does not agree to the preview.

    Raises HullwardError for what went wrong; its advice says what has become of the host.
    """
    if not person.agrees(plan):
        return None
    entry = journal.opened(plan, person.name)
    with _put_back(journal, entry, person):
        person.hears("Checking the new files")
        journal.checked(entry)
        work.rehearse(entry)
    return carry_out(journal, entry, work, person)


def carry_out(journal: Journal, entry: Entry, work: Work, person: Person) -> Entry:
    """Do what is left of a change that is in the journal: arm, apply, activate, verify, confirm."""
    with _put_back(journal, entry, person):
        person.hears(f"Changing; the host takes it back after {entry.plan.within} seconds")
        journal.carried_out(entry)
        person.hears("Verifying")
        work.prove(entry)
        journal.confirmed(entry)
    return entry


@contextmanager
def _put_back(journal: Journal, entry: Entry, person: Person) -> Iterator[None]:
    """Take a change back when anything fails, and say so; the host's timer stands behind this."""
    try:
        yield
    except BaseException as error:
        what = error.what if isinstance(error, HullwardError) else ""
        person.hears("Putting everything back")
        try:
            journal.reverted(entry.number)
        except HullwardError as worse:
            raise HullwardError(
                f"{what or 'Interrupted.'} {worse.what}",
                f"The host takes it back by itself within {entry.plan.within} seconds; "
                "`hullward changes` says whether it has.",
            ) from error
        if not what:
            raise
        advice = getattr(error, "advice", "")
        raise HullwardError(what, f"Everything is as it was before. {advice}".strip()) from error
