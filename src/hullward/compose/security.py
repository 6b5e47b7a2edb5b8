"""A service's security options, as compose hands them to the engine."""

from msgspec import Struct

from hullward.compose import paths
from hullward.compose.opening import Loaded
from hullward.compose.sheet import Sheet
from hullward.compose.values import Leaf
from hullward.model import engine_words
from hullward.model.errors import HullwardError

_FIELD, _ACTION = "security_opt", "seccomp_default_action"
_BUILT_IN = frozenset({"unconfined", "builtin"})


class Confinement(Struct, frozen=True):
    """What the options come to; `unmasked` says that systempaths=unconfined is one of them."""

    options: tuple[str, ...] = ()
    seccomp_action: str = ""
    unmasked: bool = False


def read(sheet: Sheet, state: Loaded, directory: str) -> Confinement:
    """Read the options; a seccomp profile is opened as compose would, from the project's folder."""
    kept: list[Leaf] = []
    options: list[str] = []
    action, unmasked = "", False
    for leaf in sheet.leaves("security_opt", _FIELD):
        if leaf.text == "systempaths=unconfined":
            unmasked = True
            sheet.places["masked_paths"] = sheet.places["readonly_paths"] = leaf.place
            continue
        name, _, value = leaf.text.partition("=" if "=" in leaf.text else ":")
        if name == "seccomp" and value not in _BUILT_IN and not leaf.gap:
            action = _profile(sheet, leaf, value, state, directory)
            options.append("seccomp=custom")
        else:
            options.append(leaf.text)
        kept.append(leaf)
    sheet.note(_FIELD, kept)
    return Confinement(tuple(options), action, unmasked)


def with_label(options: tuple[str, ...]) -> tuple[str, ...]:
    """Add what the engine adds to a container that is privileged, or in its pid or ipc namespace.

    moby, daemon/create.go generateSecurityOpt; a label of the container's own stands instead.
    """
    own = any(option.startswith("label=") for option in options)
    return options if own else (*options, "label=disable")


def apparmor(options: tuple[str, ...]) -> str:
    """Give the AppArmor profile that the options name, "" for the engine's choice."""
    found = (
        option for option in reversed(options) if option.startswith(("apparmor=", "apparmor:"))
    )
    return next(found, "")[len("apparmor=") :]


def _profile(sheet: Sheet, leaf: Leaf, value: str, state: Loaded, directory: str) -> str:
    """Give the default action of a profile in a file."""
    sheet.places[_ACTION] = leaf.place
    path = paths.absolute(value, directory, leaf.source.environment)
    try:
        content = state.text(path)
    except HullwardError as error:
        sheet.gap(_ACTION, error.what, leaf.place, "file")
        return ""
    return engine_words.default_action(content)
