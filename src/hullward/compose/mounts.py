"""What a service mounts: volumes, paths of the host, file systems in memory, secrets, configs."""

import re
from collections.abc import Iterator, Mapping
from posixpath import normpath

from msgspec import Struct
from msgspec.structs import replace

from hullward.compose import paths
from hullward.compose.model import Tmpfs, Volume
from hullward.compose.sheet import Sheet, truth
from hullward.compose.values import Leaf, Source, Table, Tree
from hullward.model.facts import Mount

_FIELD = "mounts"
_PROPAGATIONS = frozenset({"private", "rprivate", "shared", "rshared", "slave", "rslave"})
_WINDOWS = re.compile(r"[a-zA-Z]:|\\\\")
_SOCKET = "/var/run/docker.sock"


class Wish(Struct, frozen=True):
    """A mount as it is written."""

    kind: str
    source: str
    target: str
    writable: bool
    propagation: str
    origin: Source


class Given(Struct, frozen=True):
    """What the project offers: its volumes, and the files of its secrets and configs."""

    volumes: Mapping[str, Volume]
    files: Mapping[str, Mapping[str, str]]


def read(sheet: Sheet, given: Given) -> tuple[Mount, ...]:
    """Give a service's mounts as the engine lists them, by kind and target."""
    wishes: dict[str, tuple[Wish, Tree]] = {}
    for entry in sheet.tables("volumes", _FIELD):
        wish = None if sheet.gaps_of(_FIELD, entry) else _wish(sheet, entry)
        if wish is not None:
            wishes[wish.target] = (wish, entry)
    # Compose compares targets before it cleans them (/a/ and /a), and once more after.
    found: dict[str, tuple[list[Mount], Tree]] = {}
    for wish, entry in wishes.values():
        target = normpath(wish.target) if wish.target else ""
        cleaned = replace(wish, target=target)
        found[target] = (list(_mounts(sheet, entry, cleaned, given)), entry)
    for kind in ("configs", "secrets"):
        for mount, entry in _files(sheet, kind, given.files.get(kind, {})):
            found.setdefault(mount.target, ([mount], entry))
    flat = [(mount, entry.place) for mounts, entry in found.values() for mount in mounts]
    if sheet.flag("use_api_socket", "use_api_socket"):
        place = sheet.table.key_place("use_api_socket")
        flat.append((Mount("bind", _SOCKET, _SOCKET, propagation="rprivate"), place))
    flat.sort(key=lambda pair: (pair[0].kind, pair[0].target))
    for index, (_, place) in enumerate(flat):
        sheet.places[f"{_FIELD}[{index}]"] = place
    return tuple(mount for mount, _ in flat)


def memory(sheet: Sheet) -> tuple[Tmpfs, ...]:
    """Give the file systems in memory of `tmpfs:`, which the engine does not list as mounts."""
    found = {}
    for leaf in sheet.leaves("tmpfs", "tmpfs"):
        target, _, options = leaf.text.partition(":")
        found[target] = Tmpfs(target, tuple(filter(None, options.split(","))), leaf.place)
    return tuple(found.values())


def _wish(sheet: Sheet, entry: Tree) -> Wish | None:
    if isinstance(entry, Leaf):
        return _short(sheet, entry)
    if isinstance(entry, Table):
        return _long(sheet, entry)
    sheet.bad(_FIELD, entry, "a list is no volume")
    return None


def _short(sheet: Sheet, leaf: Leaf) -> Wish | None:
    """Read [SOURCE:]TARGET[:OPTION,…]; a source that looks like a path is one."""
    parts = _split(leaf.text)
    if not all(parts) or len(parts) > 3:  # noqa: PLR2004 - source, target, options
        sheet.bad(_FIELD, leaf, f"{leaf.text!r} is no volume")
        return None
    if len(parts) == 1:
        return Wish("volume", "", parts[0], True, "", leaf.source)  # noqa: FBT003
    options = parts[2].split(",") if len(parts) > 2 else []  # noqa: PLR2004 - as above
    propagation = [option for option in options if option in _PROPAGATIONS]
    writable = [option for option in options if option in {"ro", "rw"}][-1:] != ["ro"]
    is_path = parts[0][0] in "./~" or bool(_WINDOWS.match(parts[0]))
    return Wish(
        "bind" if is_path else "volume",
        parts[0],
        parts[1],
        writable,
        propagation[-1] if propagation else "",
        leaf.source,
    )


def _split(text: str) -> list[str]:
    """Split at colons, except behind the letter of a Windows drive."""
    parts = [""]
    for char in text:
        if char == ":" and not (len(parts[-1]) == 1 and parts[-1].isalpha()):
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _long(sheet: Sheet, table: Table) -> Wish | None:
    parts = {key: found for key in table.entries if isinstance(found := table.get(key), Leaf)}
    kind = parts["type"].text if "type" in parts else ""
    target = parts["target"].text if "target" in parts else ""
    source = parts["source"].text if "source" in parts else ""
    if not kind or (kind == "bind" and not source):
        sheet.bad(_FIELD, table, "a volume needs a type, and a bind a source")
        return None
    bind = table.get("bind")
    propagation = bind.get("propagation") if isinstance(bind, Table) else None
    read_only = truth(parts["read_only"].data) if "read_only" in parts else False
    if read_only is None:
        sheet.bad(_FIELD, parts["read_only"], "read_only is neither true nor false")
    origin = parts["source"].source if source else table.source
    return Wish(
        kind,
        source,
        target,
        not read_only,
        propagation.text if isinstance(propagation, Leaf) else "",
        origin,
    )


def _mounts(sheet: Sheet, entry: Tree, wish: Wish, given: Given) -> Iterator[Mount]:
    if wish.kind == "bind":
        base, environment = wish.origin.base, wish.origin.environment
        if wish.source.startswith("~") and not environment.get("HOME"):
            sheet.gap(_FIELD, "HOME is not set, so ~ is not known", entry.place, "variable")
        source = normpath(paths.absolute(wish.source, base, environment))
        if _WINDOWS.match(wish.source):
            source = wish.source
        yield Mount("bind", wish.target, source, wish.writable, wish.propagation or "rprivate")
    elif wish.kind == "volume" and wish.source:
        yield from _volume(sheet, entry, wish, given.volumes)
    else:
        yield Mount(wish.kind, wish.target, "", wish.writable)


def _volume(
    sheet: Sheet, entry: Tree, wish: Wish, volumes: Mapping[str, Volume]
) -> Iterator[Mount]:
    volume = volumes.get(wish.source)
    if volume is None:
        sheet.bad(_FIELD, entry, f"there is no volume {wish.source}")
        yield Mount("volume", wish.target, None, wish.writable, volume=wish.source)
        return
    if volume.shows is None:
        yield Mount("volume", wish.target, None, wish.writable, volume=volume.name)
        return
    for source, writable in volume.shows or (("", True),):
        yield Mount(
            "volume",
            wish.target,
            source,
            wish.writable and writable,
            volume=volume.name,
            filesystem=volume.filesystem,
            credentials=volume.credentials,
        )


def _files(sheet: Sheet, kind: str, files: Mapping[str, str]) -> Iterator[tuple[Mount, Tree]]:
    """Give secrets and configs that compose mounts from files of the host, read-only."""
    folder = "/run/secrets/" if kind == "secrets" else "/"
    for entry in sheet.tables(kind, kind):
        parts: dict[str, str] = {}
        if isinstance(entry, Leaf):
            parts = {"source": entry.text}
        elif isinstance(entry, Table):
            found = ((key, entry.get(key)) for key in ("source", "target"))
            parts = {key: value.text for key, value in found if isinstance(value, Leaf)}
        source = parts.get("source", "")
        target = parts.get("target", source)
        target = target if target.startswith("/") else folder + target
        if source in files:
            yield (
                Mount("bind", target, files[source], writable=False, propagation="rprivate"),
                entry,
            )
