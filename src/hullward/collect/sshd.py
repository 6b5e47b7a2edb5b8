"""The ssh server as it is configured and as it runs."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice, pairwise

from msgspec.structs import replace

from hullward.collect import sshd_access, sshd_files
from hullward.collect.bundle import Said
from hullward.collect.sshd_answer import CUT, Answer, Section, answer, number
from hullward.collect.sshd_files import Files, Line
from hullward.collect.sshd_find import FOR_ALL, OTHER, PER_LOGIN
from hullward.collect.sshd_script import QUESTIONS
from hullward.model.sshd import (
    HostKey,
    LoginKey,
    Master,
    Probe,
    Setting,
    Socket,
    Sshd,
    TrustedFile,
)

__all__ = ["QUESTIONS", "parse"]

_STAT = re.compile(r"[0-9]{1,18} [0-7]{1,5} [0-9]{1,18} [0-9]{1,18}")
_MOST_PROBES, _MOST_KEYS = 600, 2000
_SILENT = Said(problem="the collector's answer ends before it")
_KINDS = {
    "config": "config",
    "directory": "directory",
    "command": "command",
    "host-key": "host key",
}


def parse(answers: Mapping[str, Said]) -> Sshd | str:
    """Read the answers; a string says why nothing is known."""
    main = answer(answers.get("sshd", _SILENT))
    whole = not main.problem
    if other := main.first("other"):
        return f"another ssh server ({other.rest}) is here; only OpenSSH's can be read"
    if whole and main.first("absent"):
        return Sshd(
            present=False, masters=(), probes=(), settings={}, files=(), host_keys=(), login_keys=()
        )
    program = main.first("program")
    if program is None:
        lost = "an sshd runs here, but its program cannot be run" if main.first("lost") else ""
        return lost or f"the ssh server: {main.problem or 'no program of it was named'}"
    version, path = program.fields(2)
    gaps: dict[str, str] = {}
    files = _files(main)
    lines = sshd_files.lines(files, (section.rest for section in main.all("option")))
    units = answer(answers.get("sshd-units", _SILENT))
    probes = _probes(main, lines, gaps)
    masters = _masters(main)
    if not whole and not masters:
        gaps["masters"] = f"sshd's process: {main.problem}"
    if not whole:
        gaps["files"] = f"sshd's files: {main.problem}"
    return Sshd(
        version=version,
        program=path,
        reload=_reload(units, masters),
        config=files.main or "/etc/ssh/sshd_config",
        drop_in=sshd_files.drop_in_first(files),
        keytab=not whole or main.first("keytab") is not None,
        connection=tuple((main.first("connection") or Section("")).rest.split()),
        masters=masters if whole or masters else None,
        socket=_socket(units, gaps),
        probes=probes,
        settings=_common(main, lines, gaps),
        files=_trusted(main, gaps),
        host_keys=_host_keys(main, lines, gaps),
        login_keys=_login_keys(answer(answers.get("sshd-keys", _SILENT)), gaps),
        gaps=gaps,
    )


def _files(main: Answer) -> Files:
    """Read the listing of the configuration: `NUMBER:LINE`, and what each Include brings in."""
    texts: dict[str, list[tuple[int, str]]] = {}
    includes: dict[tuple[str, int], list[str]] = {}
    for section in main.sections:
        if section.word == "file" and section.rest not in texts:
            found = (re.match(r"(\d{1,7}):(.*)", line) for line in section.lines)
            texts[section.rest] = [(int(m[1]), m[2]) for m in found if m]
        if section.word == "include":
            line, parent, child = section.fields(3)
            children = includes.setdefault((parent, number(line)), [])
            if child not in children:
                children.append(child)
    return Files(texts, includes, next(iter(texts), ""))


def _probes(main: Answer, lines: Sequence[Line], gaps: dict[str, str]) -> tuple[Probe, ...] | None:
    """Read what sshd answered for each user and address; an answer without its end is dropped."""
    groups = {
        user: names.split() for user, names in (s.fields(2) for s in main.all("groups")) if user
    }
    found: list[Probe] = []
    complaints: list[str] = []
    values: Mapping[str, str] = {}
    for section, following in pairwise(main.sections):
        if section.word != "probe":
            continue
        if len(found) == _MOST_PROBES:
            complaints.append("it answers for more users than were asked")
            break
        if following.word == "done":
            values = _values(section, PER_LOGIN)
        elif following.word != "same" or not found:
            complaints.append(section.complaint or CUT)
            continue
        user, address, host, local, port = section.fields(5)
        probe = Probe(user, address, host, local, port)
        member = [] if probe.user == OTHER else groups.get(probe.user) or None
        settings = {
            keyword: sshd_files.decide(lines, keyword, value, probe, member)
            for keyword, value in values.items()
        }
        admitted = sshd_access.admitted(values, probe, member)
        name = "" if probe.user == OTHER else probe.user
        found.append(replace(probe, user=name, settings=settings, admitted=admitted))
    if main.problem:
        complaints.append(main.problem)
    asked, total = (main.first("asked") or Section("asked")).fields(2)
    if asked != total:
        complaints.append(f"only {asked} of {total} pairs of user and address were asked")
    if complaints or not found:
        said = "; ".join(dict.fromkeys(complaints)) or "it said nothing"
        gaps["probes"] = f"sshd -T: {said}"
    return tuple(found) or None


def _common(
    main: Answer, lines: Sequence[Line], gaps: dict[str, str]
) -> Mapping[str, Setting] | None:
    """Read the settings that hold for everybody."""
    for section, following in pairwise(main.sections):
        if (section.word, following.word) == ("common", "done"):
            values = _values(section, FOR_ALL).items()
            outside = [line for line in lines if not line.blocks]
            return {k: sshd_files.decide(outside, k, v, Probe(""), []) for k, v in values}
    gaps["settings"] = gaps.get("probes", f"sshd -T: {CUT}")
    return None


def _values(section: Section, wanted: Collection[str]) -> dict[str, str]:
    """Read sshd -T, whose keywords OpenSSH 10.4 began to write in mixed case."""
    values: dict[str, str] = {}
    for line in section.lines:
        word, _, value = line.partition(" ")
        keyword = word.lower()
        if keyword in wanted:
            keyword = keyword.replace("challengeresponse", "kbdinteractive")
            values[keyword] = f"{values[keyword]} {value}" if keyword in values else value
    return values


def _masters(main: Answer) -> tuple[Master, ...]:
    pid_file = (main.first("pidfile") or Section("pidfile")).fields(2)
    return tuple(
        Master(
            pid=number(pid),
            started=number(boot) + number(ticks) // max(number(hz), 1),
            applied=number(pid_file[0]) if pid_file[1].strip() == pid else None,
            replaced=fate == "deleted",
        )
        for pid, ticks, hz, boot, fate in (section.fields(5) for section in main.all("master"))
        if number(pid) and number(boot)
    )


def _trusted(main: Answer, gaps: dict[str, str]) -> tuple[TrustedFile, ...] | None:
    found: dict[str, TrustedFile] = {}
    for section in main.all("stat"):
        kind, uid, owner, group, mode, modified, changed, path = section.fields(8)
        if kind not in _KINDS or not _STAT.fullmatch(f"{uid} {mode} {modified} {changed}"):
            gaps.setdefault("files", f"{path or 'a file'} of sshd has unreadable rights")
        else:
            found[path] = TrustedFile(
                path=path,
                kind=_KINDS[kind],
                uid=number(uid),
                owner=owner,
                group=group,
                mode=int(mode, 8),
                modified=number(modified),
                changed=number(changed),
            )
    unseen = [section.rest for section in main.all("unseen")]
    unseen += [section.rest for section in main.all("file") if section.complaint]
    if unseen and "files" not in gaps:
        gaps["files"] = f"{', '.join(dict.fromkeys(unseen))} could not be looked at"
    if not found:
        gaps.setdefault("files", "no file of sshd was seen")
    return tuple(found.values()) or None


def _host_keys(
    main: Answer, lines: Sequence[Line], gaps: dict[str, str]
) -> tuple[HostKey, ...] | None:
    named = {x.value: (x.file, x.line) for x in reversed(lines) if x.keyword == "hostkey"}
    found = []
    for section in main.all("hostkey"):
        bits, fingerprint, kind = [*" ".join(section.lines).split(), "", "", ""][:3]
        file, line = named.get(section.rest, ("", 0))
        found.append(HostKey(section.rest, kind.lower(), number(bits), fingerprint, file, line))
    if main.problem:
        gaps["host_keys"] = f"the host keys: {main.problem}"
    elif not found:
        gaps["host_keys"] = gaps.get("probes", "sshd -T named no host key")
    return tuple(found) or None


def _login_keys(said: Answer, gaps: dict[str, str]) -> tuple[LoginKey, ...] | None:
    """Read the fingerprints of those who are root or can become it."""
    found: list[LoginKey] = []
    user = ""
    complaints = [said.problem] if said.problem else []
    for section in said.sections:
        if len(found) == _MOST_KEYS:
            complaints.append(f"only the first {_MOST_KEYS} were kept")
            break
        if section.word == "user":
            user = section.rest
        if section.complaint:
            complaints.append(f"{user}: {section.complaint}")
        if section.word == "keys":
            found.extend(islice(_keys_of(user, section), _MOST_KEYS - len(found)))
    if complaints:
        gaps["login_keys"] = f"the keys of root's equals: {'; '.join(complaints)[:600]}"
    return tuple(found) if found or not complaints else None


def _keys_of(user: str, section: Section) -> Iterator[LoginKey]:
    for line in section.lines:
        word, bits, fingerprint, kind, *marks = [*line.split(" "), "", "", ""]
        if word == "key":
            yield LoginKey(
                user,
                section.rest,
                "" if kind == "-" else kind.lower(),
                number(bits),
                "" if fingerprint == "-" else fingerprint,
                "from" in marks,
                "command" in marks,
                "authority" in marks,
            )


def _socket(units: Answer, gaps: dict[str, str]) -> Socket | None:
    """Read systemd's word on ssh.socket; a host without systemd has none."""
    if units.problem:
        gaps["socket"] = f"ssh.socket: {units.problem}"
        return None
    blocks = _blocks(units)
    sockets = [block for name, block in blocks.items() if name.endswith(".socket")]
    active = [block for block in sockets if block.get("ActiveState") == "active"]
    listens = " ".join(block.get("Listen", "") for block in active)
    return Socket(
        active=bool(active),
        ports=tuple(dict.fromkeys(re.findall(r":(\d{1,5})(?= |$)", listens))),
        stale=any(block.get("NeedDaemonReload") == "yes" for block in active),
    )


def _blocks(units: Answer) -> dict[str, dict[str, str]]:
    blocks: dict[str, dict[str, str]] = {}
    lines = (units.first("systemd") or Section("")).lines
    for paragraph in "\n".join(lines).split("\n\n"):
        pairs = [line.partition("=")[::2] for line in paragraph.splitlines()]
        block: dict[str, str] = {}
        for name, value in pairs:
            block[name] = f"{block[name]} {value}" if name in block else value
        blocks[block.get("Id", "")] = block
    return blocks


def _reload(units: Answer, masters: tuple[Master, ...]) -> str:
    """Give the command that makes the running sshd read its files anew, and cuts no session."""
    if units.first("openrc"):
        return "rc-service sshd reload"
    if units.first("none"):
        return f"kill -HUP {masters[0].pid}" if masters else "start sshd anew"
    loaded = {n for n, block in _blocks(units).items() if block.get("LoadState") == "loaded"}
    only = "sshd.service" in loaded and "ssh.service" not in loaded
    return f"systemctl reload {'sshd' if only else 'ssh'}"
