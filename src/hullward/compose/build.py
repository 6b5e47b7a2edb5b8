"""How a service's image is built."""

from collections.abc import Mapping

from hullward.compose import paths
from hullward.compose.model import Build
from hullward.compose.sheet import Sheet
from hullward.compose.values import Leaf, Table

_ITSELF = "build"


def read(sheet: Sheet, environment: Mapping[str, str]) -> Build | None:
    """Give what `build:` says, None where the image is only pulled."""
    wish = sheet.take("build", _ITSELF)
    if wish is None:
        return None
    place = sheet.places[_ITSELF]
    if isinstance(wish, Leaf):
        sheet.known(_ITSELF, wish)
        context = _context(wish)
        return Build(context, paths.absolute("Dockerfile", context, environment), place)
    if not isinstance(wish, Table):
        sheet.bad(_ITSELF, wish, "a path or a mapping belongs there")
        return None
    written = sheet.leaf("context", "build.context", wish)
    context = _context(written) if written else paths.absolute(".", wish.source.base, environment)
    dockerfile = sheet.text("dockerfile", "build.dockerfile", wish) or "Dockerfile"
    inline = sheet.leaf("dockerfile_inline", "build.inline", wish)
    return Build(
        context=context,
        dockerfile=paths.absolute(dockerfile, context, environment),
        place=place,
        inline=inline.text if inline else None,
        arguments=_arguments(sheet, wish, environment),
        additional_contexts={
            name: leaf.text.partition("=")[2]
            for name, leaf in sheet.pairs(
                "additional_contexts", "build.additional_contexts", wish
            ).items()
        },
        target=sheet.text("target", "build.target", wish),
        network=sheet.text("network", "build.network", wish),
        privileged=sheet.flag("privileged", "build.privileged", wish),
        entitlements=_names(sheet, wish, "entitlements"),
        ssh=_names(sheet, wish, "ssh"),
        secrets=_secrets(sheet, wish),
        places={key: wish.key_place(key) for key in wish.entries},
    )


def _context(leaf: Leaf) -> str:
    if paths.remote(leaf.text):
        return leaf.text
    return paths.absolute(leaf.text or ".", leaf.source.base, leaf.source.environment)


def _arguments(
    sheet: Sheet, wish: Table, environment: Mapping[str, str]
) -> Mapping[str, str | None]:
    found: dict[str, str | None] = {}
    for name, leaf in sheet.pairs("args", "build.arguments", wish).items():
        _, sign, value = leaf.text.partition("=")
        found[name] = None if leaf.gap else value if sign else environment.get(name)
    return found


def _names(sheet: Sheet, wish: Table, key: str) -> tuple[str, ...]:
    return tuple(leaf.text for leaf in sheet.leaves(key, f"build.{key}", wish))


def _secrets(sheet: Sheet, wish: Table) -> tuple[str, ...]:
    names = []
    for entry in sheet.tables("secrets", "build.secrets", wish):
        source = entry.get("source") if isinstance(entry, Table) else entry
        if isinstance(source, Leaf):
            names.append(source.text)
    return tuple(names)
