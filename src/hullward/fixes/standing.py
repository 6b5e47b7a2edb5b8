"""Keeps a table of ours in the kernel: its file, what loads it at boot, and the plan for both.

Never through nftables.service, whose file and whose stop delete every rule, Docker's too. The unit
of ours starts before the network and Docker, and again whenever nftables.service does. A change
that nobody has confirmed is not loaded at boot: the loader then takes the text from before it.
Sources: systemd.unit(5), openrc-run(8), nft(8).
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from hullward.model.change import FileNow
from hullward.model.errors import HullwardError
from hullward.model.plan import Act, Edit, Owner, Plan, Way
from hullward.model.walls import Ground

FOLDER = "/etc/hullward"
JOURNAL = "/var/lib/hullward"
WITHIN = 60
_NOTHING = "Nothing was changed."
# Links are told apart by their kind since this one.
_OLDEST = (0, 9, 3)


class Standing(Struct, frozen=True):
    """A table that is to stand: its name, the command that makes it, and what it is for."""

    table: str
    command: str
    what: str

    @property
    def text(self) -> str:
        """The path of its text."""
        return f"{FOLDER}/{self.command}.nft"

    @property
    def loader(self) -> str:
        """The path of the script that loads it at boot."""
        return f"{FOLDER}/{self.command}.sh"

    @property
    def service(self) -> str:
        """The name of its service."""
        return f"hullward-{self.command}"

    def unit(self, init: str) -> str:
        """Give the path of what the init system reads, "" for one that is not known."""
        return {
            "systemd": f"/etc/systemd/system/{self.service}.service",
            "openrc": f"/etc/init.d/{self.service}",
        }.get(init, "")

    def paths(self, init: str) -> tuple[str, ...]:
        """Give the paths that a plan needs to see."""
        unit = self.unit(init)
        return (self.text, self.loader, unit) if unit else (self.text,)


def loader(standing: Standing, program: str, journal: str = JOURNAL) -> str:
    """Write the script that loads the confirmed text, at boot and after a flush."""
    return f"""\
#!/bin/sh
# Made by hullward: loads {standing.text}, or the text from before a change that is not confirmed.
text={standing.text}
for state in {journal}/changes/*/state; do
  [ -e "$state" ] || continue
  case $(cat "$state") in confirmed | reverted) continue ;; esac
  for path in "${{state%state}}"edit/*/path; do
    [ "$(cat "$path")" != {standing.text} ] || text=${{path%path}}old
  done
done
[ -e "$text" ] || exit 0
exec {program} -f "$text"
"""


def systemd(standing: Standing) -> str:
    """Write the unit of systemd; stopping it opens nothing."""
    return f"""\
[Unit]
Description=hullward: {standing.what}
Documentation=man:nft(8)
DefaultDependencies=no
Wants=network-pre.target
After=local-fs.target systemd-sysctl.service nftables.service ufw.service firewalld.service
Before=network-pre.target docker.service containerd.service shutdown.target
Conflicts=shutdown.target
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service
ConditionPathExists={standing.text}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh {standing.loader}
ExecReload=/bin/sh {standing.loader}

[Install]
WantedBy=multi-user.target nftables.service
"""


def openrc(standing: Standing) -> str:
    """Write the service of OpenRC."""
    return f"""\
#!/sbin/openrc-run
description="hullward: {standing.what}"
extra_started_commands="reload"

depend() {{
	need localmount
	after nftables iptables ip6tables
	before net docker containerd
}}

start() {{
	ebegin "Loading {standing.table}"
	/bin/sh {standing.loader}
	eend $?
}}

reload() {{
	start
}}
"""


# Makes kernel and init system agree with the files, whichever way these were changed. The service
# starts first: while the change is not confirmed, it loads the text from before.
_AGREE = """\
service=${4##*/}
case $5 in
systemd)
  [ -e "$4" ] || systemctl --quiet stop "$service" || :
  systemctl daemon-reload
  if [ -e "$4" ]; then
    systemctl --quiet enable "$service"
    systemctl start "$service"
  else
    rm -f "${4%/*}"/*.wants/"$service"
  fi ;;
openrc)
  if [ -e "$4" ]; then
    rc-update --quiet add "$service" default
    rc-service --quiet "$service" start || :
  else
    rm -f "${4%/init.d/*}"/runlevels/*/"$service"
  fi ;;
esac
if [ -e "$2" ]; then "$3" -f "$2"
else printf 'add table inet %s\\ndelete table inet %s\\n' "$1" "$1" | "$3" -f -
fi
"""


def plan(
    standing: Standing,
    ground: Ground,
    text: str | None,
    now: Sequence[FileNow],
    journal: str = JOURNAL,
) -> Plan:
    """Plan a table, or with no text its end; raises HullwardError where the host forbids it."""
    _refuse(standing, ground)
    wanted: Mapping[str, str] = {}
    if text is not None:
        wanted = {
            standing.text: text,
            standing.loader: loader(standing, ground.nft, journal),
            standing.unit("systemd"): systemd(standing),
            standing.unit("openrc"): openrc(standing),
        }
    edits = tuple(
        _edit(file, wanted.get(path), path)
        for path, file in zip(standing.paths(ground.init), now, strict=True)
    )
    if all(edit.before == edit.after for edit in edits):
        loaded = standing.table in ground.loaded
        if loaded is (text is not None):
            state = "in place, and as it would be made now" if loaded else "not there"
            raise HullwardError(f"{standing.what.capitalize()} is {state}.", _NOTHING)
    return _planned(standing, ground, edits, on=text is not None)


def _planned(standing: Standing, ground: Ground, edits: tuple[Edit, ...], *, on: bool) -> Plan:
    unit = standing.unit(ground.init)
    words = ("sh", "-ec", _AGREE, "-", standing.table, standing.text, ground.nft, unit, ground.init)
    boot = f", and at every boot through {unit}" if unit else ""
    load, remove = (
        Act(words, f"{ground.nft} -f {standing.text}{boot}"),
        Act(words, f"{ground.nft} 'delete table inet {standing.table}'"),
    )
    there = edits[0].before is not None
    check = (Act((ground.nft, "-c", "-f", f"{{new:{edits[0].path}}}")),)
    forth = Way(check=check, activate=(load if on else remove,), proof="on" if on else "off")
    back = Way(check=check, activate=(load if there else remove,), proof="on" if there else "off")
    title = f"{'Make' if on else 'Remove'} {standing.what}"
    if on and there:
        title = f"Bring {standing.what} up to date"
    made = Plan(title, standing.command, edits, forth, back, within=WITHIN)
    if on and not unit:
        note = "no systemd and no OpenRC is on this host: at the next boot the table is gone"
        made = replace(made, forth=replace(forth, notes=(note,)))
    return made


def _edit(now: FileNow, text: str | None, path: str) -> Edit:
    """Plan one file; a script of OpenRC must be executable."""
    mode = 0o755 if path.startswith("/etc/init.d/") else 0o644
    becomes = Owner(0, 0, mode) if text is not None else None
    was = None if now.text is None else Owner(now.uid, now.gid, now.mode)
    return Edit(now.path, now.text, text, was, becomes)


def _refuse(standing: Standing, ground: Ground) -> None:
    if not ground.nft:
        raise HullwardError(
            "This host has no nft.",
            f"Install nftables (`apt install nftables`), and leave its service off. {_NOTHING}",
        )
    if ground.version and ground.version < _OLDEST:
        found = ".".join(map(str, ground.version))
        raise HullwardError(
            f"nft {found} on this host is too old.", f"0.9.3 is the oldest that fits. {_NOTHING}"
        )
    loaded = ground.loaded.get(standing.table)
    if loaded is not None and not loaded.ours:
        raise HullwardError(
            f"The kernel has a table inet {standing.table} that hullward did not make.",
            f"Look at it: `nft list table inet {standing.table}`. {_NOTHING}",
        )
