"""Proposals as replacements in a file, each by itself, for tools that apply a fix with a click."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping

from hullward.compose.model import Project
from hullward.fixes.compose import hardening, proposing
from hullward.fixes.compose.proposal import Grade, Known, Proposal
from hullward.model.report import Fix, Replacement
from hullward.rules.compose.rule import Document


def offers(
    document: Document, project: Project, known: Mapping[str, Known], *, guess: bool
) -> Iterator[Fix]:
    """Give every proposal for a file that the editor can prove; guesses only if asked for."""
    text, path, root = document.text, document.path, document.root
    names = [service.name for service in project.services if service.place.file == path]
    for found in proposing.propose(project, root, known, names):
        if not isinstance(found, Proposal) or (found.grade is Grade.GUESS and not guess):
            continue
        pieces = hardening.harden(text, path, project, [found], guess=guess).edited.pieces
        if pieces:
            places = _Places(text)
            yield Fix(
                found.rule,
                found.service,
                path,
                f"{found.grade.value}: {'; '.join(dict.fromkeys(x.reason for x in found.lines))}",
                tuple(
                    Replacement(*places.of(piece.start), *places.of(piece.end), piece.text)
                    for piece in pieces
                ),
            )


class _Places:
    """Lines and columns of a text, both from 1, by its characters' index."""

    def __init__(self, text: str) -> None:
        self._starts = [0]
        for line in text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def of(self, index: int) -> tuple[int, int]:
        line = bisect_right(self._starts, index)
        return line, index - self._starts[line - 1] + 1
