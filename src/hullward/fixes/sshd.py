"""Hardens sshd by one drop-in that wins; what others wrote in theirs is never edited.

sshd keeps the first value that it reads for a keyword, and Match blocks overrule what stands
outside of them (sshd_config(5)). So the drop-in sorts before all others, and where a Match block
that is not ours decides, nothing is changed.
"""

import re
from collections.abc import Iterator, Sequence

from hullward.fixes import host_keys, sshd_checks
from hullward.fixes.sshd_lines import (
    INCLUDE_SINCE,
    PLAIN,
    Line,
    Wish,
    let_in,
    missing,
    obstacles,
    told,
    version,
    wanted,
)
from hullward.model.change import FileNow
from hullward.model.errors import HullwardError
from hullward.model.plan import Act, Edit, Owner, Plan, Way
from hullward.model.sshd import Keep, Sshd
from hullward.rules.ssh_words import DROP_IN, origin

JOB = "ssh"
# Words of a rehearsal and a proof.
LOGIN, KEYS, HARDENED, STRICT, DOCKER = "login", "host-keys", "hardened", "strict", "docker"
_BY_PASSWORD = frozenset({"ssh-root-login", "ssh-password-login", "ssh-keyboard-interactive"})
_HOST_KEYS = frozenset({"ssh-host-key-type", "ssh-host-key-algorithms"})
_FORWARDING = frozenset({"ssh-forwarding"})
FOLDER, _, _NAME = DROP_IN.rpartition("/")
WITHIN = 120
_NOTHING = "Nothing was changed."
_HEAD = (
    "# Written by hullward; `hullward undo` takes it back. sshd keeps the first value it reads.\n"
)
_KEYWORD = re.compile(r"\s*([A-Za-z0-9]+)(?=[\s=\"])")
_OTHERS_WRITE = 0o022


def files(sshd: Sshd) -> tuple[str, str]:
    """Name the files that a plan needs to see."""
    return sshd.config, DROP_IN


def harden(sshd: Sshd, keep: Keep, now: Sequence[FileNow], reload: Act, wish: Wish = PLAIN) -> Plan:
    """Plan the change; raises HullwardError where it must not be made as things are."""
    _possible(sshd)
    lines = wanted(sshd, wish)
    for reason, advice in obstacles(sshd, lines):
        raise HullwardError(f"{reason}.", f"{advice} {_NOTHING}")
    if wish.host_keys:
        lines += host_keys.lines(sshd, keep)
    edits = tuple(_edits(sshd, keep, now, lines, wish))
    _needed(sshd, lines, edits)
    said = [(line.name, line.said) for line in lines if line.said]
    there, back = (tuple(_staged(file, edits, back=way) for file in now) for way in (False, True))
    empty = ((sshd_checks.CANDIDATE, ""),)
    words = (KEYS,) if wish.host_keys else ()
    return Plan(
        "Harden sshd",
        JOB,
        edits,
        Way(
            sshd_checks.checks(sshd, keep, (there[0], there[1]), said),
            empty,
            (reload,),
            " ".join((LOGIN, *words)),
            " ".join((HARDENED, *words, *((STRICT,) if wish.strict else ()))),
            tuple(_notes(sshd, keep, wish)),
        ),
        Way(sshd_checks.checks(sshd, keep, (back[0], back[1]), ()), empty, (reload,)),
        within=WITHIN,
    )


def clears(rule: str, sshd: Sshd) -> str | None:
    """Give the option with which the change clears a rule, None where it would not be made."""
    options = {"": _BY_PASSWORD, " --host-keys": _HOST_KEYS, " --strict": _FORWARDING}
    option = next((option for option, rules in options.items() if rule in rules), None)
    if option is None:
        return None
    wish = Wish(option == " --host-keys", option == " --strict")
    try:
        _possible(sshd)
        if wish.host_keys:
            host_keys.lines(sshd, Keep(""))
    except HullwardError:
        return None
    short = any(key.type == "rsa" and host_keys.weak_key(key) for key in sshd.host_keys or ())
    lines = wanted(sshd, wish)
    # Where keys are off nobody can prove one.
    keyless = any(missing(sshd, line) for line in lines if line.name == "pubkeyauthentication")
    blocked = keyless or any(True for _ in obstacles(sshd, lines))
    return None if blocked or (rule == "ssh-host-key-type" and short) else option


def cleared(proof: str) -> frozenset[str]:
    """Name the rules that a change with this proof must have cleared."""
    parts = {
        HARDENED: _BY_PASSWORD | {"ssh-public-key"},
        STRICT: _FORWARDING,
        KEYS: frozenset({"ssh-host-key-algorithms"}),  # of the others a short RSA key may stay
    }
    return frozenset().union(*(parts.get(word, frozenset()) for word in proof.split()))


def _possible(sshd: Sshd) -> None:
    """Refuse where it is not known what a change would do."""
    if not sshd.present:
        raise HullwardError("This host has no ssh server.", _NOTHING)
    gap = sshd.gaps.get("probes") or ("" if sshd.probes else "sshd -T was not asked")
    if gap:
        raise HullwardError(f"What sshd does is not known: {gap}.", f"Mend it first. {_NOTHING}")
    if len(sshd.masters or ()) > 1:
        pids = ", ".join(str(master.pid) for master in sshd.masters or ())
        raise HullwardError(f"Several sshd run here ({pids}).", f"hullward changes one. {_NOTHING}")
    if version(sshd) < INCLUDE_SINCE:
        raise HullwardError(
            f"{sshd.version} knows no Include, so it reads no drop-in.",
            f"OpenSSH 8.2 brought it; write the lines of `hullward ssh check` by hand. {_NOTHING}",
        )


def _needed(sshd: Sshd, lines: Sequence[Line], edits: Sequence[Edit]) -> None:
    """Refuse to do what is done; sshd may say so without a line of ours."""
    open_ = [line for line in lines if missing(sshd, line)]
    if edits and (open_ or any(not told(sshd, line) for line in lines)):
        return
    if open_:
        setting = missing(sshd, open_[0])[0].settings[open_[0].name]
        raise HullwardError(f"sshd does not follow {DROP_IN}: {origin(setting)}.", _NOTHING)
    raise HullwardError("sshd is as hard as `hullward ssh harden` makes it.", _NOTHING)


def _edits(
    sshd: Sshd, keep: Keep, now: Sequence[FileNow], lines: Sequence[Line], wish: Wish
) -> Iterator[Edit]:
    main, drop_in = now
    text = drop_in_text(drop_in.text or "", lines)
    if text != drop_in.text or not _safe(drop_in):
        yield _edit(drop_in, text)
    if main.text is None:
        raise HullwardError(f"{main.path} is not there.", _NOTHING)
    new = host_keys.without(main.text, sshd) if wish.host_keys else main.text
    if not sshd.drop_in or any(name < _NAME and name.endswith(".conf") for name in keep.drop_ins):
        new = included(new, keep)
    if new != main.text:
        yield _edit(main, new)


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
    if main.startswith((line, f"Include {DROP_IN}")):
        return main
    return f"{line}\r\n{main}" if main.partition("\n")[0].endswith("\r") else f"{line}\n{main}"


def _safe(now: FileNow) -> bool:
    return now.text is None or (now.uid == now.gid == 0 and not now.mode & _OTHERS_WRITE)


def _edit(now: FileNow, text: str) -> Edit:
    """Plan one file; one that is not root's alone becomes so."""
    if now.text is None:
        return Edit(now.path, None, text, None, Owner(0, 0, 0o600))
    if _safe(now):
        return Edit(now.path, now.text, text)
    was = Owner(now.uid, now.gid, now.mode)
    return Edit(now.path, now.text, text, was, Owner(0, 0, now.mode & ~_OTHERS_WRITE))


def _staged(now: FileNow, edits: Sequence[Edit], *, back: bool) -> str:
    """Say where a check finds a file: staged where it is edited, "" where it will not be."""
    edit = next((edit for edit in edits if edit.path == now.path), None)
    after = now.text if edit is None else edit.before if back else edit.after
    if after is None:
        return ""
    return f"{{new:{now.path}}}" if edit else now.path


def _notes(sshd: Sshd, keep: Keep, wish: Wish) -> Iterator[str]:
    have = {key.user for key in sshd.login_keys or () if key.type}
    users = {probe.user for probe in let_in(sshd)}
    without = [x for x in keep.admins if x in users and x not in have and x != keep.person]
    if without:
        yield f"without a key, so not able to log in any more: {', '.join(without)}"
    if sshd.socket and sshd.socket.active:
        yield "systemd starts sshd by its socket, which stays as it is"
    if wish.host_keys:
        yield from host_keys.notes(sshd)
    if wish.strict:
        yield "jumps through this host, ssh -L and -R, and agent forwarding end"
    for key in sshd.host_keys or ():
        if key.type == "rsa" and (weakness := host_keys.weak_key(key)):
            yield f"the host key {key.path} is {weakness} only: `hullward ssh check` says more"
