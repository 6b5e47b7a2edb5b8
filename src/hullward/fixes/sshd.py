"""Hardens sshd by one drop-in that wins; what others wrote is never edited.

sshd keeps the first value that it reads for a keyword, and Match blocks overrule what stands
outside of them (sshd_config(5)). So the drop-in sorts before all others, and where a Match block
that is not ours decides, nothing is changed. Reading (facts §1.5) is left to sshd's own -T.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from hullward.fixes import sshd_checks
from hullward.model.change import FileNow
from hullward.model.errors import HullwardError
from hullward.model.plan import Act, Edit, Owner, Plan, Way
from hullward.model.sshd import Keep, Probe, Sshd
from hullward.rules.ssh_words import DROP_IN, origin, whom

JOB, HARDENED, LOGIN = "ssh", "hardened", "login"
CLEARS = frozenset(
    {"ssh-root-login", "ssh-public-key", "ssh-password-login", "ssh-keyboard-interactive"}
)
FOLDER, _, _NAME = DROP_IN.rpartition("/")
WITHIN = 120
_NOTHING = "Nothing was changed."
_HEAD = (
    "# Written by hullward; `hullward undo` takes it back. sshd keeps the first value it reads.\n"
)
_ROOT_BY_KEY = "without-password|prohibit-password"
_STRICT_ROOT = frozenset({"no", "forced-commands-only", *_ROOT_BY_KEY.split("|")})
_INCLUDE_SINCE, _KBD_SINCE = (8, 2), (8, 7)
_KEYWORD = re.compile(r"\s*([A-Za-z0-9]+)(?=[\s=\"])")
_METHODS = {
    "passwordauthentication": "password",
    "kbdinteractiveauthentication": "keyboard-interactive",
}


class Line(Struct, frozen=True):
    """A line of the drop-in, and the values, joined by |, by which sshd says that it won."""

    keyword: str
    value: str
    said: str

    @property
    def name(self) -> str:
        """Give the keyword as `sshd -T` prints it."""
        name = self.keyword.lower()
        return name.replace("challengeresponse", "kbdinteractive")


def files(sshd: Sshd) -> tuple[str, str]:
    """Name the files that a plan needs to see."""
    return sshd.config, DROP_IN


def harden(sshd: Sshd, keep: Keep, now: Sequence[FileNow], reload: Act) -> Plan:
    """Plan the change; raises HullwardError where it must not be made as things are."""
    _possible(sshd)
    lines = wanted(sshd)
    for reason, advice in obstacles(sshd, lines):
        raise HullwardError(f"{reason}.", f"{advice} {_NOTHING}")
    main, drop_in = now
    edits = tuple(_edits(sshd, keep, main, drop_in, lines))
    missing = [line for line in lines if _missing(sshd, line)]
    if not missing:
        raise HullwardError("sshd is as hard as `hullward ssh harden` makes it.", _NOTHING)
    if not edits:
        setting = _missing(sshd, missing[0])[0].settings.get(missing[0].name)
        why = origin(setting) if setting else "it does not print it"
        raise HullwardError(f"sshd does not follow {DROP_IN}: {why}.", _NOTHING)
    said = [(line.name, line.said) for line in lines]
    there = tuple(_staged(file, edits, back=False) for file in now)
    back = tuple(_staged(file, edits, back=True) for file in now)
    empty = ((sshd_checks.CANDIDATE, ""),)
    return Plan(
        "Harden sshd",
        JOB,
        edits,
        Way(
            check=sshd_checks.checks(sshd, keep, (there[0], there[1]), said),
            candidates=empty,
            activate=(reload,),
            rehearsal=LOGIN,
            proof=HARDENED,
            notes=tuple(_notes(sshd, keep)),
        ),
        Way(
            check=sshd_checks.checks(sshd, keep, (back[0], back[1]), ()),
            candidates=empty,
            activate=(reload,),
        ),
        within=WITHIN,
    )


def wanted(sshd: Sshd) -> tuple[Line, ...]:
    """Choose the lines: what is stricter already stays, and so does a second factor."""
    probes = _let_in(sshd)
    lines = []
    roots = [p for p in probes if p.user == "root"]
    if any(p.value("permitrootlogin") not in _STRICT_ROOT for p in roots):
        lines.append(Line("PermitRootLogin", "prohibit-password", _ROOT_BY_KEY))
    lines.append(Line("PubkeyAuthentication", "yes", "yes"))
    if not any(_demanded(p, "password") for p in probes):
        lines.append(Line("PasswordAuthentication", "no", "no"))
    if not any(_demanded(p, "keyboard-interactive") for p in probes):
        new = _version(sshd) >= _KBD_SINCE
        keyword = "KbdInteractive" if new else "ChallengeResponse"
        lines.append(Line(f"{keyword}Authentication", "no", "no"))
    return tuple(lines)


def obstacles(sshd: Sshd, lines: Sequence[Line]) -> Iterator[tuple[str, str]]:
    """Say which lines would decide all the same, and what to do about each."""
    everybody = sshd.probes or ()
    for line in lines:
        for setting in dict.fromkeys(
            p.settings[line.name] for p in _missing(sshd, line) if line.name in p.settings
        ):
            probes = [p for p in _missing(sshd, line) if p.settings.get(line.name) == setting]
            what = f"{line.keyword} is {setting.value} for {whom(probes, everybody)}"
            if setting.file == "-o":
                advice = "Take it out of them first: no file counts beside them."
                yield f"{what} {origin(setting)}", advice
            elif setting.match and setting.file != DROP_IN:
                advice = f"Remove line {setting.line} of {setting.file}, if it is not meant so."
                yield (
                    f"{what} by a Match block that is not hullward's ({origin(setting)})",
                    advice,
                )
    for keyword, method in _METHODS.items():
        kept = keyword not in {line.name for line in lines}
        free = [p for p in _let_in(sshd) if p.value(keyword) == "yes" and not _demanded(p, method)]
        free = [p for p in free if not _second(p)]
        if kept and free:
            what = f"{method} is the second factor of some (AuthenticationMethods)"
            yield (
                f"{what}, and alone lets in {whom(free, everybody)}",
                "Demand publickey first of everybody: AuthenticationMethods outside any Match.",
            )


def clears(rule: str, sshd: Sshd) -> str | None:
    """Give the option with which the change clears a rule, None where it would not be made."""
    try:
        _possible(sshd)
    except HullwardError:
        return None
    blocked = any(True for _ in obstacles(sshd, wanted(sshd)))
    return "" if rule in CLEARS and not blocked else None


def _possible(sshd: Sshd) -> None:
    """Refuse where it is not known what a change would do."""
    gap = sshd.gaps.get("probes") or ("" if sshd.probes else "sshd -T was not asked")
    if not sshd.present:
        raise HullwardError("This host has no ssh server.", _NOTHING)
    if gap:
        raise HullwardError(f"What sshd does is not known: {gap}.", f"Mend it first. {_NOTHING}")
    if len(sshd.masters or ()) > 1:
        pids = ", ".join(str(master.pid) for master in sshd.masters or ())
        raise HullwardError(f"Several sshd run here ({pids}).", f"hullward changes one. {_NOTHING}")
    if _version(sshd) < _INCLUDE_SINCE:
        raise HullwardError(
            f"{sshd.version} knows no Include, so it reads no drop-in.",
            f"OpenSSH 8.2 brought it; write the lines of `hullward ssh check` by hand. {_NOTHING}",
        )


def _version(sshd: Sshd) -> tuple[int, int]:
    found = re.match(r"OpenSSH_(\d+)\.(\d+)", sshd.version)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _let_in(sshd: Sshd) -> tuple[Probe, ...]:
    return tuple(probe for probe in sshd.probes or () if probe.admitted is not False)


def _missing(sshd: Sshd, line: Line) -> list[Probe]:
    """Give those for whom sshd does not say what the line wants."""
    probes = _let_in(sshd)
    if line.name == "permitrootlogin":
        probes = tuple(probe for probe in probes if probe.user == "root")
    return [probe for probe in probes if probe.value(line.name) not in line.said.split("|")]


def _lists(probe: Probe) -> list[list[str]]:
    wanted = probe.value("authenticationmethods", "any").split()
    if wanted in ([], ["any"]):
        return []
    return [[name.partition(":")[0] for name in methods.split(",")] for methods in wanted]


def _demanded(probe: Probe, method: str) -> bool:
    """Whether it is asked for beside a key, so that without it nobody gets in."""
    return any(method in names and "publickey" in names for names in _lists(probe))


def _second(probe: Probe) -> bool:
    """Whether a key is demanded of this user in any case."""
    lists = _lists(probe)
    return bool(lists) and all("publickey" in names for names in lists)


def _edits(
    sshd: Sshd, keep: Keep, main: FileNow, drop_in: FileNow, lines: Sequence[Line]
) -> Iterator[Edit]:
    text = drop_in_text(drop_in.text or "", lines)
    if text != drop_in.text or not _safe(drop_in):
        yield _edit(drop_in, text, 0o600)
    first = sshd.drop_in and not any(name < _NAME for name in keep.drop_ins)
    if not first:
        if main.text is None:
            raise HullwardError(f"{main.path} is not there.", _NOTHING)
        new = included(main.text, keep)
        if new != main.text:
            yield _edit(main, new, main.mode)


def drop_in_text(now: str, lines: Sequence[Line]) -> str:
    """Write the lines on top; what else the file says stays, Match blocks untouched."""
    ours = {line.name for line in lines} | {line.keyword.lower() for line in lines}
    kept, outside = [], True
    for line in now.splitlines(keepends=True):
        found = _KEYWORD.match(line)
        keyword = found[1].lower() if found else ""
        outside = outside and keyword != "match"
        if line != _HEAD and not (outside and keyword in ours):
            kept.append(line)
    return _HEAD + "".join(f"{x.keyword} {x.value}\n" for x in lines) + "".join(kept)


def included(main: str, keep: Keep) -> str:
    """Put an Include at the top, of our drop-in alone where others would come to life by it."""
    sleeping = [name for name in keep.drop_ins if name != _NAME]
    line = f"Include {DROP_IN if sleeping else f'{FOLDER}/*.conf'}"
    if main.startswith(line):
        return main
    return f"{line}\r\n{main}" if main.partition("\n")[0].endswith("\r") else f"{line}\n{main}"


def _safe(now: FileNow) -> bool:
    return now.text is None or (now.uid == now.gid == 0 and not now.mode & 0o022)


def _edit(now: FileNow, text: str, mode: int) -> Edit:
    """Plan one file; one that is not root's alone becomes so."""
    if now.text is None:
        return Edit(now.path, None, text, None, Owner(0, 0, mode))
    if _safe(now):
        return Edit(now.path, now.text, text)
    was = Owner(now.uid, now.gid, now.mode)
    return Edit(now.path, now.text, text, was, Owner(0, 0, now.mode & ~0o022))


def _staged(now: FileNow, edits: Sequence[Edit], *, back: bool) -> str:
    """Say where a check finds a file: staged where it is edited, "" where it will not be."""
    edit = next((edit for edit in edits if edit.path == now.path), None)
    after = now.text if edit is None else edit.before if back else edit.after
    if after is None:
        return ""
    return f"{{new:{now.path}}}" if edit else now.path


def _notes(sshd: Sshd, keep: Keep) -> Iterator[str]:
    have = {key.user for key in sshd.login_keys or () if key.type}
    let_in = {probe.user for probe in _let_in(sshd)}
    without = [x for x in keep.admins if x in let_in and x not in have and x != keep.person]
    if without:
        yield f"without a key, so not able to log in any more: {', '.join(without)}"
    if sshd.socket and sshd.socket.active:
        yield "systemd starts sshd by its socket, which stays as it is"
    weak: Mapping[str, int] = {
        key.path: key.bits
        for key in sshd.host_keys or ()
        if key.type == "rsa" and key.bits < 3072  # noqa: PLR2004
    }
    for path, bits in weak.items():
        yield f"the host key {path} is RSA of {bits} bits only"
