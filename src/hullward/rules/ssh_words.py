"""How findings about sshd are worded: for whom, by which line, and what mends them."""

from collections.abc import Callable, Iterable, Sequence

from hullward.model.rule import Answers, Fail, Unknown
from hullward.model.severity import Severity
from hullward.model.sshd import ELSEWHERE, Probe, Setting, Sshd

DROP_IN = "/etc/ssh/sshd_config.d/00-hullward.conf"
_SHOWN = 4
_OTHER = "any other user"


def judged(
    sshd: Sshd,
    keyword: str,
    offends: Callable[[Probe], Severity | None],
    wanted: str,
) -> Answers:
    """Fail once for each line that gives somebody who may log in what a rule forbids.

    `keyword` is as it is written in files, `wanted` the line that should win.
    """
    if sshd.probes is None:
        yield Unknown(sshd.gaps.get("probes", "sshd -T was not asked"))
        return
    if "probes" in sshd.gaps:
        yield Unknown(sshd.gaps["probes"])
    name = keyword.lower()
    groups: dict[tuple[Setting, Severity], list[Probe]] = {}
    unsure: list[Probe] = []
    for probe in sshd.probes:
        if probe.admitted is False:
            continue
        if name not in probe.settings:
            yield Unknown(f"sshd -T does not print {keyword} for {whom([probe], sshd.probes)}")
        elif severity := offends(probe):
            setting = probe.settings[name]
            same = groups.setdefault((_plain(setting), severity), [])
            (same if probe.admitted else unsure).append(probe)
    if unsure:
        yield Unknown(
            f"{keyword}: whether AllowGroups and DenyGroups let {whom(unsure, sshd.probes)} log in "
            "is not known"
        )
    for (setting, severity), probes in groups.items():
        if not probes:
            continue
        yield Fail(
            f"{keyword} is {setting.value} for {whom(probes, sshd.probes)} ({origin(setting)})",
            severity,
            remedy(sshd, setting, keyword, wanted),
        )


def _plain(setting: Setting) -> Setting:
    """Drop what differs between users of the same line; a Setting with a tuple can be a key."""
    return Setting(
        setting.value, setting.file, setting.line, setting.match, tuple(setting.overruled)
    )


def origin(setting: Setting) -> str:
    """Say which line decides, and which say something else in vain."""
    if setting.file == "-o":
        place = "by the arguments that sshd was started with"
    elif setting.file:
        inside = f" in Match {setting.match}" if setting.match else ""
        place = f"{setting.file}:{setting.line}{inside}"
    else:
        place = "sshd's own default"
    return "; ".join((place, *setting.overruled))


def whom(probes: Sequence[Probe], everybody: Sequence[Probe]) -> str:
    """Name those whom a finding is about, with their addresses where these make a difference."""
    if len(probes) == len(everybody):
        return "everybody"
    if len(probes) == sum(probe.admitted is not False for probe in everybody):
        return "everybody who may log in"
    users = list(dict.fromkeys(probe.user for probe in probes))
    asked = {user: sum(p.user == user for p in everybody) for user in users}
    names = []
    for user in users:
        places = [_place(p, everybody) for p in probes if p.user == user]
        more = "" if len(places) == asked[user] else f" {' or '.join(dict.fromkeys(places))}"
        names.append(f"{user or _OTHER}{more}")
    return _joined(names)


def _joined(names: Sequence[str]) -> str:
    if len(names) > _SHOWN:
        return f"{', '.join(names[:_SHOWN])} and {len(names) - _SHOWN} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _place(probe: Probe, everybody: Iterable[Probe]) -> str:
    """Say from and to where, as far as others were asked with something else."""
    said = []
    for attribute, preposition in (
        ("address", "from"),
        ("host", "as host"),
        ("local_address", "at"),
        ("local_port", "at port"),
    ):
        value = getattr(probe, attribute)
        other = {getattr(p, attribute) for p in everybody} != {value}
        if other and not (attribute == "host" and value == probe.address):
            said.append(f"{preposition} {'anywhere else' if value in ELSEWHERE else value}")
    return " ".join(said)


def remedy(sshd: Sshd, setting: Setting, keyword: str, wanted: str) -> str:
    """Say where the wanted line wins against the one that decides now."""
    name = setting.file.rpartition("/")[2]
    if setting.file == "-o":
        return (
            f"Take `-o {keyword}=…` from sshd's arguments (/etc/default/ssh, /etc/sysconfig/sshd, "
            "or the unit), then start it anew from a session that you keep open"
        )
    if setting.match and "cloud-init" not in name:
        lines = f"Remove line {setting.line} of {setting.file} (in Match {setting.match})."
        return lines + _apply(sshd)
    if setting.match:
        return (
            f"Write at the end of {DROP_IN}, whose blocks come first:\n"
            f"  Match {setting.match}\n    {wanted}{_apply(sshd)}"
        )
    early = (
        setting.file.startswith(DROP_IN.rpartition("/")[0]) and name <= DROP_IN.rpartition("/")[2]
    )
    if early:
        return f"Change line {setting.line} of {setting.file} to: {wanted}{_apply(sshd)}"
    return write(sshd, wanted)


def write(sshd: Sshd, *lines: str) -> str:
    """Say where these lines win: sshd keeps the first value that it reads."""
    where = DROP_IN if sshd.drop_in else sshd.config
    text = "\n".join(f"  {line}" for line in lines)
    return f"Write at the top of {where}:\n{text}{_apply(sshd)}"


def _apply(sshd: Sshd) -> str:
    return (
        f"\nthen: sshd -t && {sshd.reload}   (keep this session open until a new login has worked)"
    )
