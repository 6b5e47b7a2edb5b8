"""A certificate for people: before and after, and why each capability stays."""

from collections.abc import Iterator

from hullward.model.certificate import Certificate
from hullward.report.terminal import BOLD, GREEN, RED, YELLOW, Style, hanging, paint
from hullward.report.text import visible


def render(certificate: Certificate, style: Style) -> str:
    """Write the certificate as text for a terminal."""
    return "\n".join(_lines(certificate, style)) + "\n"


def _lines(found: Certificate, style: Style) -> Iterator[str]:
    after = found.minimum
    yield paint(
        f"{visible(found.container)}: {len(found.before)} -> {len(after)} capabilities", BOLD, style
    )
    yield from hanging("  before  ", _names(found.before), style)
    yield from hanging("  asked   ", _names(found.observed), style)
    yield from hanging("  after   ", _names(after), style)
    yield ""
    yield from _needs(found, style)
    yield from _tried(found, style)
    around = found.surroundings
    proof = "proven" if found.proven else "NOT PROVEN"
    yield (
        paint(
            f"  {proof} by {found.trials} trials in {found.seconds:.0f} s",
            GREEN if found.proven else RED,
            style,
        )
        + f" (image {visible(around.image)}, engine {visible(around.engine)})"
    )
    for probe in around.probes:
        yield from hanging("  probe ", visible(probe), style)
    for note in found.notes:
        yield from hanging("  note: ", visible(note), style)
    yield ""
    yield "  docker run " + " ".join(flags(found))


def _needs(found: Certificate, style: Style) -> Iterator[str]:
    for need in found.needs:
        colour = RED if need.verdict == "required" else YELLOW
        yield paint(f"  {need.capability}", BOLD, style) + "  " + paint(need.verdict, colour, style)
        for line in need.evidence:
            yield from hanging("    without it: ", visible(line), style)
        if need.asked_by:
            yield from hanging("    asked by ", visible(need.asked_by), style)
    if found.needs:
        yield ""


def _tried(found: Certificate, style: Style) -> Iterator[str]:
    for tried in found.tried:
        word = paint("works", GREEN, style) if tried.works else paint("does not work", RED, style)
        yield f"  {visible(tried.what)}: {word}"
        for line in tried.evidence:
            yield from hanging("    ", visible(line), style)
        if tried.options:
            yield from hanging("    ", visible(" ".join(tried.options)), style)
    if found.tried:
        yield ""


def flags(found: Certificate) -> tuple[str, ...]:
    """Give the options of `docker run` that grant the least."""
    return ("--cap-drop=ALL", *(f"--cap-add={name}" for name in found.minimum))


def _names(names: tuple[str, ...]) -> str:
    return " ".join(map(visible, names)) or "none"
