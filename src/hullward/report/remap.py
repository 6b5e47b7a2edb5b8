"""What userns-remap is now, what stands in its way, and what it would cost."""

from collections.abc import Iterator, Sequence

from hullward.model.remap import KEY, Outlook, Remap, root_of
from hullward.report.terminal import BOLD, GREEN, RED, YELLOW, Style, hanging, paint
from hullward.report.text import visible


def render(remap: Remap, outlook: Outlook, style: Style) -> str:
    """Say what is in effect by the engine's own word, and beside it what its file says."""
    return "\n".join(_lines(remap, outlook, style)) + "\n"


def _lines(remap: Remap, outlook: Outlook, style: Style) -> Iterator[str]:
    engine = remap.snapshot.engine
    target = visible(remap.snapshot.target)
    yield paint(f"userns-remap on {target}: {'on' if remap.on else 'off'}", BOLD, style)
    yield ""
    root = root_of(engine.root_directory) if engine else None
    if remap.on:
        uid = f"uid {root[0]}" if root else "an unprivileged uid"
        yield paint(f"  Root in a container is {uid} on the host.", GREEN, style)
    else:
        yield paint("  Root in a container is root on the host.", RED, style)
    said = (remap.daemon.settings or {}).get(KEY)
    if bool(said) != remap.on:
        yield from hanging(
            "  ",
            f"{remap.daemon.file} says {visible(str(said)) if said else 'nothing of it'}, which is "
            "not what is in effect.",
            style,
        )
    for container in remap.snapshot.containers:
        if remap.on and container.userns_mode == "host":
            yield paint(f"  {visible(container.name)} opts out of it.", YELLOW, style)
    if not remap.on:
        yield from _listed("In the way:", outlook.blockers, YELLOW, style)
        yield from _listed("Could not be run again:", outlook.stopped, "", style)
    yield from _listed("What switching costs:", outlook.costs, "", style)


def _listed(title: str, texts: Sequence[str], colour: str, style: Style) -> Iterator[str]:
    if not texts:
        return
    yield ""
    yield title
    for text in texts:
        first, *rest = hanging("  ", visible(text), style)
        yield paint(first, colour, style)
        yield from rest
