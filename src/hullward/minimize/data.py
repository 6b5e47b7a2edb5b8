"""What a trial gets in place of the volumes and folders of the original, which are only read.

A volume becomes a new one. A folder of the host that may be written to becomes an overlay of a copy
that is made once, or of the folder itself where nothing runs that writes to it; a file becomes a
copy. What is mounted read-only is passed through.
"""

import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from hullward.host.engine_writer import EngineWriter
from hullward.host.root_shell import RootShell
from hullward.minimize.clone import Json, Mount, Subject
from hullward.model.errors import HullwardError

_RESERVE = 1 << 30
# A view of the source in which reading leaves no trace, the time of the last access included.
_VIEW = """
m={room}/view; mkdir -p $m && mount --bind {folder} $m && mount -o remount,bind,ro,noatime $m ||
  exit 1
( {work} ); s=$?
umount $m; exit $s
"""


class Data:
    """Makes the mounts of one trial after the other, and removes them."""

    def __init__(  # noqa: PLR0913 - two of them by name
        self,
        engine: EngineWriter,
        shell: RootShell,
        found: Subject,
        labels: Mapping[str, str],
        *,
        bases: Mapping[str, str] | None = None,
        with_data: bool = False,
    ) -> None:
        """Copy what has to be copied once, volumes too `with_data`, if no `bases` are there yet.

        Raises HullwardError where there is no room.
        """
        self._engine, self._shell, self._subject = engine, shell, found
        self._labels = dict(labels)
        self._scratch = ""
        self._prefix = f"hullward-{labels['hullward.session']}"
        self.bases: Mapping[str, str] = bases or {}
        self.seeds: Mapping[str, str] = {}
        self._uppers: dict[str, dict[str, str]] = {}
        self._volumes: dict[str, dict[str, str]] = {}
        if bases is None:
            for mount in found.mounts:
                if mount.kind == "bind" and not mount.writable:
                    self._refuse_sockets(mount)
            self.bases = {
                mount.target: self._base(mount, number)
                for number, mount in enumerate(found.mounts)
                if (mount.kind == "bind" and mount.writable)
                or (mount.kind == "volume" and with_data)
            }

    def _room(self) -> str:
        """Make the volume that holds copies and upper folders; it goes when its label is swept."""
        if not self._scratch:
            name = f"{self._prefix}-scratch"
            made = self._engine.ask(
                "POST", "/volumes/create", {"Name": name, "Driver": "local", "Labels": self._labels}
            )
            self._scratch = made["Mountpoint"]
            self._shell.must(f"[ -d {shlex.quote(self._scratch)} ]", "Finding the engine's volumes")
        return self._scratch

    def _base(self, mount: Mount, number: int) -> str:
        source = shlex.quote(mount.source)
        said = self._shell.run(
            f"if [ -d {source} ]; then echo folder; elif [ -f {source} ]; then echo file; fi"
        )
        kind = said.text.strip()
        if kind not in {"folder", "file"}:
            raise HullwardError(
                f"{mount.source} is neither a file nor a folder on the engine's machine.",
                "A trial gets copies of files and folders only.",
            )
        if kind == "folder" and not self._subject.running and _plain(mount.source):
            return mount.source
        parent, _, name = mount.source.rstrip("/").rpartition("/")
        folder, inside = (mount.source, ".") if kind == "folder" else (parent or "/", name)
        view = shlex.quote(f"{self._room()}/view/{inside}")
        self._check_size(folder, view, mount.source)
        copy = shlex.quote(f"{self._room()}/base-{number}")
        make = f"mkdir {copy} && " if kind == "folder" else ""
        self._view(folder, f"{make}cp -a {view} {copy}", f"Copying {mount.source}")
        return f"{self._room()}/base-{number}"

    def _view(self, folder: str, work: str, what: str) -> str:
        """Run a command while a folder can be seen at ROOM/view."""
        room = shlex.quote(self._room())
        script = _VIEW.format(room=room, folder=shlex.quote(folder), work=work)
        return self._shell.must(script, what, seconds=600).text

    def _refuse_sockets(self, mount: Mount) -> None:
        """Refuse what is passed through and holds a socket: a copy would talk to what is real."""
        source = shlex.quote(mount.source)
        if self._shell.run(f"[ -d {source} ]").status:
            found = mount.source if not self._shell.run(f"[ -S {source} ]").status else ""
        else:
            view = shlex.quote(f"{self._room()}/view")
            work = f"cd {view} && find . -xdev -maxdepth 4 -type s | head -n 1"
            found = self._view(mount.source, work, f"Looking through {mount.source}").strip()
        if found:
            raise HullwardError(
                f"The container {self._subject.name} cannot be copied for trials: it has the "
                f"socket {found} from {mount.source}, through which a copy acts for real.",
                "Nothing was started.",
            )

    def _check_size(self, folder: str, view: str, shown: str) -> None:
        """Refuse what would fill the disk: the size of the source and a reserve must be free."""
        room = shlex.quote(self._room())
        work = f"du -skx {view} | cut -f1; df -Pk {room} | awk 'NR==2{{print $4}}'"
        said = self._view(folder, work, f"Measuring {shown}")
        size, free = (int(word) * 1024 for word in said.split()[-2:])
        if size + _RESERVE > free:
            raise HullwardError(
                f"A copy of {shown} ({size >> 20} MB) does not fit on the engine's disk, of which "
                f"{free >> 20} MB are free.",
                "Make room, or stop the container: then nothing has to be copied.",
            )

    def mounts(self, trial: str, *, seeded: bool = False) -> tuple[Json, ...]:
        """Give the mounts of one trial, made anew; `seeded` volumes hold what `seed` kept."""
        self._uppers[trial] = {}
        self._volumes[trial] = {}
        return tuple(
            self._mount(trial, number, mount, seeded=seeded)
            for number, mount in enumerate(self._subject.mounts)
            if mount.kind != "tmpfs"
        )

    def seed(self, trial: str) -> Mapping[str, str]:
        """Keep what a trial left in its volumes, as bases for others."""
        found = {}
        for number, (target, folder) in enumerate(sorted(self.written(trial).items())):
            if target in self._volumes[trial]:
                copy = f"{self._room()}/seed-{number}"
                words = f"{shlex.quote(folder)} {shlex.quote(copy)}"
                self._shell.must(f"cp -a {words}", f"Keeping what is in {target}", seconds=600)
                found[target] = copy
        return found

    def _mount(self, trial: str, number: int, mount: Mount, *, seeded: bool) -> Json:
        wanted: dict[str, Any] = {"Target": mount.target, "ReadOnly": not mount.writable}
        seed = self.seeds.get(mount.target) if seeded else None
        base = seed or self.bases.get(mount.target)
        if mount.kind == "volume" and base:
            return {**wanted, **self._writable(trial, number, mount, base)}
        if mount.kind == "volume":
            name = f"{trial}-{number}"
            self._volumes[trial][mount.target] = name
            options = {"Labels": self._labels}
            return {**wanted, "Type": "volume", "Source": name, "VolumeOptions": options}
        if not mount.writable:
            return {**wanted, "Type": "bind", "Source": mount.source}
        return {**wanted, **self._writable(trial, number, mount, self.bases[mount.target])}

    def _writable(self, trial: str, number: int, mount: Mount, base: str) -> Json:
        room = self._room()
        own = f"{room}/{trial}-{number}"
        script = (
            f"mkdir {shlex.quote(own)} && if [ -f {shlex.quote(base)} ]; then "
            f"cp -a {shlex.quote(base)} {shlex.quote(own)}/file && echo file; else "
            f"mkdir {shlex.quote(own)}/upper {shlex.quote(own)}/work && "
            f"chown --reference={shlex.quote(base)} {shlex.quote(own)}/upper && "
            f"chmod --reference={shlex.quote(base)} {shlex.quote(own)}/upper; fi"
        )
        said = self._shell.must(script, f"Making a place for {mount.target}")
        if said.text.strip() == "file":
            self._uppers[trial][mount.target] = f"{own}/file"
            return {"Type": "bind", "Source": f"{own}/file"}
        self._uppers[trial][mount.target] = f"{own}/upper"
        name = f"{trial}-{number}"
        self._volumes[trial][f"{mount.target}\0overlay"] = name
        options = {
            "type": "overlay",
            "device": "overlay",
            "o": f"lowerdir={base},upperdir={own}/upper,workdir={own}/work",
        }
        driver = {"Name": "local", "Options": options}
        return {
            "Type": "volume",
            "Source": name,
            "VolumeOptions": {"Labels": self._labels, "NoCopy": True, "DriverConfig": driver},
        }

    def written(self, trial: str) -> Mapping[str, str]:
        """Say where on the engine's machine a trial wrote, by the place in the container."""
        found = dict(self._uppers.get(trial, {}))
        for target, name in self._volumes.get(trial, {}).items():
            if "\0" not in target:
                found[target] = self._engine.ask("GET", f"/volumes/{quote(name)}")["Mountpoint"]
        return found

    def remove(self, trial: str) -> None:
        """Remove what a trial had."""
        for name in self._volumes.pop(trial, {}).values():
            self._engine.remove(f"/volumes/{quote(name)}?force=1")
        own = [folder.rpartition("/")[0] for folder in self._uppers.pop(trial, {}).values()]
        if own:
            self._shell.run("rm -rf -- " + " ".join(map(shlex.quote, own)), 120)


def _plain(path: str) -> bool:
    """Whether a path can stand in the options of mount(8)."""
    return not set(path) & set(',:\\" ')
