"""`hullward compose harden`: read, propose, edit, prove, write."""

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from hullward.cli.main import say, show

if TYPE_CHECKING:
    from hullward.compose.model import Project
    from hullward.fixes.compose.proposal import Known

_LEFT = 1


@click.command("harden", short_help="Write what is safe to take away into compose files.")
@click.argument("file")
@click.argument("services", nargs=-1, metavar="[SERVICE]...")
@click.option("--write", "writes", is_flag=True, help="Change the file, instead of showing how.")
@click.option("--guess", is_flag=True, help="Also what may break a service; each line says so.")
@click.option(
    "-f", "--with", "others", multiple=True, metavar="FILE", help="Read these files over FILE."
)
@click.option("--env-file", "env_files", multiple=True, metavar="FILE", help="Instead of .env.")
@click.option("--deep", is_flag=True, help="Look into the images that the engine has.")
@click.option("-H", "--host", default="", metavar="URL", help="The engine of --deep.")
@click.option("-c", "--context", default="", metavar="NAME", help="The engine of --deep.")
@click.option("--timeout", default=60.0, show_default=True, help="Seconds that --deep may take.")
@click.option(
    "--format", "form", type=click.Choice(["diff", "json"]), default="diff", show_default=True
)
@click.option("--config", default="", metavar="FILE", help="Settings, instead of hullward.toml.")
def command(**values: Any) -> int:  # noqa: ANN401 - click hands over what the options hold
    """Show, as a diff with a reason for each line, what would make the services of FILE safer.

    Each line is graded: safe (it cannot break the service), known (somebody measured that image
    in that invocation) or guess (it needs a trial; only with --guess, and marked in the file).
    No line that stands in the file is changed, but for the address of a port.

    --write changes FILE in one step, once the new text is proven to be the old one and these
    lines; the words on stderr say how to take it back. FILE may be a folder with a compose file. A
    FILE that has one of compose's own names is read with its override file.

    Exit status: 0 nothing to add, or all of it written; 1 lines to add, or some that must be
    pasted by hand; 2 nothing could be done.
    """
    from hullward import harden, owner  # noqa: PLC0415 - --help needs none of it
    from hullward.host.contexts import Contexts, TlsOptions, environment  # noqa: PLC0415 - likewise
    from hullward.host.reader import Access  # noqa: PLC0415 - likewise
    from hullward.report import hardened  # noqa: PLC0415 - likewise

    settings = owner.settings(values["config"])
    file = harden.file_of(values["file"])
    below, over = ((), values["others"]) if values["others"] else harden.laid(file)
    around = harden.Around(os.environ, values["env_files"], over, settings.waiver, below)

    def learn(project: "Project") -> "Mapping[str, Known]":
        known = harden.profiles(project, settings.profiles)
        if not values["deep"]:
            return known
        contexts = Contexts(environment(), TlsOptions())
        target = contexts.current(host=values["host"], context=values["context"])
        return harden.deep(project, known, target, Access(values["timeout"]))

    plan = harden.plan(file, values["services"], around, learn, guess=values["guess"])
    made = tuple(hardened.Dockerfile(o.service, o.path, o.text, o.proposal) for o in plan.own)
    page = hardened.Page(plan.path, plan.text, plan.hardened, plan.hidden, made)
    by_hand = bool(plan.hardened.refused or plan.own)
    changed = bool(plan.hardened.edited.pieces)
    written = harden.write(plan) if values["writes"] and changed else None
    show(_coloured(hardened.RENDERERS[values["form"]](page), values["form"]))
    if written:
        _tell(plan.path, written)
    return _LEFT if by_hand or (changed and not written) else 0


def _coloured(text: str, form: str) -> str:
    """Colour a diff on a terminal, and nowhere else."""
    if form != "diff" or not sys.stdout.isatty() or os.environ.get("NO_COLOR"):
        return text
    colours = {"+": "green", "-": "red", "@": "cyan", "#": "bright_black"}
    return "".join(
        click.style(line, fg=colours.get(line[0])) if line[0] in colours else line
        for line in text.splitlines(keepends=True)
    )


def _tell(path: str, written: Any) -> None:  # noqa: ANN401 - loaded late
    """Tell on stderr what was done, and how to take it back."""
    opinion = written.opinion
    said = "docker compose accepts it" if opinion.accepted else f"not checked: {opinion.words}"
    if opinion.accepted is False:
        said = f"docker compose did not accept the old text either: {opinion.words}"
    say(f"{path} was written; {said}.", f"To take it back: {written.undo}")
