"""The ssh server as it is configured and as it runs."""

from collections.abc import Mapping

from msgspec import Struct, field

# Addresses for documentation (RFC 5737, RFC 3849): they stand for all that no line names.
ELSEWHERE = frozenset({"203.0.113.250", "203.0.113.251", "2001:db8:ffff::1"})


class Setting(Struct, frozen=True, omit_defaults=True):
    """What sshd does for one keyword, and the line that decides it.

    `file` is "-o" for the command line and "" where no line was found: sshd's own default.
    `match` is the Match block that the line is in; `overruled` names lines that say something
    else in vain, and why.
    """

    value: str
    file: str = ""
    line: int = 0
    match: str = ""
    overruled: tuple[str, ...] = ()


class Probe(Struct, frozen=True):
    """Somebody who logs in, and what sshd says it would do for them.

    `user` is "" for any user whom no line names, and the address one of ELSEWHERE for any other.
    `admitted` says whether AllowUsers and its kin let them try at all, None where it is not known.
    """

    user: str
    address: str = ""
    host: str = ""
    local_address: str = ""
    local_port: str = ""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    admitted: bool | None = True

    def value(self, keyword: str, default: str = "") -> str:
        """Give the effective value, in lower case; the default where sshd does not print it."""
        setting = self.settings.get(keyword)
        return setting.value.lower() if setting else default


class HostKey(Struct, frozen=True):
    """A key that the server proves itself by; `type` is read from the key, "" where it cannot.

    `file` and `line` say which line loads it; "" is sshd's own default.
    """

    path: str
    type: str = ""
    bits: int = 0
    fingerprint: str = ""
    file: str = ""
    line: int = 0


class TrustedFile(Struct, frozen=True):
    """A file that sshd takes orders or keys from.

    `kind` is "config", "directory", "host key" or "command"; times are in seconds since 1970.
    """

    path: str
    kind: str
    uid: int
    owner: str
    group: str
    mode: int
    modified: int = 0
    changed: int = 0


class LoginKey(Struct, frozen=True):
    """A key that logs in a user with the power of root; never the key itself."""

    user: str
    path: str
    type: str = ""
    bits: int = 0
    fingerprint: str = ""
    bound: bool = False
    forced: bool = False
    authority: bool = False


class Master(Struct, frozen=True):
    """A running sshd that waits for connections.

    `started` is when the process began, `applied` when it last read its files (a reload writes
    the pid file anew), None where no pid file tells.
    """

    pid: int
    started: int
    applied: int | None = None
    replaced: bool = False


class Socket(Struct, frozen=True):
    """The socket of systemd that starts sshd."""

    active: bool
    ports: tuple[str, ...] = ()
    stale: bool = False


class Sshd(Struct, frozen=True):
    """The ssh server as it is configured and as it runs; `gaps` says why a part is None.

    `present` False is a fact, not a gap: the host has no ssh server, and every ssh rule passes.
    `settings` are those that are the same for everybody. `drop_in` says whether the file `config`
    reads sshd_config.d/*.conf before its own lines, and `offered` which methods a real connection
    as that user was offered, where one was tried. `keytab` says whether Kerberos has one here.
    `connection` is the collector's own: the client's address, the server's, and its port.
    """

    present: bool = True
    version: str = ""
    program: str = ""
    reload: str = "systemctl reload ssh"
    config: str = "/etc/ssh/sshd_config"
    drop_in: bool = True
    keytab: bool = True
    masters: tuple[Master, ...] | None = None
    socket: Socket | None = None
    probes: tuple[Probe, ...] | None = None
    settings: Mapping[str, Setting] | None = None
    files: tuple[TrustedFile, ...] | None = None
    host_keys: tuple[HostKey, ...] | None = None
    login_keys: tuple[LoginKey, ...] | None = None
    offered: Mapping[str, tuple[str, ...]] | None = None
    connection: tuple[str, ...] = ()
    gaps: Mapping[str, str] = field(default_factory=dict)
