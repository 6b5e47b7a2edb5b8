"""The checks of a change of sshd: sshd itself reads the new files before they are installed."""

import shlex
from collections.abc import Iterable, Sequence

from hullward.model.plan import Act, Command
from hullward.model.sshd import Keep, Probe, Sshd
from hullward.rules.ssh_words import DROP_IN

# What the checks and the rehearsal read: the main file with the new drop-in in its place.
CANDIDATE = "sshd_config"

# Each Include is written out, file by file, as sshd would read it after the change. It may name
# the drop-in where there is none yet, and then the order is that of the names.
_PREPARE = r"""
main=$1 new=$2 place=$3 ready=$4
shift 4
while IFS= read -r line || [ -n "$line" ]; do
  words=
  case $line in *[Ii][Nn][Cc][Ll][Uu][Dd][Ee]*)
    words=$(printf '%s\n' "$line" | tr -d "\"'\r" | tr '=\t' '  ' | sed 's/#.*//; s/^ *//') ;;
  esac
  case $words in
    [Ii][Nn][Cc][Ll][Uu][Dd][Ee]' '*) ;;
    *) printf '%s\n' "$line"; continue ;;
  esac
  set -f
  for pattern in ${words#* }; do
    set +f
    case $pattern in /*) ;; *) pattern=/etc/ssh/$pattern ;; esac
    {
      for f in $pattern; do [ ! -e "$f" ] || printf '%s\n' "$f"; done
      [ "${pattern%/*}" != "${place%/*}" ] || case $place in $pattern) echo "$place" ;; esac
    } | LC_ALL=C sort -u | while IFS= read -r f; do
      [ "$f" != "$place" ] || f=$new
      [ -z "$f" ] || printf 'Include "%s"\n' "$f"
    done
  done
  set +f
done <"$main" >"$ready"
exec "$@" -t -f "$ready"
"""
_ASK = r"""
ready=$1 wanted=$2 people=$3
shift 3
printf '%s\n' "$people" | while read -r who; do
  said=$("$@" -f "$ready" -T -C "$who" 2>&1) || { printf '%s\n' "$said" | tail -n 1; exit 1; }
  said=$(printf '%s\n' "$said" | tr '[:upper:]' '[:lower:]')
  printf '%s\n' "$wanted" | while read -r keyword values; do
    now=$(printf '%s\n' "$said" | sed -n "s/^$keyword //p" | head -n 1)
    case "|$values|" in
      *"|$now|"*) ;;
      *) echo "$keyword would be ${now:-unknown} for $who all the same"; exit 1 ;;
    esac
  done || exit 1
done
"""


def checks(
    sshd: Sshd, keep: Keep, place: tuple[str, str], wanted: Sequence[tuple[str, str]]
) -> tuple[Act, ...]:
    """Give the checks of one direction.

    `place` says where main file and drop-in are staged, or stand; "" for a drop-in that goes.
    `wanted` are keywords and the values, joined by |, of which sshd must say one to everybody.
    """
    program = (sshd.program, *keep.arguments)
    main, drop_in = place
    ready = f"{{candidate:{CANDIDATE}}}"
    prepare: Command = ("sh", "-c", _PREPARE, "-", main, drop_in, DROP_IN, ready, *program)
    shown = shlex.join(program)
    acts = [Act(prepare, f"{shown} -t, with the new files")]
    people = [_whom(probe, keep) for probe in sshd.probes or () if probe.admitted is not False]
    if wanted and people:
        words = "\n".join(f"{keyword} {values}" for keyword, values in wanted)
        ask = ("sh", "-c", _ASK, "-", ready, words, "\n".join(dict.fromkeys(people)), *program)
        whom = _who(sshd.probes or ())
        acts.append(Act(ask, f"{shown} -T, with the new files, for {whom}: each line must win"))
    return tuple(acts)


def _whom(probe: Probe, keep: Keep) -> str:
    named = (
        ("user", probe.user or keep.nobody),
        ("host", probe.host),
        ("addr", probe.address),
        ("laddr", probe.local_address),
        ("lport", probe.local_port),
    )
    return ",".join(f"{name}={value}" for name, value in named if value)


def _who(probes: Iterable[Probe]) -> str:
    names = list(dict.fromkeys(p.user for p in probes if p.user and p.admitted is not False))
    more = f" and {len(names) - 6} more" if names[6:] else ""
    return f"{', '.join(names[:6])}{more} and any other user"
