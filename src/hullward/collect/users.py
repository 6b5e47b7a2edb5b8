"""The people and groups with the power of root."""

import re
from collections.abc import Iterable, Iterator, Mapping

from hullward.collect import sections
from hullward.collect.bundle import Said
from hullward.collect.collector import Question
from hullward.model.users import Account, ControlSocket, Grant, Group, Users

# The second field, which may hold a password's hash, is never read.
_ACCOUNTS = """
[ -r /etc/passwd ] && { echo '== passwd'; cut -d: -f1,3,4,7 /etc/passwd; }
[ -r /etc/group ] && { echo '== group'; cut -d: -f1,3,4 /etc/group; }
echo '== directories'
grep -hE '^(passwd|group):' /etc/nsswitch.conf
grep -hE '^[+]' /etc/passwd /etc/group | cut -c1
echo '== listed'
timeout 2 getent group docker sudo wheel admin disk lxd incus-admin libvirt | cut -d: -f1,3,4
echo '== end'
"""
# A line of sudoers(5) is cut down to who, NOPASSWD and the first command without its arguments.
# sudo itself skips names with a dot or a tilde.
_GRANTS = r"""
for f in /etc/sudoers /etc/sudoers.d/* /usr/etc/sudoers; do
  case $f in /etc/sudoers.d/*.*|*~) continue;; esac
  [ -e "$f" ] || continue
  [ -r "$f" ] || { echo '== unread'; echo "$f"; continue; }
  echo '== sudo'
  sed -nE -e '/^[[:space:]]*(#|@|Defaults|(User|Runas|Host|Cmnd|Cmd)_Alias)/d' \
    -e 's/[[:space:]]+/ /g; s/^ //' \
    -e '/NOPASSWD:/s/^([^=]+[^= ]) *= *(\([^)]*\))? *(([A-Z_]+: *)*)([^ ,]*).*/\1=NOPASSWD: \5/p' \
    -e '/NOPASSWD:/!s/^([^=]+[^= ]) *= *(\([^)]*\))? *(([A-Z_]+: *)*)([^ ,]*).*/\1=\5/p' "$f"
done
[ -d /etc/sudoers.d ] && [ ! -r /etc/sudoers.d ] && { echo '== unread'; echo /etc/sudoers.d; }
for f in /etc/doas.conf /etc/doas.d/*.conf; do
  [ -e "$f" ] || continue
  [ -r "$f" ] || { echo '== unread'; echo "$f"; continue; }
  echo '== doas'
  sed -n -e 's/#.*//; s/ cmd .*/ cmd/; s/setenv *{[^}]*}//' -e '/^ *permit/p' "$f"
done
echo '== end'
"""
# /proc/net/unix names every bound socket, those too in folders that cannot be entered.
_SOCKETS = r"""
{
  for f in /run/docker.sock /run/containerd/containerd.sock /run/podman/podman.sock; do
    [ -e "$f" ] && echo "$f"
  done
  grep -oE '/[^ ]*/(docker|containerd|podman|crio|buildkitd)[^/ ]*[.]sock([.]ttrpc)?$' \
    /proc/net/unix
} | sed 's,^/var/run/,/run/,' | sort -u | while read -r f; do
  [ -S "$f" ] || { [ "$(id -u)" != 0 ] && [ ! -x "${f%/*}" ]; } || continue
  echo "== $f"
  set -- "$f"
  d=${f%/*}
  while [ -n "$d" ]; do set -- "$@" "$d"; d=${d%/*}; done
  stat -L -c '%a|%u|%g|%U|%G|%n' "$@"
  case $(ls -ld "$f") in ??????????+*) echo acl; getfacl -cp "$f" && echo read;; esac
done
echo '== end'
"""
QUESTIONS: tuple[Question, ...] = (
    Question("users-accounts", _ACCOUNTS),
    Question("users-grants", _GRANTS),
    Question("users-sockets", _SOCKETS),
)

_MEMBERS = 3
_SECTION = re.compile(r"^== (\S+)\n", re.MULTILINE)
_GRANT = re.compile(r"(.+) \S+=(NOPASSWD: )?(\S*)")
_FILES = frozenset({"files", "compat", "systemd", "altfiles", "mymachines", "cache"})
_OTHERS, _GROUP = 0o001, 0o010


def parse(answers: Mapping[str, Said]) -> Users | str:
    """Read the answers; a string says why nothing is known."""
    said = {q.name: answers.get(q.name, Said()) for q in QUESTIONS}
    if not any(answer.text for answer in said.values()):
        return f"the users: {sections.problem(answers, 'users-accounts')}"
    parts = sections.split(said["users-accounts"].text)
    accounts = _accounts(parts.get("passwd"))
    groups = _groups(parts, accounts)
    grants, unread_grants = _grants(said["users-grants"].text)
    sockets, unread = _sockets(said["users-sockets"].text)
    gaps = {}
    if accounts is None:
        gaps["accounts"] = f"/etc/passwd: {sections.problem(answers, 'users-accounts')}"
    if groups is None:
        gaps["groups"] = f"/etc/group: {sections.problem(answers, 'users-accounts')}"
    if grants is None:
        gaps["grants"] = f"sudoers: {sections.problem(answers, 'users-grants')}"
    elif unread_grants:
        gaps["grants"] = f"{', '.join(unread_grants)} can be read by root only"
    if sockets is None:
        gaps["sockets"] = f"the control sockets: {sections.problem(answers, 'users-sockets')}"
    return Users(
        accounts=accounts,
        groups=groups,
        directories=tuple(_directories(parts.get("directories", "unknown:\n+"))),
        grants=grants,
        sockets=sockets,
        unread=unread,
        gaps=gaps,
    )


def _accounts(text: str | None) -> tuple[Account, ...] | None:
    found = []
    for line in (text or "").splitlines():
        fields = line.split(":")
        numbers = [sections.number(word) for word in fields[1:3]]
        if len(fields) == 4 and numbers[0] is not None and numbers[1] is not None:  # noqa: PLR2004
            found.append(Account(fields[0], numbers[0], numbers[1], fields[3]))
    return tuple(found) or None


def _groups(
    parts: Mapping[str, str], accounts: Iterable[Account] | None
) -> tuple[Group, ...] | None:
    """Join the members that group(5) and a directory name with those by primary group."""
    if "group" not in parts or accounts is None:
        return None
    members: dict[tuple[str, int], dict[str, None]] = {}
    for line in (parts["group"] + parts.get("listed", "")).splitlines():
        fields = line.split(":")
        number = sections.number(fields[1]) if len(fields) == _MEMBERS else None
        if number is not None:
            named = filter(None, (name.strip() for name in fields[2].split(",")))
            members.setdefault((fields[0], number), {}).update(dict.fromkeys(named))
    for account in accounts:
        for (_, number), names in members.items():
            if number == account.gid:
                names.setdefault(account.name)
    return tuple(Group(name, gid, tuple(names)) for (name, gid), names in members.items()) or None


def _directories(text: str) -> Iterator[str]:
    """Name the sources of accounts other than files, as nsswitch.conf(5) lists them."""
    words = re.sub(r"\[[^]]*\]|^\w+:|#.*$", " ", text, flags=re.MULTILINE).split()
    yield from sorted({"NIS" if word == "+" else word[:30] for word in words} - _FILES)


def _grants(text: str) -> tuple[tuple[Grant, ...] | None, tuple[str, ...]]:
    """Read what sudoers and doas allow; the second value are the files that cannot be read."""
    if not text.endswith("== end\n"):
        return None, ()
    words = _SECTION.split(text)
    found: list[Grant] = []
    unread: list[str] = []
    for kind, body in zip(words[1::2], words[2::2], strict=True):
        if kind == "sudo":
            found += filter(None, map(_sudo, body.splitlines()))
        elif kind == "doas":
            found += filter(None, map(_doas, body.splitlines()))
        elif kind == "unread":
            unread += body.splitlines()
    return tuple(found), tuple(unread)


def _sudo(line: str) -> Grant | None:
    match = _GRANT.fullmatch(line)
    if match is None:
        return None
    return Grant(match[1][:100], everything=match[3] == "ALL", no_password=bool(match[2]))


def _doas(line: str) -> Grant | None:
    words = line.replace('"', "").split()
    options = words[1:]
    names = [w for w in options if w not in {"nopass", "nolog", "persist", "keepenv"}]
    if words[:1] != ["permit"] or not names:
        return None
    as_other = "as" in names and names[names.index("as") + 1 :][:1] != ["root"]
    everything = "cmd" not in names and not as_other
    return Grant(names[0][:100], everything, "nopass" in options, "doas")


def _sockets(text: str) -> tuple[tuple[ControlSocket, ...] | None, tuple[str, ...]]:
    """Read the control sockets; the second value are those that could not be looked at."""
    if not text.endswith("== end\n"):
        return None, ()
    words = _SECTION.split(text)
    found: list[ControlSocket] = []
    unread: list[str] = []
    for path, body in zip(words[1:-2:2], words[2:-2:2], strict=True):
        socket = _socket(path, body)
        if socket is None:
            unread.append(path)
        else:
            found.append(socket)
    return tuple(found), tuple(unread)


def _socket(path: str, body: str) -> ControlSocket | None:
    """Read a socket with its folders; one behind a folder of root's alone is closed to all."""
    rows = re.findall(
        r"^([0-7]{1,5})\|(\d{1,10})\|(\d{1,10})\|([^|\n]*)\|([^|\n]*)\|(.+)$", body, re.MULTILINE
    )
    folders = {row[5]: (int(row[0], 8), int(row[2])) for row in rows if row[5] != path}
    itself = [row for row in rows if row[5] == path]
    if not itself:
        closed = any(
            not mode & _OTHERS and not (mode & _GROUP and gid) for mode, gid in folders.values()
        )
        return ControlSocket(path, 0, reachable=False) if closed else None
    if len(folders) != path.count("/") - 1:
        return None
    mode, uid, gid, owner, group, _ = itself[0]
    return ControlSocket(
        path=path,
        mode=int(mode, 8),
        uid=int(uid),
        gid=int(gid),
        owner=owner,
        group=group,
        reachable=all(mode & _OTHERS for mode, _ in folders.values()),
        acl=_acl(body.splitlines()),
    )


def _acl(lines: list[str]) -> tuple[str, ...] | None:
    """Name who may write by getfacl(1)'s entries: "user:jenkins:rw-"."""
    if "acl" not in lines:
        return ()
    if "read" not in lines:
        return None
    mask = next((line for line in lines if line.startswith("mask:")), "mask::rwx")
    entries = [line.split("\t")[0].split(":") for line in lines if line.count(":") >= 2]  # noqa: PLR2004
    return tuple(
        f"{kind}:{name}"
        for kind, name, rights, *_ in entries
        if name and kind in {"user", "group"} and "w" in rights and "w" in mask
    )
