"""What became worse, better or otherwise different from one report to the next."""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from hullward.model.report import HostReport, Outcome, Report, Verdict
from hullward.model.severity import Severity


class Kind(StrEnum):
    """In which way a verdict changed; `side` says whether that is worse, better or neither."""

    FOUND = "found"
    APPEARED = "appeared"
    GRAVER = "graver"
    LOST = "lost"
    FIXED = "fixed"
    LEFT = "left"
    MILDER = "milder"
    CLEARED = "cleared"
    HIDDEN = "hidden"
    ACCEPTED = "accepted"
    UNASKED = "unasked"
    EVIDENCE = "evidence"

    @property
    def side(self) -> "Side":
        """Whether it is for the worse, for the better, or only different."""
        kinds = list(Kind)
        if kinds.index(self) <= kinds.index(Kind.LOST):
            return Side.WORSE
        return Side.BETTER if kinds.index(self) <= kinds.index(Kind.CLEARED) else Side.OTHER


class Side(StrEnum):
    """For the worse, for the better, or neither."""

    WORSE = "worse"
    BETTER = "better"
    OTHER = "other"


class Change(Struct, frozen=True):
    """One rule and subject whose verdict changed; None where there was or is none."""

    kind: Kind
    target: str
    rule: str
    subject: str
    before: Verdict | None
    after: Verdict | None

    @property
    def severity(self) -> Severity:
        """How bad the finding is, or was."""
        fails = [v for v in (self.after, self.before) if v and v.outcome is Outcome.FAIL]
        known = fails or [v for v in (self.after, self.before) if v]
        return known[0].severity if known else Severity.INFO

    @property
    def new(self) -> bool:
        """Whether a finding is there that was not, or not as grave."""
        return self.kind in {Kind.FOUND, Kind.APPEARED, Kind.GRAVER}


class Presence(Struct, frozen=True):
    """A container, or with the name "" a whole target, that only one report shows.

    `why` is the error where the target is named but was not audited.
    """

    target: str
    name: str
    came: bool
    why: str = ""


class Difference(Struct, frozen=True):
    """Everything that differs, worst first."""

    changes: tuple[Change, ...] = ()
    presences: tuple[Presence, ...] = ()

    def side(self, side: Side) -> tuple[Change, ...]:
        """Give the changes for the worse, for the better, or the others."""
        return tuple(change for change in self.changes if change.kind.side is side)

    def new(self, at_least: Severity = Severity.INFO) -> tuple[Change, ...]:
        """Give the findings that count for the exit status."""
        return tuple(
            change
            for change in self.changes
            if change.new and change.severity.rank >= at_least.rank
        )


class _Absence(StrEnum):
    """Why a report has no verdict on a rule and subject."""

    NO_TARGET = "the target is not in the report"
    NOT_AUDITED = "the target was not audited"
    NO_SUBJECT = "there is no such container"
    NOT_ASKED = "the rule was not asked"


_Key = tuple[str, str]
_State = Verdict | _Absence


class _Look(Struct, frozen=True):
    """One target of one report, by rule and subject."""

    verdicts: Mapping[_Key, Verdict]
    names: frozenset[str]
    error: str | None = None


def compare(old: Report, new: Report) -> Difference:
    """Compare every verdict of every target.

    What one of the two could not see is never called better: a finding that nobody could look
    for again is hidden, not fixed.
    """
    before, after = _looks(old), _looks(new)
    changes: list[Change] = []
    presences: list[Presence] = []
    for target in sorted(before.keys() | after.keys()):
        was, is_ = before.get(target), after.get(target)
        changes += _changes(target, was, is_)
        presences += _presences(target, was, is_)
    return Difference(tuple(sorted(changes, key=_order)), tuple(presences))


def paired(old: Report, new: Report) -> tuple[Report, str]:
    """Take the only target of each report for the same, also under another name; say so."""
    if len(old.hosts) != 1 or len(new.hosts) != 1 or old.hosts[0].target == new.hosts[0].target:
        return old, ""
    renamed = replace(old.hosts[0], target=new.hosts[0].target)
    note = f"{old.hosts[0].target} is compared with {new.hosts[0].target}."
    return replace(old, hosts=(renamed,)), note


def _looks(report: Report) -> dict[str, _Look]:
    return {host.target: _look(host) for host in reversed(report.hosts)}


def _look(host: HostReport) -> _Look:
    verdicts: dict[_Key, Verdict] = {}
    for verdict in host.verdicts:
        key = (verdict.rule, verdict.subject)
        if key not in verdicts or _weight(verdict) > _weight(verdicts[key]):
            verdicts[key] = verdict
    return _Look(verdicts, frozenset(row.name for row in host.rows), host.error)


def _weight(verdict: Verdict) -> tuple[int, int]:
    """Order two verdicts on the same rule and subject, which only a strange file holds."""
    grave = (Outcome.PASS, Outcome.WAIVED, Outcome.UNKNOWN, Outcome.BROKEN, Outcome.FAIL)
    return grave.index(verdict.outcome), verdict.severity.rank


def _changes(target: str, was: _Look | None, is_: _Look | None) -> Iterator[Change]:
    keys = (was.verdicts.keys() if was else set()) | (is_.verdicts.keys() if is_ else set())
    for rule, subject in keys:
        before, after = _state(was, is_, (rule, subject)), _state(is_, was, (rule, subject))
        kind = _kind(before, after)
        if kind:
            yield Change(kind, target, rule, subject, _verdict(before), _verdict(after))


def _verdict(state: _State) -> Verdict | None:
    return state if isinstance(state, Verdict) else None


def _state(look: _Look | None, other: _Look | None, key: _Key) -> _State:
    """Give the verdict of one look, or why it has none."""
    if look is None:
        return _Absence.NO_TARGET
    if key in look.verdicts:
        return look.verdicts[key]
    if look.error is not None:
        return _Absence.NOT_AUDITED
    subject = key[1]
    gone = subject not in look.names and other is not None and subject in other.names
    return _Absence.NO_SUBJECT if gone else _Absence.NOT_ASKED


def _kind(before: _State, after: _State) -> Kind | None:
    """Name the step from one state to the next; None for a step that means nothing."""
    was, is_ = _word(before), _word(after)
    if was == is_ == "fail":
        return _regraded(before, after)
    if is_ == "fail":
        return Kind.APPEARED if before in {_Absence.NO_SUBJECT, _Absence.NO_TARGET} else Kind.FOUND
    if was == "fail":
        return _no_longer(after)
    if "waived" in {was, is_} and was != is_:
        return _by_waiver(is_)
    if {was, is_} == {"pass", "unknown"}:
        return Kind.LOST if is_ == "unknown" else Kind.CLEARED
    return None


def _word(state: _State) -> str:
    if isinstance(state, _Absence):
        return "absent"
    return "unknown" if state.outcome is Outcome.BROKEN else state.outcome.value


def _regraded(before: _State, after: _State) -> Kind | None:
    if not isinstance(before, Verdict) or not isinstance(after, Verdict):
        return None
    step = after.severity.rank - before.severity.rank
    if step:
        return Kind.GRAVER if step > 0 else Kind.MILDER
    return Kind.EVIDENCE if after.evidence != before.evidence else None


def _no_longer(after: _State) -> Kind:
    """Say what became of a finding: fixed and gone are better, the rest is not."""
    if isinstance(after, Verdict):
        fate = {Outcome.PASS: Kind.FIXED, Outcome.WAIVED: Kind.ACCEPTED}
        return fate.get(after.outcome, Kind.HIDDEN)
    fates = {
        _Absence.NO_TARGET: Kind.UNASKED,
        _Absence.NOT_AUDITED: Kind.HIDDEN,
        _Absence.NO_SUBJECT: Kind.LEFT,
        _Absence.NOT_ASKED: Kind.UNASKED,
    }
    return fates[after]


def _by_waiver(is_: str) -> Kind | None:
    """Name a step to or from an accepted finding."""
    if is_ == "waived":
        return Kind.ACCEPTED
    return {"pass": Kind.FIXED, "unknown": Kind.HIDDEN, "absent": Kind.UNASKED}.get(is_)


def _presences(target: str, was: _Look | None, is_: _Look | None) -> Iterator[Presence]:
    """Say which containers came and went; for a whole target, that alone."""
    seen_before, seen_now = _seen(was), _seen(is_)
    if seen_before and seen_now:
        old, new = (look.names if look else frozenset() for look in (was, is_))
        yield from (Presence(target, name, came=True) for name in sorted(new - old))
        yield from (Presence(target, name, came=False) for name in sorted(old - new))
    elif seen_before != seen_now:
        other = was if seen_now else is_
        yield Presence(target, "", came=seen_now, why=(other and other.error) or "")


def _seen(look: _Look | None) -> bool:
    return look is not None and look.error is None


def _order(change: Change) -> tuple[int, int, str, str, str]:
    side = list(Side).index(change.kind.side)
    return side, -change.severity.rank, change.rule, change.target, change.subject
