"""A hardened compose file: its diff with a reason for every line, for people and for programs."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from hullward.compose import dockerfile, unified, written
from hullward.compose.changes import Change, Edited, Leaf, Nested, spliced
from hullward.compose.concealed import Concealed
from hullward.compose.written import Manner
from hullward.fixes.compose.hardening import Hardened, Refused
from hullward.fixes.compose.proposal import Line, Proposal
from hullward.fixes.dockerfile import UserProposal
from hullward.report.text import visible


class Dockerfile(Struct, frozen=True):
    """A Dockerfile of a service, its text, and lines that give its image a user of its own."""

    service: str
    path: str
    text: str
    proposal: UserProposal

    def diff(self) -> str:
        """Write the lines as a diff; values of ENV and ARG do not stand around them."""
        pieces = self.proposal.pieces
        edited = Edited(spliced(self.text, pieces), pieces)
        return unified.render(self.text, edited, self.path, _variables(self.text, self.path))


class Page(Struct, frozen=True):
    """A file, its old text, what became of the proposals, and what of the text is not shown."""

    path: str
    text: str
    hardened: Hardened
    hidden: Concealed
    dockerfiles: tuple[Dockerfile, ...] = ()


def diff(page: Page) -> str:
    """Write a diff that patch(1) takes, after a line of reason for each line of it."""
    hardened = page.hardened
    lines = [*_written(hardened), *_inherited(hardened), *_refused(hardened), *_rest(hardened)]
    if unified.readable_only(page.text, hardened.edited, page.hidden):
        lines.append("Values of variables are hidden below: apply it with --write, not as a diff.")
    head = "".join(f"# {visible(line)}\n" if line else "#\n" for line in lines)
    own = unified.render(page.text, hardened.edited, page.path, page.hidden)
    return head + own + "".join(map(_dockerfile, page.dockerfiles))


def _variables(text: str, path: str) -> Concealed:
    """Give the lines of a Dockerfile that set variables."""
    file = dockerfile.parse(text, path)
    instructions = [*file.arguments, *(i for stage in file.stages for i in stage.instructions)]
    lines = (
        number
        for instruction in instructions
        if instruction.keyword in {"ARG", "ENV"}
        for number in range(instruction.line, instruction.end + 1)
    )
    return Concealed(frozenset(lines))


def _dockerfile(made: Dockerfile) -> str:
    words = [
        f"{made.service}: guess  a user of its own, uid {made.proposal.uid}; to apply by hand",
        *(f"    {caution}" for caution in made.proposal.cautions),
    ]
    return "".join(f"# {visible(line)}\n" for line in words) + made.diff()


def _written(hardened: Hardened) -> Iterator[str]:
    service = ""
    said_at: dict[str, int] = {}
    for proposal, line, number in _numbered(hardened):
        if proposal.service != service:
            service = proposal.service
            said_at = {}
            yield f"{service}:"
        yield f"  line {number}  {proposal.grade.value:5}  {said(line.change)}"
        at = said_at.setdefault(line.reason, number)
        yield f"      {line.reason if at == number else f'as line {at}'}"


def _inherited(hardened: Hardened) -> Iterator[str]:
    for proposal in hardened.inherited:
        yield f"{proposal.service}: {_short(proposal)} comes from the service that it extends"


def _refused(hardened: Hardened) -> Iterator[str]:
    for refused in hardened.refused:
        at = f" (line {refused.line})" if refused.line else ""
        proposal = refused.proposal
        yield f"{proposal.service}: not written, because {refused.reason}{at}. To paste:"
        yield from (f"    {line}" for line in snippet(refused))
        yield from (f"  {line.reason}" for line in proposal.lines)


def _rest(hardened: Hardened) -> Iterator[str]:
    for left in hardened.left:
        yield f"{left.service}: left to you{f' ({left.rule})' * bool(left.rule)}: {left.reason}"
    by_service: dict[str, list[str]] = {}
    for proposal in hardened.held_back:
        by_service.setdefault(proposal.service, []).append(_short(proposal))
    for service, words in by_service.items():
        yield f"{service}: only with --guess: {'; '.join(words)}"


def _numbered(hardened: Hardened) -> Iterator[tuple[Proposal, Line, int]]:
    lines = ((p, line) for p in hardened.written for line in p.lines)
    for (proposal, line), number in zip(lines, hardened.edited.lines, strict=True):
        yield proposal, line, number


def _short(proposal: Proposal) -> str:
    return ", ".join(said(line.change) for line in proposal.lines)


def said(change: Change) -> str:
    """Say a change on one line, as it would stand in flow style."""
    key = "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in change.path)[1:]
    return f"{key}: {written.flow(Leaf(change.value), Manner())}"


def snippet(refused: Refused) -> Iterator[str]:
    """Give the lines of a proposal as they would be pasted below the service's name."""
    merged: dict[str, Nested] = {}
    for line in refused.proposal.lines:
        change = line.change
        if change.before is not None or not all(isinstance(step, str) for step in change.path):
            yield said(change)
            continue
        value: Nested = Leaf(change.value)
        for step in reversed(change.path[1:]):
            value = {str(step): value}
        merged[str(change.path[0])] = value
    for key, value in merged.items():
        yield from written.block(key, value, Manner())


def json(page: Page) -> str:
    """Write everything as one JSON document."""
    hardened = page.hardened
    value = {
        "schema_version": "1",
        "file": page.path,
        "written": [
            {**_proposal(p), "path": list(line.change.path), "value": line.change.value}
            | {"line": number, "reason": line.reason}
            for p, line, number in _numbered(hardened)
        ],
        "inherited": [_whole(p) for p in hardened.inherited],
        "refused": [
            {**_whole(r.proposal), "reason": r.reason, "line": r.line, "paste": list(snippet(r))}
            for r in hardened.refused
        ],
        "only_with_guess": [_whole(p) for p in hardened.held_back],
        "left": [msgspec.to_builtins(left) for left in hardened.left],
        "dockerfiles": [
            {"service": made.service, "path": made.path, "uid": made.proposal.uid}
            | {"cautions": list(made.proposal.cautions), "diff": made.diff()}
            for made in page.dockerfiles
        ],
        "diff": unified.render(page.text, hardened.edited, page.path, page.hidden),
    }
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"


def _proposal(proposal: Proposal) -> dict[str, Any]:
    return {"service": proposal.service, "rule": proposal.rule, "grade": proposal.grade.value}


def _whole(proposal: Proposal) -> dict[str, Any]:
    lines = [
        {"path": list(line.change.path), "value": line.change.value, "why": line.reason}
        for line in proposal.lines
    ]
    return {**_proposal(proposal), "lines": lines}


RENDERERS: Mapping[str, Callable[[Page], str]] = {"diff": diff, "json": json}
