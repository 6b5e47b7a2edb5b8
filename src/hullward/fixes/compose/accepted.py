"""Risks that the owner has accepted: nothing is proposed against them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from hullward.compose.comments import Ignore, Misread
from hullward.compose.model import Project, Service
from hullward.fixes.compose.proposal import Left, Proposal
from hullward.model.waiver import Waiver


def without(
    answers: Iterable[Proposal | Left],
    project: Project,
    ignores: Sequence[Ignore | Misread],
    waivers: Sequence[Waiver],
    target: str,
) -> Iterator[Proposal | Left]:
    """Leave to people what a comment in a file or a waiver of the settings has accepted.

    `waivers` are those that hold today; `target` names the file for them.
    """
    services = {service.name: service for service in project.services}
    for answer in answers:
        reason = ""
        if isinstance(answer, Proposal):
            lines = _lines(services[answer.service], answer)
            reason = _comment(answer, lines, ignores) or next(
                (w.reason for w in waivers if w.covers(answer.rule, target, answer.service)), ""
            )
        yield Left(answer.service, answer.rule, f"accepted: {reason}") if reason else answer


def current(waivers: Iterable[Waiver], today: date) -> tuple[Waiver, ...]:
    """Give the waivers that hold on a day."""
    return tuple(waiver for waiver in waivers if not waiver.expired(today))


def _lines(service: Service, proposal: Proposal) -> set[tuple[str, int]]:
    """Give the lines at which a rule would find what a proposal mends."""
    keys = {str(line.change.path[0]) for line in proposal.lines}
    places = [service.place]
    places += [place for name, place in service.places.items() if name.partition("[")[0] in keys]
    places += [place for name, place in service.keys.items() if name in keys]
    return {(place.file, place.line) for place in places}


def _comment(
    proposal: Proposal, lines: set[tuple[str, int]], ignores: Sequence[Ignore | Misread]
) -> str:
    for ignore in ignores:
        if isinstance(ignore, Ignore) and any(
            ignore.place.file == file and ignore.covers(proposal.rule, line) for file, line in lines
        ):
            return ignore.reason
    return ""
