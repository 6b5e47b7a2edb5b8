"""A certificate for people: before and after, and why each capability stays."""

from collections.abc import Iterator

from hullward.model.certificate import Certificate, Verification
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
    yield ""
    yield from (f"  {line}" for line in compose(found))


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


def compose(found: Certificate) -> Iterator[str]:
    """Give the lines of a compose file that grant the least, each with its reason."""
    yield "cap_drop:"
    yield "  - ALL"
    if found.needs:
        yield "cap_add:"
    for need in sorted(found.needs, key=lambda need: need.capability):
        reason = next(iter(need.evidence), "") if need.verdict == "required" else ""
        reason = reason or f"without it: {next(iter(need.evidence), '')}"
        yield f"  - {need.capability}  # {visible(reason)[:100]}"


def verification(known: Certificate, found: Verification) -> str:
    """Write what repeating a certificate's trials showed."""
    name = visible(known.container)
    lines = [f"{name}: the certificate of {known.made_at} {_still(found)}"]
    lines += [f"  does not work any more: {visible(line)}" for line in found.lacking]
    lines += [f"  {visible(name)} is needed no longer" for name in found.idle]
    lines += [f"  changed since: {visible(line)}" for line in found.changed]
    return "\n".join([*lines, f"  {found.trials} trials"]) + "\n"


def _still(found: Verification) -> str:
    return "is still valid" if found.valid else "is not valid any more"


def _names(names: tuple[str, ...]) -> str:
    return " ".join(map(visible, names)) or "none"
