"""Finds the running sshd of a host, its program and options, and who may be root there."""

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
FIND = r"""
personal='PERSONAL'
words="$personal|COMMON"
config=/etc/ssh/sshd_config
member() { # of this host, run by root: not of a container, not of another namespace
  grep -qE '^Uid:[[:space:]]*0[[:space:]]' "/proc/$1/status" || return 1
  mnt=$(readlink "/proc/$1/ns/mnt" 2>/dev/null)
  [ -n "$mnt" ] && [ "$mnt" = "$(readlink /proc/self/ns/mnt)" ] && return 0
  grep -qE '[0-9a-f]{64}' "/proc/$1/cgroup" 2>/dev/null && return 1
  [ -n "$mnt" ] || return 0
  [ "$(readlink "/proc/$1/ns/net")" = "$(readlink /proc/self/ns/net)" ] &&
    [ "$(readlink "/proc/$1/ns/pid")" = "$(readlink /proc/self/ns/pid)" ]
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
  version=$("$b" -V 2>&1 | grep -o -m 1 'OpenSSH_[^ ,]*' | head -n 1)
  [ -z "$version" ] || { sshd=$b; break; }
done
home() { grep "^$1:" /etc/passwd | head -n 1 | cut -d : -f 6; }
members() { # of a group, by its list and by their first group
  group=$({ grep "^$1:" /etc/group || timeout 2 getent group "$1"; } | head -n 1)
  [ -n "$group" ] || return
  printf '%s\n' "${group##*:}" | tr , ' '
  gid=$(printf '%s\n' "$group" | cut -d : -f 3)
  grep -E "^[^:]*:[^:]*:[^:]*:$gid:" /etc/passwd | cut -d : -f 1
}
lines_of() { grep -i "^$1 " | cut -d ' ' -f 2-; }
people=
person() { # each one once, plain names only
  for name; do
    case $name in '' | *[!A-Za-z0-9._@+-]* | -*) continue ;; esac
    case " $people " in *" $name "*) ;; *) people="$people $name" ;; esac
  done
}
person root $(grep -E '^[^:]*:[^:]*:0:' /etc/passwd | cut -d : -f 1)
powerful() { for g in docker sudo wheel admin; do person $(members "$g"); done; }
"""
