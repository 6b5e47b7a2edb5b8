"""`hullward minimize`: the least privileges that a container needs, proven by trial."""

import shutil
import sys
from typing import Any

import click
import msgspec

from hullward.cli import targets
from hullward.cli.main import say, show
from hullward.host import files
from hullward.host.contexts import Target, environment
from hullward.host.reader import Access
from hullward.minimize import probes, proof
from hullward.minimize.trial import Asked
from hullward.model.certificate import Certificate, Verification
from hullward.model.errors import HullwardError
from hullward.report import certificate
from hullward.report.terminal import Style

_FINDINGS = 1


@click.command("minimize", short_help="Find the least privileges that a container needs.")
@click.argument("container", required=False, default="")
@click.option("--probe", multiple=True, metavar="PROBE", help="What working means; see below.")
@click.option("--probe-image", default="", metavar="IMAGE", help="Run cmd: probes in this image.")
@click.option("--aggressive", is_flag=True, help="Drop also what only changes something.")
@click.option("--outside", is_flag=True, help="Let trials reach other networks.")
@click.option(
    "--with-data", is_flag=True, help="Start on copies of the volumes, not on empty ones."
)
@click.option("--clean", is_flag=True, help="Only remove what killed runs left.")
@click.option("-o", "--output", default="", metavar="FILE", help="Write the certificate there.")
@click.option("--verify", default="", metavar="FILE", help="Repeat a certificate's trials.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.option(
    "--ready",
    default=60.0,
    show_default=True,
    type=click.FloatRange(min=1, max=3600),
    help="Seconds that the first start may take.",
)
@click.option(
    "--jobs",
    default=0,
    type=click.IntRange(min=0, max=16),
    help="Trials at a time; by default one more than processors, at most 4.",
)
@click.option("-H", "--host", default="", metavar="URL", help="An engine's address.")
@click.option("-c", "--context", default="", metavar="NAME", help="A docker context.")
@click.option("--timeout", default=60.0, show_default=True, help="Seconds an answer may take.")
@click.option("--ssh-config", default="", metavar="FILE", help="Handed to ssh as -F FILE.")
def command(**values: Any) -> int:  # noqa: ANN401 - click hands over what the options hold
    """Find the least privileges that CONTAINER needs, and prove it by trials of copies.

    CONTAINER is a name, an id, or a compose service as PROJECT/SERVICE. It is not touched: copies
    of it live in a network of their own, with new volumes. It takes root on the engine's machine.

    A PROBE is http://:PORT/PATH, tcp://:PORT, or cmd:COMMAND, run in a helper container beside the
    trial, where $TARGET is its address. Without one, only a connection to each port is tried.

    Exit status: 0 nothing can be taken away, or the certificate is valid; 1 something can, or it
    is not; 2 no proof could be made.
    """
    target, access = _target(values)
    if values["clean"]:
        removed, living = proof.clean(target, access)
        say(f"{removed} things were removed, {living} runs go on.", "")
        return 0
    known = _certificate(values["verify"]) if values["verify"] else None
    wanted = _wanted(values, known)
    if known:
        verified = proof.verify(target, access, wanted, known, _tell)
        show(_forms(verified, certificate.verification(known, verified), values["form"]))
        return 0 if verified.valid else _FINDINGS
    found = proof.minimise(target, access, wanted, _tell)
    if values["output"]:
        files.write(values["output"], _json(found).encode())
    columns = shutil.get_terminal_size((100, 24)).columns
    style = Style(columns, colour=sys.stdout.isatty() and "NO_COLOR" not in environment())
    show(_forms(found, certificate.render(found, style), values["form"]))
    return _FINDINGS if found.unused else 0


def _target(values: dict[str, Any]) -> tuple[Target, Access]:
    choice = targets.chosen(
        {**values, "target": (), "all_contexts": False, "stopped": False}
        | {"tlsverify": False, "tlscacert": "", "tlscert": "", "tlskey": ""}
    )
    return choice.targets[0], choice.access


def _wanted(values: dict[str, Any], known: Certificate | None) -> proof.Wanted:
    """Take the options, and what they leave open from the certificate."""
    container = values["container"] or (known.container if known else "")
    if not container:
        raise HullwardError("No container was named.", "`docker ps` lists them.")
    words = values["probe"]
    if known and not words and not known.surroundings.liveness_only:
        words = known.surroundings.probes
    return proof.Wanted(
        container,
        Asked(
            tuple(map(probes.parse, words)),
            values["probe_image"],
            values["outside"],
            values["with_data"],
        ),
        aggressive=values["aggressive"],
        ready=values["ready"],
        jobs=values["jobs"],
    )


def _certificate(path: str) -> Certificate:
    try:
        return msgspec.json.decode(files.read(path, what="certificate"), type=Certificate)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise HullwardError(
            f"{path!r} is no certificate: {error}.", "`hullward minimize -o FILE` writes one."
        ) from error


def _tell(number: int, most: int, what: str) -> None:
    """Say which trial begins, on one line of a terminal."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[Ktrial {number} of at most {most}: {what}", nl=False, err=True)
    else:
        click.echo(f"trial {number} of at most {most}: {what}", err=True)


def _forms(value: Certificate | Verification, text: str, form: str) -> str:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", nl=False, err=True)
    return _json(value) if form == "json" else text


def _json(value: Certificate | Verification) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
