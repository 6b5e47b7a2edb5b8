"""Switches userns-remap on and off: what stands in the way, what it costs, and the plan.

Sources: docs.docker.com/engine/security/userns-remap (limitations), moby#47377 (the image store of
containerd does not remap), moby#48521 (rootless does not either), moby#21050 (the data folder).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec.structs import replace

from hullward.fixes import daemon_json, subids
from hullward.model.change import FileNow
from hullward.model.daemon import KEY_OF_FLAG, Daemon
from hullward.model.errors import HullwardError
from hullward.model.facts import Container
from hullward.model.plan import Act, Edit, Owner, Plan, Way
from hullward.model.remap import KEY, Outlook, Remap

JOB, ON, OFF = "userns", "on", "off"
_BACK = "what was there before the last switch comes back into sight"
USER = "default"
SUBUID, SUBGID = "/etc/subuid", "/etc/subgid"
WITHIN = 180
_NAME = "daemon.json"
_RESTARTS = ("docker, and with it every container",)
_NOTHING = "Nothing was changed."
# Keys of daemon.json that are no flag of dockerd, by daemon/config of moby.
_NO_FLAGS = frozenset(
    {"builder", "default-network-opts", "features", "graph", "proxies", "runtimes"}
)
# Runs the check with the flags of the running daemon, which is where conflicts come from.
_VALIDATE = """\
new=$1 flags=/dev/null; export new
for p in /proc/[0-9]*; do
  [ "$(readlink "$p/exe") $(readlink "$p/ns/mnt")" != "$2 $(readlink /proc/self/ns/mnt)" ] ||
    flags=$p/cmdline
done
[ "$flags" != /dev/null ] || exec "$2" --validate --config-file "$new"
exec xargs -0 sh -c 'shift; exec "$0" "$@" --validate --config-file "$new"' "$2" <"$flags"
"""


def files(daemon: Daemon) -> tuple[str, str, str]:
    """Name the files that a plan needs to see."""
    return daemon.file or "/etc/docker/daemon.json", SUBUID, SUBGID


def outlook(remap: Remap) -> Outlook:
    """Say all that a person must know before they wish for the switch."""
    return Outlook(blockers(remap), stopped_blockers(remap), costs(remap))


def blockers(remap: Remap) -> tuple[str, ...]:
    """Say what stands in the way: of the engine, and of each container that runs."""
    engine = remap.snapshot.engine
    found: list[str] = []
    if engine is None:
        return ("the engine does not tell of itself",)
    if engine.option("rootless"):
        found.append("the engine runs rootless, which is a user namespace already")
    store = engine.storage_status.get("driver-type", "")
    if store.startswith("io.containerd.snapshotter"):
        found.append(
            "the engine keeps its images in containerd's store, which cannot be remapped "
            '("features": {"containerd-snapshotter": false} in daemon.json takes Docker\'s own)'
        )
    if engine.swarm == "active":
        found.append("the engine is in a swarm, whose services would lose their place")
    running = [c for c in remap.snapshot.containers if c.state in {"running", "paused"}]
    if engine.live_restore and running:
        names = ", ".join(c.name for c in running[:5])
        found.append(f"live-restore would let these run on without an engine: {names}")
    found += [f"{c.name}: {why}" for c in running for why in _obstacles(c, remap)]
    return tuple(found)


def stopped_blockers(remap: Remap) -> tuple[str, ...]:
    """Say what stopped containers could not be run with any more."""
    idle = [c for c in remap.snapshot.containers if c.state not in {"running", "paused"}]
    return tuple(f"{c.name}: {why}" for c in idle for why in _obstacles(c, remap))


def _obstacles(container: Container, remap: Remap) -> Iterator[str]:
    if container.userns_mode == "host":
        return
    if container.privileged:
        yield "privileged"
    if container.network_mode == "host":
        yield "network_mode: host"
    if container.pid_mode == "host":
        yield "pid: host"
    for mount in container.mounts:
        driver = remap.stock.drivers.get(mount.volume, "local")
        if mount.volume and driver != "local":
            yield f"volume {mount.volume} of the plugin {driver}"


def costs(remap: Remap) -> tuple[str, ...]:
    """Say what moves out of sight and what will not fit, with names and bytes."""
    return tuple(_costs(remap))


def _costs(remap: Remap) -> Iterator[str]:
    containers, stock = remap.snapshot.containers, remap.stock
    if containers:
        yield f"out of sight, to be made anew: {_names([c.name for c in containers])}"
    if stock.images:
        yield (
            f"out of sight, to be pulled or built again: {_names(sorted(stock.images))}; "
            f"{size(stock.layers)} in all, {_free(remap)}"
        )
    elif stock.images is None:
        yield "how much the images take is not known: the engine does not say"
    for name, used in sorted((stock.volumes or {}).items()):
        yield f"out of sight, to be copied by hand: volume {name} ({size(used)})"
    for container in containers:
        for mount in container.mounts:
            owner = remap.ground.owners.get(mount.source or "")
            if mount.kind == "bind" and owner and container.userns_mode != "host":
                yield (
                    f"{container.name} binds {mount.source} of uid {owner[0]}: inside it will "
                    f"belong to nobody (chown to {remap.base + owner[0]}, or run with userns host)"
                )


def _free(remap: Remap) -> str:
    if remap.ground.free is None:
        return "how much room is left is not known"
    short = remap.ground.free < remap.stock.layers
    return f"{size(remap.ground.free)} are free{', which is NOT enough' if short else ''}"


def on(remap: Remap, now: Sequence[FileNow]) -> Plan:
    """Plan the switch; raises HullwardError where it cannot be made as things are."""
    settings, uids, gids = now
    if remap.on:
        raise HullwardError("userns-remap is in effect already.", _NOTHING)
    _no_flag(remap)
    found = blockers(remap)
    if found:
        more = f" (and {len(found) - 1} more)" if found[1:] else ""
        raise HullwardError(
            f"userns-remap is not possible, because of {found[0]}{more}.",
            "`hullward userns check` lists everything in the way; a container can opt out with "
            f"`userns_mode: host`, or be stopped. {_NOTHING}",
        )
    text = daemon_json.with_key(settings.text, settings.path, KEY, USER)
    edits = (_edit(settings, text), *_ranges(remap, uids, gids))
    notes = (*costs(remap), *(f"cannot be run any more: {one}" for one in stopped_blockers(remap)))
    there, back = Way(proof=ON, notes=notes), Way(proof=OFF, notes=(_BACK,))
    return _plan(remap, "Switch userns-remap on", edits, there, back)


def off(remap: Remap, now: Sequence[FileNow]) -> Plan:
    """Plan the way back; the ranges of ids stay, so that what was stored with them fits again."""
    settings = now[0]
    if not remap.on and KEY not in daemon_json.parsed(settings.text, settings.path):
        raise HullwardError("userns-remap is not in effect.", _NOTHING)
    _no_flag(remap)
    if settings.text is None or KEY not in daemon_json.parsed(settings.text, settings.path):
        raise HullwardError(
            f"userns-remap is in effect, but {settings.path} does not say so.",
            f"Restart the engine to see what it takes from its file. {_NOTHING}",
        )
    running = [c.name for c in remap.snapshot.containers if c.state in {"running", "paused"}]
    if remap.snapshot.engine and remap.snapshot.engine.live_restore and running:
        raise HullwardError(
            f"live-restore would let these run on without an engine: {_names(running)}.",
            f"Stop them, or turn live-restore off. {_NOTHING}",
        )
    text = daemon_json.without_key(settings.text, settings.path, KEY)
    there, back = Way(proof=OFF, notes=(*costs(remap), _BACK)), Way(proof=ON, notes=(_BACK,))
    return _plan(remap, "Switch userns-remap off", (_edit(settings, text),), there, back)


def _plan(remap: Remap, title: str, edits: tuple[Edit, ...], there: Way, back: Way) -> Plan:
    path, before, after = edits[0].path, edits[0].before, edits[0].after
    ground = remap.ground
    if not ground.known:
        raise HullwardError(
            f"{ground.program or 'dockerd'} does not tell its options, so nothing can be checked.",
            f"Try `{ground.program or 'dockerd'} --help` there. {_NOTHING}",
        )
    if not ground.validates:
        _own_check(remap, daemon_json.parsed(after, path), path)
    forth, back = _way(remap, path, after, there), _way(remap, path, before, back)
    back = replace(back, activate=(*back.activate, *_started(remap)))
    return Plan(title, JOB, edits, forth, back, _RESTARTS, WITHIN)


def _restart(remap: Remap) -> tuple[Act, ...]:
    words = remap.ground.restart
    if not words:
        raise HullwardError(
            f"It is not known how dockerd (process {remap.ground.pid}) is restarted on this host.",
            f"hullward knows systemd, OpenRC and /etc/init.d/docker. {_NOTHING}",
        )
    if words[0] == "systemctl":
        # A unit that failed too often in a row would not be started again.
        return Act(("systemctl", "reset-failed", words[-1])), Act(words)
    return (Act(words),)


def _started(remap: Remap) -> tuple[Act, ...]:
    """Start what runs now, also where no restart policy does; what is gone by then is no fault."""
    names = [c.name for c in remap.snapshot.containers if c.state == "running"]
    if not names:
        return ()
    hosts = (remap.daemon.flags or {}).get("host", ())
    sockets = [host for host in hosts if host.startswith("unix://")]
    socket = sockets[0] if sockets else "unix:///var/run/docker.sock"
    words = ("sh", "-c", 'docker -H "$0" start "$@" || :', socket, *names)
    return (Act(words, f"docker start {' '.join(names)}"),)


def _way(remap: Remap, path: str, text: str | None, way: Way) -> Way:
    """Complete a direction: how the text is checked, and what makes dockerd read it.

    `dockerd --validate` creates the user dockremap and its ranges when the file asks for them, and
    a check must not write: so it checks the file without that key, which we check ourselves.
    """
    ground = remap.ground
    settings = daemon_json.parsed(text, path)
    rest = daemon_json.without_key(text, path, KEY) if text and KEY in settings else text or "{}"
    check: tuple[Act, ...] = ()
    if ground.validates:
        words = ("sh", "-c", _VALIDATE, "-", f"{{candidate:{_NAME}}}", ground.program)
        shown = f"{ground.program} --validate --config-file NEW:{path}, with its present flags"
        check = (Act(words, shown),)
    restart = _restart(remap)
    return replace(way, check=check, candidates=((_NAME, rest),), activate=restart)


def _own_check(remap: Remap, settings: Any, path: str) -> None:  # noqa: ANN401 - any JSON
    """Do what `dockerd --validate` would, on an engine that is too old to have it."""
    flags = remap.daemon.flags
    for key in settings:
        flag = next((flag for flag, name in KEY_OF_FLAG.items() if name == key), key)
        if flag not in remap.ground.known and key not in _NO_FLAGS:
            raise HullwardError(
                f"{path} has a key that this dockerd does not know: {key!r}.",
                f"It would not start. Remove the key, or mend its spelling. {_NOTHING}",
            )
        if flags is None or flag in flags:
            why = "is a flag of the running dockerd too" if flags else "may be a flag too"
            raise HullwardError(f"{key!r} of {path} {why}.", f"dockerd takes one. {_NOTHING}")


def _no_flag(remap: Remap) -> None:
    flags = remap.daemon.flags
    if flags is None:
        raise HullwardError(
            f"The flags of dockerd are not known: {remap.daemon.gaps.get('flags', 'no reason')}.",
            _NOTHING,
        )
    if KEY in flags:
        raise HullwardError(
            f"dockerd is started with --{KEY}={flags[KEY][-1]}, beside which no file counts.",
            f"Change it in {remap.ground.unit or 'what starts dockerd'}. {_NOTHING}",
        )


def _edit(now: FileNow, text: str) -> Edit:
    """Plan one file; one that is not root's alone becomes so."""
    if now.text is None:
        return Edit(now.path, None, text)
    safe = now.uid == now.gid == 0 and not now.mode & 0o022
    was = None if safe else Owner(now.uid, now.gid, now.mode)
    return Edit(now.path, now.text, text, was, None if safe else Owner(0, 0, now.mode & ~0o022))


def _ranges(remap: Remap, uids: FileNow, gids: FileNow) -> Iterator[Edit]:
    both = subids.parse(uids.text), subids.parse(gids.text)
    for fault in subids.faults(*both):
        raise HullwardError(f"{fault}.", f"Mend {SUBUID} and {SUBGID} first. {_NOTHING}")
    if subids.mine(both[0]):
        return
    start = subids.free(*both, taken=remap.ground.uids)
    if not start:
        raise HullwardError(
            f"{SUBUID} has no room for {subids.COUNT} more ids.", f"Make some. {_NOTHING}"
        )
    for now in (uids, gids):
        yield _edit(now, subids.added(now.text, start))


def _names(names: Sequence[str]) -> str:
    more = f" and {len(names) - 10} more" if names[10:] else ""
    return f"{', '.join(names[:10])}{more}"


def size(count: int) -> str:
    """Write bytes for a person."""
    if count < 0:
        return "unknown size"
    value, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):  # noqa: B007 - the last one is used
        if value < 1000:  # noqa: PLR2004 - of SI
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
