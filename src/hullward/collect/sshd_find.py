"""Finds the running sshd of a host, its program and options, and who may be root there."""

from hullward.collect.collector import CONTAINED

# Stands for every user whom no Match line names; no such account may exist.
OTHER = "hullward-any-other"

# What a Match block may change, and what holds for everybody (sshd_config(5)).
PER_LOGIN = (
    "allowgroups",
    "allowusers",
    "authenticationmethods",
    "authorizedkeyscommand",
    "authorizedkeysfile",
    "challengeresponseauthentication",
    "denygroups",
    "denyusers",
    "disableforwarding",
    "gatewayports",
    "gssapiauthentication",
    "hostbasedauthentication",
    "kbdinteractiveauthentication",
    "kerberosauthentication",
    "passwordauthentication",
    "permitemptypasswords",
    "permitrootlogin",
    "pubkeyauthentication",
    "trustedusercakeys",
    "x11forwarding",
)
FOR_ALL = (
    "ciphers",
    "hostkey",
    "hostkeyalgorithms",
    "kexalgorithms",
    "macs",
    "permituserenvironment",
    "pidfile",
    "port",
    "strictmodes",
    "usepam",
)

# Finds the running sshd of this host, its program, and the options that it was started with,
# which become "$@". sshd joins its arguments by blanks when it names its process.
FIND = (
    CONTAINED
    + r"""
personal='PERSONAL'
words="$personal|COMMON"
config=/etc/ssh/sshd_config
spaces() { readlink "/proc/$1/ns/mnt" "/proc/$1/ns/net" "/proc/$1/ns/pid" 2>/dev/null; }
own=$(spaces self)
member() { # of this host, run by root: not of a container, not of another namespace
  while read -r key uid _; do [ "$key" != Uid: ] || break; done <"/proc/$1/status"
  [ "$key $uid" = 'Uid: 0' ] || return 1
  theirs=$(spaces "$1")
  [ -n "$theirs" ] && [ "${theirs%%
*}" = "${own%%
*}" ] && return 0
  contained "/proc/$1" && return 1
  [ -z "$theirs" ] || [ "${theirs#*
}" = "${own#*
}" ]
}
masters= args=
for f in $(grep -lx sshd /proc/[0-9]*/comm 2>/dev/null); do
  p=${f#/proc/} p=${p%/comm}
  line=$(tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null)
  case $line in
    'sshd: /'*' [listener] '*) line=${line#sshd: } line=${line%% \[listener\] *} ;;
    /*) ;;
    *) continue ;;
  esac
  case "$line " in *' -R '* | *' -i '*) continue ;; esac
  member "$p" || continue
  [ -n "$masters" ] || args=$line
  masters="$masters $p"
done
case $masters in *' '*' '*) # what takes a connection is for a moment a copy of what waits for it
  all=$masters masters=
  for p in $all; do
    parent=
    { while read -r key parent _; do [ "$key" != PPid: ] || break; done <"/proc/$p/status"
    } 2>/dev/null
    [ -n "$parent" ] || continue
    case " $all " in *" $parent "*) ;; *) masters="$masters $p" ;; esac
  done ;;
esac
if [ -z "$masters" ]; then
  for f in /etc/default/ssh /etc/sysconfig/sshd /etc/conf.d/sshd; do
    [ -r "$f" ] || continue
    args=$(grep -E '^[[:space:]]*(SSHD_OPTS|OPTIONS|command_args)=' "$f" | tail -n 1 |
      sed "s/^[^=]*=[\"']*//; s/[\"'].*//; s/^/sshd /")
    [ -z "$args" ] || break
  done
fi
set -f
# shellcheck disable=SC2086
set -- $args
n=$#
[ "$n" = 0 ] || { shift; n=$((n - 1)); }
while [ "$n" -gt 0 ]; do
  a=$1; shift; n=$((n - 1))
  case $a in
    -[foh])
      [ "$n" -gt 0 ] || break
      v=$1; shift; n=$((n - 1))
      if [ "$a" = -o ] && [ "$n" -gt 0 ]; then
        case $v in
          *=*) ;;
          *) case $1 in -*) ;; *) v="$v=$1"; shift; n=$((n - 1)) ;; esac ;;
        esac
      fi
      [ "$a" != -f ] || config=$v
      set -- "$@" "$a" "$v"
      ;;
    -[bCcEgkpu]) [ "$n" -eq 0 ] || { shift; n=$((n - 1)); } ;;
    -f?*) config=${a#-f}; set -- "$@" "$a" ;;
    -[oh]?*) set -- "$@" "$a" ;;
  esac
done
set +f
sshd= version=
for b in $(for p in $masters; do readlink "/proc/$p/exe" 2>/dev/null; done) $(command -v sshd); do
  [ -x "$b" ] || continue
  version=$("$b" -V 2>&1)
  case $version in
    *OpenSSH_*)
      version=OpenSSH_${version#*OpenSSH_} version=${version%%[ ,]*} version=${version%%
*} sshd=$b
      break ;;
  esac
done
home() { grep "^$1:" /etc/passwd | head -n 1 | cut -d : -f 6; }
members() { # of groups, by their lists and by the first group of each account
  gids=
  while IFS=: read -r _ _ gid list; do
    gids="$gids $gid " list="$list,"
    while [ -n "$list" ]; do printf '%s\n' "${list%%,*}"; list=${list#*,}; done
  done <<END
$(timeout 2 getent group "$@"
  while IFS= read -r line; do
    case " $* " in *" ${line%%:*} "*) printf '%s\n' "$line" ;; esac
  done </etc/group)
END
  while IFS=: read -r name _ _ gid _; do
    case $gids in *" $gid "*) printf '%s\n' "$name" ;; esac
  done </etc/passwd
}
lines_of() { grep -i "^$1 " | cut -d ' ' -f 2-; }
people=
person() { # each one once, plain names only
  for name; do
    case $name in '' | *[!A-Za-z0-9._@+-]* | -*) continue ;; esac
    case " $people " in *" $name "*) ;; *) people="$people $name" ;; esac
  done
}
root_first() {
  person root
  while IFS=: read -r name _ uid _; do [ "$uid" != 0 ] || person "$name"; done </etc/passwd
}
root_first
powerful() { person $(members docker sudo wheel admin); }
"""
)
