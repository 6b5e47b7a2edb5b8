"""The people and groups with the power of root."""

from collections.abc import Mapping

from msgspec import Struct, field

# UID_MIN of login.defs(5), and systemd's dynamic users with nobody.
_FIRST, _SYSTEM = 1000, range(61184, 65536)


class Account(Struct, frozen=True):
    """A line of passwd(5)."""

    name: str
    uid: int
    gid: int
    shell: str = ""

    @property
    def login(self) -> bool:
        """Whether its shell lets somebody in; an empty one means /bin/sh."""
        return self.shell.rpartition("/")[2] not in {"nologin", "false", "sync", "halt", "shutdown"}

    @property
    def person(self) -> bool:
        """Whether it is made for somebody: by its number, and by a shell that lets in."""
        return self.uid >= _FIRST and self.uid not in _SYSTEM and self.login


class Group(Struct, frozen=True):
    """A line of group(5), with the accounts whose primary group it is among the members."""

    name: str
    gid: int
    members: tuple[str, ...] = ()


class Grant(Struct, frozen=True):
    """What sudoers(5) or doas.conf(5) lets somebody do: all of it, and whether without a word."""

    who: str
    everything: bool = False
    no_password: bool = False
    program: str = "sudo"


class ControlSocket(Struct, frozen=True):
    """A socket whose users control the engine or its runtime.

    `reachable` says whether everybody may pass its folders. `acl` are the entries of its access
    control list that may write, such as "user:jenkins"; None where it has one that is not known.
    """

    path: str
    mode: int
    uid: int = 0
    gid: int = 0
    owner: str = ""
    group: str = ""
    reachable: bool = True
    acl: tuple[str, ...] | None = ()


class Users(Struct, frozen=True):
    """The people and groups with the power of root; `gaps` says why a part is None.

    `directories` are the sources of accounts other than files, such as sss: accounts of theirs
    are only known as members of a group. `unread` are the control sockets that could not be seen.
    """

    accounts: tuple[Account, ...] | None = None
    groups: tuple[Group, ...] | None = None
    directories: tuple[str, ...] = ()
    grants: tuple[Grant, ...] | None = None
    sockets: tuple[ControlSocket, ...] | None = None
    unread: tuple[str, ...] = ()
    gaps: Mapping[str, str] = field(default_factory=dict)

    def group(self, name: str) -> Group | None:
        """Find a group by its name."""
        return next((group for group in self.groups or () if group.name == name), None)
