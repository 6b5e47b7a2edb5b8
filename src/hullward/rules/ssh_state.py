"""What the ssh server trusts, whether it runs what its files say, and whose keys open root."""

from collections.abc import Iterator
from shlex import quote

from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.rule import Answers, Fail, Unknown, host_rule
from hullward.model.severity import Severity
from hullward.model.sshd import LoginKey, Master, Probe, Sshd, TrustedFile
from hullward.rules.ssh_server import weak
from hullward.rules.ssh_words import origin, remedy

_GUIDE = "guide: Harden SSH"
_OTHERS_WRITE, _OTHERS_READ, _GROUP_READS = 0o022, 0o077, 0o040
# Others, such as gssapi-keyex of Debian, come with one of these.
_METHODS = {
    "publickey": "pubkeyauthentication",
    "password": "passwordauthentication",
    "keyboard-interactive": "kbdinteractiveauthentication",
    "hostbased": "hostbasedauthentication",
    "gssapi-with-mic": "gssapiauthentication",
}
_SHOWN = 6


def _sshd(host: Host) -> Sshd:
    return host.sshd or Sshd(present=False)


@host_rule(
    id="ssh-running-differs",
    title="The running sshd is not what its files say",
    severity=Severity.MEDIUM,
    rationale=(
        "sshd reads its files when it starts and when it is told to. Until then a hardened file "
        "hardens nothing, and a later restart may change who can log in."
    ),
    remedy="systemctl reload ssh, from a session that you keep open until a new login has worked.",
    refs=("sshd(8)", "systemd.socket(5)"),
    needs="sshd",
)
def running_differs(host: Host, snapshot: Snapshot) -> Answers:
    """Compare when each file was changed with when the daemon last read it, and what it offers."""
    del snapshot
    sshd = _sshd(host)
    if not sshd.present:
        return
    for part in ("masters", "files", "host_keys"):
        if getattr(sshd, part) is None or part in sshd.gaps:
            yield Unknown(sshd.gaps.get(part, f"the {part} of sshd were not looked up"))
    if len(sshd.masters or ()) > 1:
        pids = ", ".join(str(master.pid) for master in sshd.masters or ())
        yield Unknown(f"several sshd run ({pids}); only the files of the first were looked at")
    for master in (sshd.masters or ())[:1]:
        yield from _out_of_date(sshd, master)
    yield from _socket(sshd)
    yield from _offered(sshd)


def _out_of_date(sshd: Sshd, master: Master) -> Answers:
    """Say which files the daemon cannot have read; a reload shows in its pid file only."""
    if master.replaced:
        yield Fail(
            f"the program of sshd (process {master.pid}) was replaced since it started",
            remedy=sshd.reload.replace("reload", "restart"),
        )
    since = master.started if master.applied is None else master.applied
    files = [f for f in sshd.files or () if f.kind in {"config", "host key"}]
    newer = [file.path for file in files if file.modified > since]
    touched = [f.path for f in files if f.changed > since >= f.modified]
    main = sshd.config.rpartition("/")[0]
    touched += [
        file.path
        for file in sshd.files or ()
        if file.kind == "directory" and file.path != main and file.modified > since
    ]
    if newer and master.applied is None:
        yield Unknown(
            f"{', '.join(newer)} changed after sshd started; without its pid file it cannot be "
            "told whether it was reloaded since"
        )
    elif newer:
        yield Fail(f"{', '.join(newer)} changed after sshd last read it", remedy=sshd.reload)
    elif touched:
        yield Unknown(
            f"{', '.join(touched)} was moved, given other rights, or lost a file after sshd last "
            f"read its files; {sshd.reload} makes it sure"
        )


def _socket(sshd: Sshd) -> Answers:
    """Compare the ports of ssh.socket, which systemd takes from the files at daemon-reload only."""
    socket = sshd.socket
    if socket is None:
        if sshd.gaps.get("socket"):
            yield Unknown(sshd.gaps["socket"])
        return
    port = (sshd.settings or {}).get("port")
    wanted = set(port.value.split()) if port else set()
    restart = "systemctl daemon-reload && systemctl restart ssh.socket"
    if socket.active and socket.ports and wanted - set(socket.ports):
        yield Fail(
            f"the files say Port {' '.join(sorted(wanted))}, but ssh.socket listens on "
            f"{' '.join(socket.ports)}",
            remedy=restart,
        )
    elif socket.active and socket.stale:
        yield Fail("ssh.socket changed on disk, and systemd has not read it", remedy=restart)


def _offered(sshd: Sshd) -> Answers:
    """Compare the methods that a real connection was offered with what sshd -T says."""
    if "offered" in sshd.gaps:
        yield Unknown(sshd.gaps["offered"])
    for user, methods in (sshd.offered or {}).items():
        if "none" in methods:
            yield Fail(f"{user} is let in without any proof", Severity.CRITICAL, sshd.reload)
            continue
        expected = [_expected(probe) for probe in _alike(sshd, user)]
        if not expected:
            yield Unknown(sshd.gaps.get("probes", "sshd -T was not asked"))
        elif frozenset(methods) & _METHODS.keys() not in expected:
            yield Fail(
                f"{user} is really offered {', '.join(methods)}, "
                f"but the files say {', '.join(sorted(expected[0])) or 'nothing'}",
                remedy=sshd.reload,
            )


def _alike(sshd: Sshd, user: str) -> list[Probe]:
    """Find what sshd -T said of this user on this way, or of any where the way is not known."""
    probes = sshd.probes or ()
    named = [p for p in probes if p.user == user] or [p for p in probes if not p.user]
    way = [p for p in named if (p.address, p.local_address, p.local_port) == sshd.connection]
    return way or named


def _expected(probe: Probe) -> frozenset[str]:
    """Give the methods that the server lists to somebody who has shown nothing yet."""
    enabled = {name for name, keyword in _METHODS.items() if probe.value(keyword, "no") == "yes"}
    wanted = probe.value("authenticationmethods", "any").split()
    if wanted in ([], ["any"]):
        return frozenset(enabled)
    lists = [[name.partition(":")[0] for name in methods.split(",")] for methods in wanted]
    return frozenset(names[0] for names in lists if enabled.issuperset(names))


@host_rule(
    id="ssh-file-permissions",
    title="Others than root can change what sshd trusts",
    severity=Severity.HIGH,
    rationale=(
        "Whoever can write sshd's files, or the directory that they are in, lets in whom they "
        "like. A script that writes them by `mv` from a user's directory leaves them that user's."
    ),
    remedy="chown root:root FILE && chmod go-w FILE; chmod 600 for private keys.",
    refs=(_GUIDE, "sshd_config(5) StrictModes", "sshd(8) FILES"),
    needs="sshd",
)
def file_permissions(host: Host, snapshot: Snapshot) -> Answers:
    """Judge owners and modes of all that sshd reads, and the settings that make it careless."""
    del snapshot
    sshd = _sshd(host)
    if not sshd.present:
        return
    if sshd.files is None or "files" in sshd.gaps:
        yield Unknown(sshd.gaps.get("files", "the files of sshd were not looked up"))
    for file in sshd.files or ():
        yield from _writable(file)
    if sshd.settings is None:
        yield Unknown(sshd.gaps.get("settings", "sshd -T was not asked"))
        return
    for keyword, wanted in (("StrictModes", "yes"), ("PermitUserEnvironment", "no")):
        setting = sshd.settings.get(keyword.lower())
        if setting is None:
            yield Unknown(f"sshd -T does not print {keyword}")
        elif setting.value.lower() != wanted:
            named = keyword == "PermitUserEnvironment" and setting.value.lower() != "yes"
            yield Fail(
                f"{keyword} is {setting.value} ({origin(setting)})",
                Severity.LOW if named else None,
                remedy(sshd, setting, keyword, f"{keyword} {wanted}"),
            )


def _writable(file: TrustedFile) -> Iterator[Fail]:
    path = quote(file.path)
    if file.uid != 0:
        yield Fail(
            f"{file.path} belongs to {file.owner}, who can rewrite it",
            remedy=f"chown root:root {path} && chmod go-w {path}",
        )
    if file.mode & _OTHERS_WRITE:
        yield Fail(
            f"{file.path} can be written by others than its owner (mode {file.mode:03o})",
            remedy=f"chmod go-w {path}",
        )
    allowed = _GROUP_READS if file.group in {"ssh_keys", "root"} else 0
    if file.kind == "host key" and file.mode & _OTHERS_READ & ~_OTHERS_WRITE & ~allowed:
        yield Fail(
            f"the private key {file.path} can be read by others than root (mode {file.mode:03o})",
            remedy=f"chmod 600 {path}",
        )


@host_rule(
    id="ssh-root-keys",
    title="Whose keys open root",
    severity=Severity.INFO,
    rationale=(
        "Members of docker, sudo and wheel are root in all but name: each of their keys is a key "
        "to the whole host. One that is limited by from= is of no use to a thief elsewhere."
    ),
    remedy='Remove the lines of keys that nobody knows; put from="ADDRESSES" before the others.',
    refs=(_GUIDE, "sshd(8) AUTHORIZED_KEYS FILE FORMAT"),
    needs="sshd",
)
def root_keys(host: Host, snapshot: Snapshot) -> Answers:
    """List the keys of root and its equals that are weak, or good from anywhere."""
    del snapshot
    sshd = _sshd(host)
    if not sshd.present:
        return
    if sshd.login_keys is None or "login_keys" in sshd.gaps:
        yield Unknown(sshd.gaps.get("login_keys", "the keys of root were not looked up"))
    keys = sshd.login_keys or ()
    for key in keys:
        if not key.type:
            yield Unknown(f"ssh-keygen cannot read a line of {key.path}")
        elif weakness := weak(key.type, key.bits):
            yield Fail(
                f"{key.user} has a key that is {weakness}: {key.fingerprint}",
                remedy=f"Replace it in {key.path} by one of: ssh-keygen -t ed25519",
            )
    free = [key for key in keys if key.type and not key.bound]
    if free:
        shown = ", ".join(f"{key.user} {_named(key)}" for key in free[:_SHOWN])
        more = f" and {len(free) - _SHOWN} more" if len(free) > _SHOWN else ""
        yield Fail(
            f"keys that open root: {len(keys)}, {len(free)} of them from any address: {shown}{more}"
        )
    if sshd.probes is None or "probes" in sshd.gaps:
        yield Unknown(sshd.gaps.get("probes", "sshd -T was not asked"))
    for name in ("trustedusercakeys", "authorizedkeyscommand"):
        named = (probe.settings.get(name) for probe in sshd.probes or ())
        values = {setting.value for setting in named if setting} - {"none"}
        if values:
            yield Fail(f"{name} {', '.join(sorted(values))} lets in keys that no file here lists")


def _named(key: LoginKey) -> str:
    kind = "authority, " if key.authority else "one command, " if key.forced else ""
    return f"{key.fingerprint} ({kind}{key.type.upper()} {key.bits})"
