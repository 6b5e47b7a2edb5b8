"""Who has the power of root on the host, by account, group, rule of sudo or socket."""

import shlex
from collections.abc import Iterator

from hullward.model.facts import Snapshot
from hullward.model.host import Host
from hullward.model.rule import Answers, Fail, Unknown, host_rule
from hullward.model.severity import Severity
from hullward.model.users import ControlSocket, Group, Users

_ADMINISTRATORS = ("sudo", "wheel", "admin")
_POWERS = {
    "disk": "read and write every disk",
    "lxd": "start a container that mounts the host's disk",
    "incus-admin": "start a container that mounts the host's disk",
    "libvirt": "start a virtual machine that uses the host's disk",
}
_WRITE = 0o002
_GROUP_WRITE = 0o020


def powerful(users: Users) -> frozenset[str]:
    """Name the accounts that are root already, or become it at will."""
    roots = {account.name for account in users.accounts or () if account.uid == 0}
    names = ("docker", *_ADMINISTRATORS, *_POWERS)
    for group in (*filter(None, map(users.group, names)), *_socket_groups(users)):
        roots.update(group.members)
    roots.update(grant.who for grant in users.grants or () if grant.everything)
    return frozenset(roots)


def _users(host: Host) -> Users:
    return host.users or Users()


def _socket_groups(users: Users) -> tuple[Group, ...]:
    """Give the groups that may use a control socket, but root's own; one number may have names."""
    numbers = {socket.gid for socket in users.sockets or () if socket.mode & _GROUP_WRITE} - {0}
    return tuple(group for group in users.groups or () if group.gid in numbers)


@host_rule(
    id="users-docker-group",
    title="Accounts control the engine through its group",
    severity=Severity.MEDIUM,
    rationale=(
        "Whoever may use the engine's socket mounts the host's disk into a container with one "
        "command: a member of the group is root, without a password and without a trace in sudo."
    ),
    remedy="Use `sudo docker` or an ssh:// context; remove others: `gpasswd -d NAME docker`.",
    refs=("cis-docker:1.1.2", "docs.docker.com/engine/install/linux-postinstall"),
    needs="users",
)
def docker_group(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for the members of docker and of every group that owns a control socket."""
    del snapshot
    users = _users(host)
    if users.groups is None:
        yield Unknown(users.gaps.get("groups", "the groups were not read"))
        return
    yield from _unlisted(users)
    if users.sockets is None:
        yield Unknown(users.gaps.get("sockets", "the control sockets were not read"))
    owners = _socket_groups(users)
    for group in dict.fromkeys((*filter(None, [users.group("docker")]), *owners)):
        members = [member for member in group.members if member != "root"]
        if members:
            idle = bool(users.sockets) and group not in owners
            yield Fail(
                f"group {group.name}: {', '.join(members)}"
                + (" (no control socket is of this group now)" if idle else ""),
                Severity.LOW if idle else None,
                "\n".join(_leave(users, member, group.name) for member in members),
            )


def _leave(users: Users, member: str, name: str) -> str:
    """Write the command that takes an account out of a group; a primary one must be exchanged."""
    group = users.group(name)
    primary = any(a.name == member and group and a.gid == group.gid for a in users.accounts or ())
    if primary:
        return f"usermod -g GROUP {shlex.quote(member)}   (its primary group is {name})"
    return f"gpasswd -d {shlex.quote(member)} {shlex.quote(name)}"


def _unlisted(users: Users) -> Iterator[Unknown]:
    """Say that primary groups of accounts in a directory are not known."""
    if users.directories:
        yield Unknown(
            f"accounts also come from {', '.join(users.directories)}, which was only asked for the "
            "members of groups, not for primary groups"
        )


@host_rule(
    id="users-root-equals",
    title="Another account has the uid of root",
    severity=Severity.HIGH,
    rationale="The kernel knows only numbers: uid 0 is root under every name, and hides in logs.",
    remedy="Give the account a uid of its own with `usermod -u`, or delete it.",
    refs=("credentials(7)", "passwd(5)"),
    needs="users",
)
def root_equals(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for accounts of uid 0 that are not called root."""
    del snapshot
    users = _users(host)
    if users.accounts is None:
        yield Unknown(users.gaps.get("accounts", "the accounts were not read"))
        return
    for account in users.accounts:
        if account.uid == 0 and account.name != "root":
            yield Fail(
                f"account {account.name} has uid 0",
                None if account.login else Severity.LOW,
                f"usermod -u UID {account.name}",
            )


@host_rule(
    id="users-power-group",
    title="Accounts are in a group that leads to root",
    severity=Severity.MEDIUM,
    rationale="Such a group gives away the host's disks, by itself or by a container or a machine.",
    remedy="Remove who does not need it: `gpasswd -d NAME GROUP`.",
    refs=("wiki.debian.org/SystemGroups",),
    needs="users",
)
def power_group(host: Host, snapshot: Snapshot) -> Answers:
    """Fail for the members of disk, lxd, incus-admin and libvirt."""
    del snapshot
    users = _users(host)
    if users.groups is None:
        yield Unknown(users.gaps.get("groups", "the groups were not read"))
        return
    yield from _unlisted(users)
    for name, power in _POWERS.items():
        group = users.group(name)
        members = [member for member in group.members if member != "root"] if group else []
        if members:
            yield Fail(
                f"group {name} ({power}): {', '.join(members)}",
                remedy="\n".join(_leave(users, member, name) for member in members),
            )


@host_rule(
    id="users-administrators",
    title="Accounts may become root with sudo or doas",
    severity=Severity.INFO,
    rationale="Each of them is root to an attacker who has their password or their session.",
    remedy="Keep the list short: `gpasswd -d NAME sudo`.",
    refs=("sudoers(5)", "doas.conf(5)"),
    needs="users",
)
def administrators(host: Host, snapshot: Snapshot) -> Answers:
    """Tell who is in sudo, wheel or admin, and whom sudoers or doas lets do everything."""
    del snapshot
    users = _users(host)
    if users.groups is None:
        yield Unknown(users.gaps.get("groups", "the groups were not read"))
    else:
        yield from _unlisted(users)
    if "grants" in users.gaps:
        yield Unknown(users.gaps["grants"])
    for name in _ADMINISTRATORS:
        group = users.group(name)
        members = [member for member in group.members if member != "root"] if group else []
        if members:
            yield Fail(f"group {name}: {', '.join(members)}")
    for grant in users.grants or ():
        if grant.everything and not grant.who.startswith(("%", ":")) and grant.who != "root":
            yield Fail(f"{grant.program}: {grant.who}")


@host_rule(
    id="users-sudo-nopasswd",
    title="Commands of root need no password",
    severity=Severity.INFO,
    rationale="Whatever runs as such a user, a browser or a build, is root without a question.",
    remedy="Remove NOPASSWD with `visudo`, nopass in doas.conf; name single commands if you must.",
    refs=("sudoers(5)", "doas.conf(5)"),
    needs="users",
)
def sudo_nopasswd(host: Host, snapshot: Snapshot) -> Answers:
    """Tell which lines of sudoers say NOPASSWD, and of doas nopass."""
    del snapshot
    users = _users(host)
    if "grants" in users.gaps:
        yield Unknown(users.gaps["grants"])
    for grant in users.grants or ():
        if grant.no_password:
            what = "everything" if grant.everything else "some commands"
            yield Fail(f"{grant.program} lets {grant.who} run {what} without a password")


@host_rule(
    id="users-socket-open",
    title="Accounts without root's power may use a control socket",
    severity=Severity.CRITICAL,
    rationale=(
        "A write to this socket is a command to the engine or its runtime, which run as root: "
        "every program of these accounts is root."
    ),
    remedy="chmod o-w SOCKET, and mend what opened it: SocketMode= in docker.socket, or a script.",
    refs=("cis-docker:3.16", "cis-docker:3.24", "docs.docker.com/engine/security/protect-access"),
    needs="users",
)
def socket_open(host: Host, snapshot: Snapshot) -> Answers:
    """Fail where others may write, where another than root owns it, and for entries of an ACL."""
    del snapshot
    users = _users(host)
    if users.sockets is None:
        yield Unknown(users.gaps.get("sockets", "the control sockets were not read"))
        return
    for path in users.unread:
        yield Unknown(f"{path} could not be looked at")
    if not users.sockets and not users.unread:
        yield Unknown("no control socket of an engine is to be seen")
    for socket in users.sockets:
        yield from _open(socket)


def _open(socket: ControlSocket) -> Answers:
    own = socket.path.startswith(f"/run/user/{socket.uid}/")
    if socket.mode & _WRITE and socket.reachable:
        yield Fail(
            f"{socket.path} has mode {socket.mode:03o}: everybody on the host may use it",
            Severity.HIGH if own else None,
            f"chmod o-w {socket.path}",
        )
    if socket.uid and not own:
        yield Fail(
            f"{socket.path} belongs to {socket.owner} (uid {socket.uid})",
            Severity.HIGH,
            f"chown root {socket.path}",
        )
    if socket.acl is None:
        yield Unknown(f"{socket.path} has an access control list, and getfacl is not there")
    for entry in socket.acl or ():
        yield Fail(
            f"the access control list of {socket.path} lets {entry} use it",
            Severity.HIGH,
            f"setfacl -x {entry} {socket.path}",
        )
