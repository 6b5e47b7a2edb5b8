"""A compose file with the proposals that can be written into it, proven by reading it again."""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from hullward.compose.changes import Change, Edited, Refusal
from hullward.compose.edit import edit
from hullward.compose.model import Project
from hullward.fixes.compose.proposal import Grade, Left, Proposal

COMMENT = "hullward guess"


class Refused(Struct, frozen=True):
    """A proposal that was not written, why, and the line that stands in its way (0: none)."""

    proposal: Proposal
    reason: str
    line: int = 0


class Hardened(Struct, frozen=True):
    """What became of all proposals; `edited.made` holds the lines of `written` in their order.

    `inherited` are those that a service gets from another one of the file that it extends.
    `held_back` are guesses that nobody asked for.
    """

    edited: Edited
    written: tuple[Proposal, ...] = ()
    inherited: tuple[Proposal, ...] = ()
    held_back: tuple[Proposal, ...] = ()
    refused: tuple[Refused, ...] = ()
    left: tuple[Left, ...] = ()


def harden(
    text: str, path: str, project: Project, found: Iterable[Proposal | Left], *, guess: bool
) -> Hardened:
    """Write the proposals into the text of a file; all lines of one or none of them."""
    answers = list(found)
    proposals = [answer for answer in answers if isinstance(answer, Proposal)]
    held_back = [] if guess else [p for p in proposals if p.grade is Grade.GUESS]
    chosen = [p for p in proposals if guess or p.grade is not Grade.GUESS]
    refused: list[Refused] = []
    while True:
        kept, inherited, unwanted = _without_heirs(chosen, project)
        edited = edit(text, [change for p in kept for change in changes(p)], path)
        bad = _refused(kept, edited.refused)
        if not bad:
            break
        refused += bad
        out = {refusal.proposal for refusal in bad}
        chosen = [p for p in chosen if p not in out]
    left = tuple(answer for answer in answers if isinstance(answer, Left))
    return Hardened(
        edited,
        written=tuple(kept),
        inherited=tuple(inherited),
        held_back=tuple(held_back),
        refused=(*refused, *unwanted),
        left=left,
    )


def changes(proposal: Proposal) -> tuple[Change, ...]:
    """Give the changes of a proposal; a guess says so behind each line."""
    comment = f"{COMMENT}: {proposal.trial}" if proposal.grade is Grade.GUESS else ""
    return tuple(replace(line.change, comment=comment) for line in proposal.lines)


def _refused(proposals: Sequence[Proposal], refusals: Sequence[Refusal]) -> list[Refused]:
    by_change = {refusal.change: refusal for refusal in refusals}
    found = []
    for proposal in proposals:
        for change in changes(proposal):
            if refusal := by_change.get(change):
                found.append(Refused(proposal, refusal.reason, refusal.line))
                break
    return found


def _without_heirs(
    chosen: Sequence[Proposal], project: Project
) -> tuple[list[Proposal], list[Proposal], list[Refused]]:
    """Leave out what a service gets from one that it extends, and what its heirs do not want."""
    heirs: dict[str, set[str]] = {}
    for service in project.services:
        for ancestor in service.extends:
            heirs.setdefault(ancestor, set()).add(service.name)
    inherited: dict[Proposal, None] = {}
    refused: dict[Proposal, Refused] = {}
    for proposal in chosen:
        theirs = heirs.get(proposal.service, set())
        if not theirs or proposal in inherited:
            continue
        same = [p for p in chosen if p.service in theirs and _alike(p, proposal)]
        if others := theirs - {p.service for p in same}:
            names = ", ".join(sorted(others))
            refused[proposal] = Refused(proposal, f"{names} would get it too, by `extends`")
        else:
            inherited |= dict.fromkeys(same)
    kept = [p for p in chosen if p not in inherited and p not in refused]
    return kept, list(inherited), list(refused.values())


def _alike(one: Proposal, other: Proposal) -> bool:
    def lines(proposal: Proposal) -> list[tuple[object, ...]]:
        return [(c.path, c.value, c.before) for c in (line.change for line in proposal.lines)]

    return lines(one) == lines(other)
