"""The job of sshd: gather, prove that a key works, rehearse, and prove what the server does."""

import getpass
import shlex
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from hullward import flow
from hullward.apply.journal import Entry
from hullward.collect import bundle, collector, sshd, sshd_keep
from hullward.fixes import host_keys
from hullward.fixes import sshd as fix
from hullward.fixes.sshd_checks import CANDIDATE
from hullward.fixes.sshd_lines import PLAIN, Wish
from hullward.host import login, offer, reader, rehearsal, ssh_settings
from hullward.host.contexts import Target
from hullward.host.deadline import Deadline
from hullward.host.endpoints import SshEndpoint
from hullward.host.hands import Hands
from hullward.host.login import Login
from hullward.host.reader import Access
from hullward.jobs.machine import Machine
from hullward.judge import judge
from hullward.model.errors import HullwardError
from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.plan import Act, Plan
from hullward.model.report import Outcome
from hullward.model.sshd import Keep, Sshd
from hullward.rules import ALL

JOB = fix.JOB
_NOTHING = "Nothing was changed."
# Where systemd holds the socket: the sessions live on, the next connection starts the server anew.
_STOP = """
systemctl is-active -q "$1" || exit 0
[ "$(systemctl show -p KillMode --value "$1")" = process ] ||
  { echo "to stop $1 would end every session, as its KillMode is not process"; exit 1; }
exec systemctl stop "$1"
"""
_SETTLE_SECONDS, _TRIES = 1.0, 10


def looked(target: str, found: Sshd | str) -> Snapshot:
    """Make a snapshot of what was found, for the rules about ssh."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(found, str):
        return Snapshot(target, now, host=Host(gaps={"sshd": found}))
    return Snapshot(target, now, host=Host(sshd=found))


def gathered(machine: Machine) -> tuple[Sshd, Keep]:
    """Look at the server as root; raises HullwardError for any doubt."""
    script = collector.script((*sshd.QUESTIONS, *sshd_keep.QUESTIONS))
    answers = bundle.parse(machine.journal.hands.run(script, 60).out.encode())
    found, keep = sshd.parse(answers), sshd_keep.parse(answers)
    for why in (found, keep):
        if isinstance(why, str):
            raise HullwardError(f"sshd cannot be hardened: {why}.", _NOTHING)
    assert isinstance(found, Sshd)  # noqa: S101 - as the loop has seen
    assert isinstance(keep, Keep)  # noqa: S101 - likewise
    return found, keep


class Request(Struct, frozen=True):
    """What is asked for; `others` are the targets that the person knows, by their names.

    `rehearsed` False leaves it to the revert timer where a login cannot be rehearsed.
    """

    wish: Wish = PLAIN
    within: int | None = None
    others: Mapping[str, SshEndpoint] = {}
    rehearsed: bool = True


def harden(machine: Machine, request: Request, person: flow.Person) -> Plan | None:
    """Harden the server; None where the person does not agree."""
    machine.journal.idle()
    found, keep = gathered(machine)
    files = machine.journal.look(fix.files(found))
    plan = fix.harden(found, keep, files, _reload(found), request.wish)
    endpoint = _endpoint(machine, found)
    person.hears("Proving that a key logs in")
    proven = login.by_key(endpoint, Deadline(machine.access.timeout), machine.access)
    if isinstance(proven, str):
        raise _no_key(machine, keep, found, proven)
    if request.wish.strict:
        plan = _without_forwarding(machine, plan, request)
    if request.wish.host_keys:
        plan = _with_pins(machine, plan, (found, keep))
    if not request.rehearsed:
        plan = _unrehearsed(plan)
    if request.within:
        plan = replace(plan, within=request.within)
    return plan if flow.change(machine.journal, plan, work(machine, plan), person) else None


def work(machine: Machine, plan: Plan) -> flow.Work:
    """Say how the job proves a plan. The way back is proven by the connection that confirms it."""

    def rehearse(entry: Entry) -> None:
        words = plan.forth.rehearsal.split()
        if fix.KEYS in words:
            _pin(machine)
        if fix.LOGIN in words:
            _rehearse(machine, entry)

    def prove(_: Entry) -> None:
        if plan.forth.proof:
            _prove(machine, plan.forth.proof)

    return flow.Work(rehearse, prove)


def _unrehearsed(plan: Plan) -> Plan:
    words = [word for word in plan.forth.rehearsal.split() if word != fix.LOGIN]
    note = "no login is rehearsed: only the host's timer stands behind the change"
    forth = replace(plan.forth, rehearsal=" ".join(words), notes=(*plan.forth.notes, note))
    return replace(plan, forth=forth)


def _without_forwarding(machine: Machine, plan: Plan, request: Request) -> Plan:
    """Refuse where somebody jumps through this host; remember whether docker comes over ssh."""
    endpoint = machine.target.endpoint
    if not isinstance(endpoint, SshEndpoint):
        raise HullwardError(
            "--strict needs an ssh:// target: who jumps through this host is known elsewhere.",
            f"Run it from where you log in from. {_NOTHING}",
        )
    others = {name: other for name, other in request.others.items() if other != endpoint}
    jumping = ssh_settings.jumping(others, endpoint, machine.access)
    if jumping:
        raise HullwardError(
            f"These are reached by a jump through {endpoint.host}: {', '.join(jumping)}.",
            f"Without forwarding they could not be any more; leave out --strict. {_NOTHING}",
        )
    if _docker(machine):
        return plan
    proof = f"{plan.forth.proof} {fix.DOCKER}"
    return replace(plan, forth=replace(plan.forth, proof=proof))


def _docker(machine: Machine) -> str:
    """Try docker over ssh; says why it does not work."""
    try:
        with reader.engine(machine.target, machine.access) as client:
            client.negotiate()
    except HullwardError as error:
        return error.what
    return ""


def _with_pins(machine: Machine, plan: Plan, about: tuple[Sshd, Keep]) -> Plan:
    """Say which known_hosts of this machine get a key that stays; refuse one that is not ours."""
    settings = ssh_settings.ask(_endpoint(machine, about[0]), machine.access)
    name = ssh_settings.looked_up(settings)
    for path in host_keys.lacking(ssh_settings.known_hosts(settings, "global"), name, *about):
        raise HullwardError(
            f"{path} knows this host by a key alone that is to go.",
            f"Its owner adds another one: `ssh-keyscan -t ed25519 HOST`, compared. {_NOTHING}",
        )
    own = host_keys.lacking(ssh_settings.known_hosts(settings, "user"), name, *about)
    notes = tuple(f"{path} gets a host key that stays, beside the one that goes" for path in own)
    return replace(plan, forth=replace(plan.forth, notes=plan.forth.notes + notes))


def _pin(machine: Machine) -> None:
    """Add to the person's known_hosts what came over the connection that they trust already."""
    found, keep = gathered(machine)
    settings = ssh_settings.ask(_endpoint(machine, found), machine.access)
    name = ssh_settings.looked_up(settings)
    for path, text in ssh_settings.known_hosts(settings, "user").items():
        if lines := host_keys.pins(text, name, found, keep):
            ssh_settings.append(path, lines)


def _reload(found: Sshd) -> Act:
    """Give the command that makes sshd read its files; it must be right on the way back as well."""
    words = shlex.split(found.reload)
    if words[:2] == ["systemctl", "stop"]:
        return Act(("sh", "-c", _STOP, "-", words[-1]), f"{found.reload}, which its socket starts")
    if words[0] in {"systemctl", "rc-service"}:
        return Act(tuple(words))
    return Act(("sh", "-c", sshd_keep.RELOAD), "kill -HUP the sshd that waits for connections")


def _endpoint(machine: Machine, found: Sshd | None = None) -> SshEndpoint:
    """Say where the person at the keyboard logs in: on this machine, at its own sshd."""
    endpoint = machine.target.endpoint
    if isinstance(endpoint, SshEndpoint):
        return endpoint
    port = (found.settings or {}).get("port") if found else None
    number = port.value.split()[0] if port else ""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # an account without a name: ssh says what it makes of that
        user = ""
    return SshEndpoint("localhost", user, int(number) if number.isdecimal() else 0)


def _no_key(machine: Machine, keep: Keep, found: Sshd, why: str) -> HullwardError:
    have = sorted({key.user for key in found.login_keys or () if key.type and not key.forced})
    others = [name for name in have if name in keep.admins and name != keep.person]
    left = (
        f"only {', '.join(others)} could log in any more"
        if others
        else "no account that can administer it could log in any more"
    )
    host = _endpoint(machine, found).host
    return HullwardError(
        f"No key login works for {keep.person} on {host} ({why}), and {left}.",
        f"`ssh-copy-id {host}` puts your key there; `ssh -o PreferredAuthentications=publickey "
        f"{host}` must work. {_NOTHING}",
    )


def _rehearse(machine: Machine, entry: Entry) -> None:
    """Log in by key to the server with the new files, before anything is changed."""
    found, keep = gathered(machine)
    ready = entry.candidate(CANDIDATE)
    command = (found.program, *keep.arguments, "-i", "-e", "-f", ready)
    hands = machine.journal.hands
    assert isinstance(hands, Hands)  # noqa: S101 - a rehearsal needs a machine
    endpoint = _endpoint(machine, found)
    tried = rehearsal.login(hands, command, endpoint, Deadline(machine.access.timeout))
    if isinstance(tried, Login):
        return
    present = (found.program, *keep.arguments, "-i", "-e", "-f", found.config)
    now = rehearsal.login(hands, present, endpoint, Deadline(machine.access.timeout))
    if isinstance(now, str):
        raise HullwardError(
            f"The login cannot be rehearsed, not even with the files of now: {now}.",
            "A rehearsal has no address, so from= of a key, Match Address and AllowUsers with a "
            "host refuse it. --without-rehearsal relies on the host's timer alone.",
        )
    raise HullwardError(f"With the new files {keep.person} could not log in any more: {tried}.", "")


def _prove(machine: Machine, proof: str) -> None:
    """Log in anew, ask the server what it offers, and judge it by the rules."""
    time.sleep(_SETTLE_SECONDS)  # a server that is told to reload serves on for a moment
    remote = isinstance(machine.target.endpoint, SshEndpoint)
    endpoint = _endpoint(machine, None if remote else gathered(machine)[0])
    proven = _logged_in(machine, endpoint)
    if isinstance(proven, str):
        raise HullwardError(f"A new login by key does not work: {proven}.", "")
    found, _ = gathered(machine)
    offered = offer.ask(_endpoint(machine, found), Deadline(machine.access.timeout), machine.access)
    # On which ports systemd listens is another matter, and was so before.
    seen = looked(machine.target.name, replace(found, socket=None))
    snapshot = flow.with_offer(seen, offered)
    rules = [rule for rule in ALL if rule.id in fix.cleared(proof) | {"ssh-running-differs"}]
    report = judge(snapshot, rules, [], datetime.now(UTC).date())
    for verdict in report.verdicts:
        if verdict.outcome in {Outcome.FAIL, Outcome.BROKEN}:
            raise HullwardError(
                f"The server is not what it should be: {verdict.evidence or verdict.reason}.", ""
            )
    gone = host_keys.retired(found) if fix.KEYS in proof.split() else ()
    if gone:
        raise HullwardError(f"The server still loads {gone[0].path}.", "")
    why = _docker(machine) if fix.DOCKER in proof.split() else ""
    if why:
        raise HullwardError(f"Docker does not come over ssh any more: {why}", "")


def _logged_in(machine: Machine, endpoint: SshEndpoint) -> Login | str:
    """Log in by key, as soon as the server listens again."""
    proven: Login | str = ""
    for _ in range(_TRIES):
        proven = login.by_key(endpoint, Deadline(machine.access.timeout), machine.access)
        if isinstance(proven, Login) or "refused" not in proven:
            break
        time.sleep(_SETTLE_SECONDS)
    return proven


def checked(target: Target, access: Access, *, offered: bool) -> Snapshot:
    """Look at the server alone, with as much as this login may see, and change nothing."""
    said = reader.ask_host(target, collector.script(sshd.QUESTIONS), access)
    snapshot = looked(target.name, sshd.parse(bundle.parse(said)))
    if not offered:
        return snapshot
    return flow.with_offer(snapshot, reader.offer(target, access, Deadline(access.timeout)))
