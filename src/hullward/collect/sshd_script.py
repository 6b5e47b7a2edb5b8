"""What the collector asks of sshd: its process, its files, and what it would do for whom."""

from hullward.collect.collector import Question
from hullward.collect.sshd_find import FIND, FOR_ALL, OTHER, PER_LOGIN

# Which users and addresses the Match lines tell apart: everybody whom a pattern names or fits,
# both ends of every network, and somebody whom none of them means.
_WHOM = r"""
show() ( # FILE DEPTH: the judged lines of a file, then of the files that it includes
  printf '== file %s\n' "$1"
  [ -r "$1" ] || { echo '! it cannot be read'; exit 0; }
  grep -niE "^[[:space:]]*(match|include|$words)[[:space:]=\"]|^[[:space:]]*\"" "$1" | head -n 500
  [ "$2" -lt 6 ] || { echo '! it is included too deep'; exit 0; }
  grep -niE '^[[:space:]]*include[[:space:]=]' "$1" | head -n 50 |
    sed 's/^\([0-9]*\):[[:space:]]*[A-Za-z]*[[:space:]=]*/\1 /; s/[[:space:]]#.*//' | tr -d "\"'" |
    while read -r n rest; do
      set -f
      for g in $rest; do
        set +f
        case $g in /*) ;; *) g=/etc/ssh/$g ;; esac
        for f in $g; do
          [ -f "$f" ] || continue
          printf '== include %s %s %s\n' "$n" "$1" "$f"
          show "$f" $(($2 + 1))
        done
      done
    done
)
listing=$(show "$config" 0)
printf '%s\n' "$listing"
set -f
take= users= groups= hosts= addrs= laddrs= lports=
for w in $(printf '%s\n' "$listing" | grep -iE '^[0-9]+:[[:space:]]*match[[:space:]=]' |
  sed 's/^[0-9]*:[[:space:]]*[A-Za-z]*//; s/[[:space:]]#.*//' | tr '="' '  '); do
  case $take in
    '') case $w in
      [Uu][Ss][Ee][Rr]) take=u ;;
      [Gg][Rr][Oo][Uu][Pp]) take=g ;;
      [Hh][Oo][Ss][Tt]) take=h ;;
      [Aa][Dd][Dd][Rr][Ee][Ss][Ss]) take=a ;;
      [Ll][Oo][Cc][Aa][Ll][Aa]*) take=la ;;
      [Ll][Oo][Cc][Aa][Ll][Pp]*) take=lp ;;
      [Rr][Dd][Oo]*) take=- ;;
    esac ; continue ;;
    u) users="$users,$w" ;;
    g) groups="$groups,$w" ;;
    h) hosts="$hosts,$w" ;;
    a) addrs="$addrs,$w" ;;
    la) laddrs="$laddrs,$w" ;;
    lp) lports="$lports,$w" ;;
  esac
  take=
done
# Who may log in at all, also by the arguments of sshd: what is named there is asked about as well.
let=$(printf '%s\n' "$listing" "$@" | sed 's/^[0-9]*://; s/^-o//; s/^[[:space:]]*//' |
  grep -iE '^(allow|deny)(users|groups)[[:space:]=]' | sed 's/[[:space:]]#.*//' | tr '"=' '  ')
for w in $(printf '%s\n' "$let" | sed -n 's/^[A-Za-z]*[Uu][Ss][Ee][Rr][Ss] //p'); do
  users="$users,${w%@*}"
  case $w in
    *@*[!0-9a-fA-F.:/*?,!]*) hosts="$hosts,${w##*@}" ;;
    *@*) addrs="$addrs,${w##*@}" ;;
  esac
done
for w in $(printf '%s\n' "$let" | sed -n 's/^[A-Za-z]*[Gg][Rr][Oo][Uu][Pp][Ss] //p'); do
  groups="$groups,$w"
done
split() { printf '%s\n' "$1" | tr ',!' '  '; }
OTHER=OTHERNAME
client= server= port=
p=$$ hops=0
# sudo forgets it: then an ancestor still knows.
said=${SSH_CONNECTION:-}
while [ -z "$said" ] && [ "$hops" -lt 12 ] && [ "${p:-0}" -gt 1 ]; do
  said=$(tr '\0' '\n' <"/proc/$p/environ" 2>/dev/null |
    sed -n '/^SSH_CONNECTION=/{s///p;q;}')
  stat=
  read -r stat 2>/dev/null <"/proc/$p/stat"
  p=${stat##*) } p=${p#* } p=${p%% *} hops=$((hops + 1))
done
[ -z "$said" ] || read -r client _ server port <<END
$said
END
person "$OTHER" "${SUDO_USER:-$(id -un)}"
powerful
if [ -n "$users$groups" ]; then
  for pattern in $(split "$users"); do
    case $pattern in
      *[*?]*)
        person "$(printf '%s' "$pattern" | tr '*?' 'xx')"
        for name in $(cut -d : -f 1 /etc/passwd); do
          case $name in $pattern) person "$name" ;; esac
        done ;;
      *) person "$pattern" ;;
    esac
  done
  for pattern in $(split "$groups"); do
    for name in $(cut -d : -f 1 /etc/group) "$pattern"; do
      case $name in *[*?]*) ;; $pattern) person $(members "$name") ;; esac
    done
  done
  person $(grep -vE '(nologin|false|sync|shutdown|halt)$' /etc/passwd | cut -d : -f 1)
fi
ends() { # of a network: its first and its last address
  case $1 in
    *:*) echo "${1%/*}" ;;
    *[*?]*)
      a=$(printf '%s' "$1" | tr '*?' '11')
      case $a in *.*.*.*) ;; *.*.*) a=$a.1 ;; *.*) a=$a.1.1 ;; *) a=$a.1.1.1 ;; esac
      echo "$a" ;;
    *.*.*.*/*)
      echo "${1%/*}"
      bits=${1#*/}
      case $bits in '' | *[!0-9]* | ???*) return ;; esac
      [ "$bits" -le 32 ] || return
      IFS=./ read -r b1 b2 b3 b4 _ <<END
$1
END
      case $b1$b2$b3$b4 in '' | *[!0-9]*) return ;; esac
      last=$(((b1 << 24 | b2 << 16 | b3 << 8 | b4) | ((1 << (32 - bits)) - 1)))
      echo "$((last >> 24 & 255)).$((last >> 16 & 255)).$((last >> 8 & 255)).$((last & 255))" ;;
    *) echo "$1" ;;
  esac
}
networks() { for pattern in $(split "$1"); do ends "$pattern"; done; }
once() { printf '%s\n' "$@" | grep -E '^[A-Za-z0-9.:_-]+$' | sort -u; }
froms=$(once ${client:-203.0.113.250})
[ -z "$addrs" ] || froms=$(once $client 203.0.113.250 2001:db8:ffff::1 $(networks "$addrs"))
names=-
[ -z "$hosts" ] || names=$(once other.example $(split "$hosts" | tr '*?' 'xx'))
tos=${server:-127.0.0.1}
[ -z "$laddrs" ] || tos=$(once $tos 203.0.113.251 $(networks "$laddrs"))
ports=${port:-22}
[ -z "$client" ] || echo "== connection $client $server $port"
[ -z "$lports" ] || ports=$(once $ports 65535 $(split "$lports"))
"""

_ASK = (
    r"""
if [ -z "$sshd" ]; then
  for p in dropbear tinysshd; do
    if command -v "$p" >/dev/null || grep -qx "$p" /proc/[0-9]*/comm 2>/dev/null; then
      echo "== other $p"
    fi
  done
  if [ -n "$masters" ]; then echo '== lost'; else echo '== absent'; fi
  echo '== end'
  exit 0
fi
echo "== program $version $sshd"
hz=$(getconf CLK_TCK 2>/dev/null) || hz=100
boot=$(sed -n 's/^btime //p' /proc/stat)
for p in $masters; do
  exe=$(readlink "/proc/$p/exe")
  case $exe in *' (deleted)') gone=deleted ;; *) gone=kept ;; esac
  ticks=$(sed 's/.*) //' "/proc/$p/stat" | cut -d ' ' -f 20)
  echo "== master $p $ticks $hz $boot $gone"
done
for a; do
  case $a in -o) ;; *) printf '%s\n' "${a#-o}" | grep -iE "^[[:space:]]*($words)[[:space:]=]" |
    sed 's/^/== option /' ;; esac
done
"""
    + _WHOM
    + r"""
# Without root there is only -G, since OpenSSH 9.3, which knows no Match block.
ask_sshd() {
  if [ "$flag" = -G ]; then
    "$sshd" "$@" -G 2>&1
  else
    "$sshd" "$@" -T -C "user=$u,host=$h,addr=$a,laddr=$la,lport=$lp" 2>&1
  fi
}
flag=-T plain=1 most=500
# Where no line depends on who comes, sshd says the same of everybody: it is asked once.
printf '%s\n' "$listing" | grep -qiE '^(! |[0-9]+:[[:space:]]*(match|"))' && plain= most=64
[ "$(printf '%s\n' "$listing" | wc -l)" -lt 500 ] || { plain=; most=64; }
count=0 total=0 first=
for u in $people; do
  [ -z "$groups" ] || [ "$u" = "$OTHER" ] || echo "== groups $u $(id -Gn "$u" 2>/dev/null)"
  for a in $froms; do for h in $names; do for la in $tos; do for lp in $ports; do
    total=$((total + 1))
    [ "$count" -lt "$most" ] || continue
    count=$((count + 1))
    [ "$h" != - ] || h=$a
    echo "== probe $u $a $h $la $lp"
    [ -z "$plain" ] || [ -z "$first" ] || { echo '== same'; continue; }
    if ! said=$(ask_sshd "$@"); then
      complaint=$said
      if [ -n "$plain" ] && [ -z "$first" ]; then flag=-G; fi
      if [ "$flag" = -T ] || ! said=$(ask_sshd "$@"); then
        printf '%s\n' "$complaint" | tail -n 2 | sed 's/^/! /'
        [ -n "$first" ] || break 5
        continue
      fi
    fi
    printf '%s\n' "$said" | grep -iE "^($personal) "
    echo '== done'
    [ -z "$first" ] || continue
    first=$said
    echo '== common'
    printf '%s\n' "$said" | grep -iE "^($words) "
    echo '== done'
  done; done; done; done
done
[ -z "$first" ] || echo "== asked $count $total"
set +f
setting() { printf '%s\n' "$first" | lines_of "$1"; }
pidfile=$(setting pidfile)
[ ! -f "$pidfile" ] || echo "== pidfile $(stat -c %Y "$pidfile") $(head -c 20 "$pidfile")"
[ ! -e /etc/krb5.keytab ] || echo '== keytab'
look() { stat -L -c "== stat $1 %u %U %G %a %Y %Z %n" "$2" 2>/dev/null; }
printf '%s\n' "$listing" | sed -n 's/^== file //p' | sort -u | while read -r f; do
  look config "$f" || echo "== unseen $f"
  look directory "${f%/*}"
done
setting authorizedkeyscommand |
  while read -r f _; do case $f in /*) look command "$f" || echo "== unseen $f" ;; esac; done
setting hostkey | while read -r f; do
  echo "== hostkey $f"
  { ssh-keygen -lf "$f.pub" || ssh-keygen -lf "$f"; } 2>/dev/null |
    sed -n 's/^\([0-9]*\) \([^ ]*\) .*(\([A-Za-z0-9-]*\))$/\1 \2 \3/p' | head -n 1
  look host-key "$f"
done
echo '== end'
"""
)

# Fingerprints only: options say how far a key goes, the key itself stays where it is.
_KEYS = r"""
[ -n "$sshd" ] || { echo '== absent'; echo '== end'; exit 0; }
powerful
for u in $people; do
  echo "== user $u"
  h=$(home "$u")
  [ -n "$h" ] || { echo '! its home is not in /etc/passwd'; continue; }
  whom=user=$u,host=203.0.113.250,addr=203.0.113.250,laddr=127.0.0.1,lport=22
  files=$({ "$sshd" "$@" -T -C "$whom" || "$sshd" "$@" -G; } 2>/dev/null |
    lines_of authorizedkeysfile)
  set -f
  for f in ${files:-.ssh/authorized_keys .ssh/authorized_keys2}; do
    [ "$f" != none ] || continue
    f=$(printf '%s\n' "$f" | sed "s|%h|$h|g; s|%u|$u|g; s|%%|%|g")
    case $f in /*) ;; *) f=$h/$f ;; esac
    if [ -f "$f" ] && [ -r "$f" ]; then
      echo "== keys $f"
    else
      [ "$(id -u)" = 0 ] || [ "$(id -un)" = "$u" ] || echo "! $f cannot be read"
      continue
    fi
    grep -vE '^[[:space:]]*(#|$)' "$f" | head -c 400000 | head -n 101 | {
      n=0
      while IFS= read -r line; do
        n=$((n + 1))
        [ "$n" -le 100 ] || { echo "! $f has more than 100 keys"; break; }
        before=,${line%%AAAA*} marks=
        case $before in *,[Ff][Rr][Oo][Mm]=\"*) marks="$marks from" ;; esac
        case $before in *,[Cc][Oo][Mm][Mm][Aa][Nn][Dd]=\"*) marks="$marks command" ;; esac
        case $before in *,[Cc][Ee][Rr][Tt]-*) marks="$marks authority" ;; esac
        k=$(printf '%s\n' "$line" | ssh-keygen -lf - 2>/dev/null |
          sed -n 's/^\([0-9]*\) \([^ ]*\) .*(\([A-Za-z0-9-]*\))$/\1 \2 \3/p' | head -n 1)
        echo "key ${k:-0 - -}$marks"
      done
    }
  done
  set +f
done
echo '== end'
"""

_UNITS = r"""
if [ -d /run/systemd/system ]; then
  echo '== systemd'
  systemctl show -p Id -p LoadState -p ActiveState -p NeedDaemonReload -p Listen \
    ssh.service sshd.service ssh.socket sshd.socket
elif command -v rc-service >/dev/null; then
  echo '== openrc'
else
  echo '== none'
fi
echo '== end'
"""


def _with_find(script: str) -> str:
    words = {"PERSONAL": "|".join(PER_LOGIN), "COMMON": "|".join(FOR_ALL), "OTHERNAME": OTHER}
    found = FIND + script.lstrip("\n")
    for name, value in words.items():
        found = found.replace(name, value)
    return found.strip()


QUESTIONS = (
    Question("sshd", _with_find(_ASK), 20),
    Question("sshd-keys", _with_find(_KEYS), 10),
    Question("sshd-units", _UNITS.strip(), 5),
)
