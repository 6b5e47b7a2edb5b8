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
# Where nothing is changed, the time of the last access included: MNT_READONLY and MNT_NOATIME.
_COPY = """
m=$(mktemp -d) && mount --bind {source} $m && mount -o remount,bind,ro,noatime $m || exit 1
cp -a $m/. {copy}; s=$?
umount $m; rmdir $m; exit $s
"""
_COPY_FILE = """
d=$(dirname {source}); b=$(basename {source})
m=$(mktemp -d) && mount --bind "$d" $m && mount -o remount,bind,ro,noatime $m || exit 1
cp -a "$m/$b" {copy}; s=$?
umount $m; rmdir $m; exit $s
"""


class Data:
    """Makes the mounts of one trial after the other, and removes them."""

    def __init__(
        self,
        engine: EngineWriter,
        shell: RootShell,
        found: Subject,
        labels: Mapping[str, str],
        bases: Mapping[str, str] | None = None,
    ) -> None:
        """Copy what has to be copied once, if no `bases` are there yet.

        Raises HullwardError where there is no room.
        """
        self._engine, self._shell, self._subject = engine, shell, found
        self._labels = dict(labels)
        self._scratch = ""
        self._prefix = f"hullward-{labels['hullward.session']}"
        self.bases: Mapping[str, str] = bases or {}
        self._uppers: dict[str, dict[str, str]] = {}
        self._volumes: dict[str, dict[str, str]] = {}
        if bases is None:
            self.bases = {
                mount.target: self._base(mount, number)
                for number, mount in enumerate(found.mounts)
                if mount.kind == "bind" and mount.writable
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
        kind = self._shell.run(
            f"[ -d {source} ] && echo folder || {{ [ -f {source} ] && echo file; }}"
        )
        if kind.text.strip() not in {"folder", "file"}:
            raise HullwardError(
                f"{mount.source} is neither a file nor a folder on the engine's machine.",
                "A trial gets copies of files and folders only.",
            )
        if kind.text.strip() == "folder" and not self._subject.running and _plain(mount.source):
            return mount.source
        room = self._room()
        self._check_size(source, room, mount.source)
        copy = f"{room}/base-{number}"
        if kind.text.strip() == "folder":
            script = f"mkdir {shlex.quote(copy)}" + _COPY.format(
                source=source, copy=shlex.quote(copy)
            )
        else:
            script = _COPY_FILE.format(source=source, copy=shlex.quote(copy))
        self._shell.must(script, f"Copying {mount.source}", seconds=600)
        return copy

    def _check_size(self, source: str, room: str, shown: str) -> None:
        """Refuse what would fill the disk: the size of the source and a reserve must be free."""
        said = self._shell.must(
            f"du -skx {source} | cut -f1; df -Pk {shlex.quote(room)} | awk 'NR==2{{print $4}}'",
            "Measuring the disk",
            seconds=300,
        )
        size, free = (int(word) * 1024 for word in said.text.split()[-2:])
        if size + _RESERVE > free:
            raise HullwardError(
                f"A copy of {shown} ({size >> 20} MB) does not fit on the engine's disk, of which "
                f"{free >> 20} MB are free.",
                "Make room, or stop the container: then nothing has to be copied.",
            )

    def mounts(self, trial: str) -> tuple[Json, ...]:
        """Give the mounts of one trial, made anew."""
        self._uppers[trial] = {}
        self._volumes[trial] = {}
        return tuple(
            self._mount(trial, number, mount)
            for number, mount in enumerate(self._subject.mounts)
            if mount.kind != "tmpfs"
        )

    def _mount(self, trial: str, number: int, mount: Mount) -> Json:
        wanted: dict[str, Any] = {"Target": mount.target, "ReadOnly": not mount.writable}
        if mount.kind == "volume":
            name = f"{trial}-{number}"
            self._volumes[trial][mount.target] = name
            options = {"Labels": self._labels}
            return {**wanted, "Type": "volume", "Source": name, "VolumeOptions": options}
        if not mount.writable:
            return {**wanted, "Type": "bind", "Source": mount.source}
        return {**wanted, **self._writable(trial, number, mount)}

    def _writable(self, trial: str, number: int, mount: Mount) -> Json:
        base, room = self.bases[mount.target], self._room()
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
