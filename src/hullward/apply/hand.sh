# hullward's hand on a host: the journal of changes, the edits, and the timer that takes them back.
# POSIX sh. It is sent on standard input, followed by calls of these functions; a copy stays beside
# each change, for its timer. $J is the journal's folder.
#
# $J/mutex                held by whoever works on the journal, never longer than a command may take
# $J/changes/N/           a change: it appears, whole, by one rename
#   state                 prepared applying applied activating active reverting restored
#                         and, when it is over, confirmed or reverted
#   about, plan           JSON, for hullward
#   began                 seconds since 1970, uptime, boot
#   edit/K/path, old, new a file, the original with its owner, mode and attributes, and the new one
#   edit/K/was, becomes   the SHA-256 of both, or none
#   candidate/NAME        what only checks and rehearsals read
#   do.X, said.X          the commands to check, activate and restore, and what they said
#   activated             there is something to restore by commands, not by files alone
#   timer                 token, uptime of its end, boot; timer.pid where it is a process
#
# Every state is on the disk before what it announces begins, so whatever is killed, `revert` and
# `apply` know what to do. Answers are lines of words; `refused WHY DETAIL...` with exit status 3
# says that nothing was changed, or that all was put back.
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin; export PATH
unset CDPATH ENV IFS
umask 077
C=$J/changes
patience=30
programs= why= busy=

refuse() { printf 'refused %s\n' "$*"; exit 3; }
in64() { base64 | tr -d '\n'; }
seconds_up() { read -r up _ </proc/uptime; echo "${up%%.*}"; }
boot() { cat /proc/sys/kernel/random/boot_id; }
# sync(1) of coreutils before 8.24 and of a small busybox flushes everything, which is as good.
flush() { sync -- "$@" 2>/dev/null || sync; }
put() { # FILE TEXT   all of it, or what was there before
  printf '%s\n' "$2" >"$1.part" && flush "$1.part" && mv -f -- "$1.part" "$1" && flush "${1%/*}"
}

ready() {
  [ -z "$programs" ] || return 0
  programs=there
  [ "$(id -u)" = 0 ] || refuse root
  for program in base64 chmod chown cp date flock mkdir mv readlink rm rmdir setsid sha256sum \
    sleep stat sync timeout tr; do
    command -v "$program" >/dev/null || refuse program "$program"
  done
}

locked() {
  ready
  [ -d "$J" ] || mkdir -p -m 700 -- "$J" 2>/dev/null || refuse journal "$J"
  exec 9>"$J/mutex" || refuse journal "$J"
  until flock -n 9; do
    patience=$((patience - 1))
    [ "$patience" -gt 0 ] || { unfinished; refuse busy; }
    sleep 1
  done
}
unlocked() { exec 9>&-; }

state() { cat "$C/$1/state" 2>/dev/null || echo none; }
numbers() { for d in "$C"/[0-9]*; do [ ! -d "$d" ] || echo "${d##*/}"; done; }
over() { case $(state "$1") in confirmed | reverted) ;; *) return 1 ;; esac; }
unfinished() { for n in $(numbers); do over "$n" || { describe "$n"; busy=$n; }; done; }
edits() { for e in "$1"/edit/[0-9]*; do [ ! -d "$e" ] || echo "$e"; done; } # FOLDER

# --- files ---

folder() { f=${1%/*}; echo "${f:-/}"; }
existing() { f=$(folder "$1"); while [ ! -d "$f" ]; do f=$(folder "$f"); done; echo "$f"; }
# A name that no program reads: it starts with a dot and ends in .part.
beside() { f=$(folder "$1"); echo "${f%/}/.hullward.part"; }
sum() { # PATH
  if [ -L "$1" ]; then echo link
  elif [ ! -e "$1" ]; then echo none
  elif [ ! -f "$1" ]; then echo other
  else s=$(sha256sum <"$1") && echo "${s%% *}" || echo unreadable
  fi
}

# Root writes only where nobody else can exchange a folder on the way.
trusted() { # PATH
  f=$(existing "$1")
  [ "$(readlink -f -- "$f")" = "$f" ] || refuse untrusted "$f"
  while :; do
    # shellcheck disable=SC2046
    set -- "$1" $(stat -c '%u %g %a' -- "$f")
    [ "$2" = 0 ] || refuse untrusted "$f"
    others=$((0$4 & 0002))
    [ "$3" = 0 ] || others=$((0$4 & 0022))
    [ "$others" = 0 ] || [ "$((0$4 & 01000))" != 0 ] || refuse untrusted "$f"
    [ "$f" != / ] || return 0
    f=$(folder "$f")
  done
}

# Brings a copy onto the disk beside its place; $why says why it could not.
stage() { # FILE PATH
  t=$(beside "$2")
  rm -f -- "$t"
  if why=$(cp -a -- "$1" "$t" 2>&1) && flush "$t"; then return 0; fi
  rm -f -- "$t"
  return 1
}

# One rename, or one removal, makes the file what it was or what it shall be.
place() { # EDIT old|new
  p=$(cat "$1/path")
  if [ -d "$p" ]; then why="$p is a folder"; return 1; fi
  if [ -e "$1/$2" ]; then
    made "$1" "$(folder "$p")" && stage "$1/$2" "$p" || return 1
    if ! why=$(mv -f -- "$t" "$p" 2>&1); then rm -f -- "$t"; return 1; fi
    ! command -v restorecon >/dev/null || restorecon -- "$p" 2>/dev/null || :
  else
    why=$(rm -f -- "$p" 2>&1) || return 1
    if [ -s "$1/made" ]; then rmdir -- "$(cat "$1/made")" 2>/dev/null || :; fi
  fi
  flush "$(existing "$p")"
}
made() { # EDIT FOLDER
  [ ! -d "$2" ] || return 0
  put "$1/made" "$2" && why=$(mkdir -m 755 -- "$2" 2>&1)
}

# --- a new entry of the journal: `edit`, `candidate`, `commands` between `entry` and `commit` ---

entry() { # ABOUT PLAN HAND   in base64
  locked
  unfinished
  [ -z "$busy" ] || refuse pending "$busy"
  E=$J/new
  swept "$E"
  rm -rf -- "$E"
  mkdir -p -m 700 -- "$C" "$E/edit" "$E/candidate" 2>/dev/null && chown 0:0 "$J" && chmod 700 "$J" ||
    refuse journal "$J"
  trap 'swept "$E"; rm -rf -- "$E"' EXIT
  unpack "$E/about" "$1"; unpack "$E/plan" "$2"; unpack "$E/hand" "$3"
  echo "$(date +%s) $(seconds_up) $(boot)" >"$E/began" && echo prepared >"$E/state" ||
    refuse nospace "$J"
}
unpack() { printf '%s' "$2" | base64 -d >"$1" || refuse nospace "$J"; } # FILE BASE64
candidate() { unpack "$E/candidate/$1" "$2"; }                        # NAME BASE64
commands() { unpack "$E/do.$1" "$2"; }                                # check|activate|restore BASE64

edit() { # NUMBER PATH WAS OWNER MODE CONTENT   - keeps owner or mode, or removes the file
  e=$E/edit/$1
  mkdir "$e" && printf '%s' "$2" >"$e/path" || refuse nospace "$J"
  trusted "$2"
  [ "$(sum "$2")" = "$3" ] || refuse drift "$2"
  [ "$3" = none ] || cp -a -- "$2" "$e/old" || refuse nospace "$J"
  if [ "$6" != - ]; then
    if [ "$3" = none ]; then
      unpack "$e/new" "$6"; chmod 644 "$e/new"
    else
      cp -a -- "$2" "$e/new" || refuse nospace "$J"
      unpack "$e/new" "$6"
    fi
    [ "$4" = - ] || chown -- "$4" "$e/new" || refuse owner "$2"
    [ "$5" = - ] || chmod -- "$5" "$e/new" || refuse owner "$2"
  fi
  sum "$e/old" >"$e/was"; sum "$e/new" >"$e/becomes"
  [ "$(cat "$e/was")" = "$3" ] || refuse drift "$2"
  tried "$e" "$2"
}
# What would fail at the edit is found here, where there is nothing to take back.
tried() { # EDIT PATH
  if command -v lsattr >/dev/null && [ -e "$2" ]; then
    a=$(lsattr -d -- "$2" 2>/dev/null || :)
    case ${a%% *} in *[ia]*) refuse immutable "$2" ;; esac
  fi
  f=$(existing "$2")
  if [ -e "$1/new" ]; then stage "$1/new" "${f%/}/-" || unwritable "$2"; else return 0; fi
  rm -f -- "$t"
}
unwritable() {
  case $why in
    *[Rr]ead-only*) refuse readonly "$1" ;;
    *'No space'* | *uota*) refuse nospace "$1" ;;
    *) refuse unwritable "$1" "$why" ;;
  esac
}

commit() {
  N=1
  for n in $(numbers); do [ "$n" -lt "$N" ] || N=$((n + 1)); done
  for f in "$E"/* "$E"/*/* "$E"/edit/*/*; do
    [ ! -f "$f" ] || sync -- "$f" 2>/dev/null || { sync; break; }
  done
  flush "$E"
  trap - EXIT
  mv -- "$E" "$C/$N" && flush "$C" "$J" || refuse journal "$J"
  unlocked
  echo "opened $N"
}

# --- the steps of a change ---

run() { # NUMBER check|activate|restore SECONDS
  [ -s "$C/$1/do.$2" ] || return 0
  here=$C/$1 timeout -k 5 "$3" sh "$C/$1/do.$2" >"$C/$1/said.$2" 2>&1 </dev/null 9>&-
}
said() { tail -c 3000 "$C/$1/said.$2" 2>/dev/null | in64; } # NUMBER check|activate|restore

check() { # NUMBER SECONDS
  locked
  [ "$(state "$1")" = prepared ] || refuse state "$1" "$(state "$1")"
  run "$1" check "$2" && { unlocked; return 0; }
  status=$?
  words=$(said "$1" check)
  drop "$1"
  refuse check "$status" "$words"
}
drop() { rm -rf -- "$J/new"; mv -- "$C/$1" "$J/new" && flush "$C" && rm -rf -- "$J/new"; }

arm() { # NUMBER SECONDS TOKEN
  locked
  case $(state "$1") in
    prepared | applying | applied | activating | active) ;;
    *) refuse state "$1" "$(state "$1")" ;;
  esac
  earlier=$(cat "$C/$1/timer" 2>/dev/null) process=$(cat "$C/$1/timer.pid" 2>/dev/null) || :
  put "$C/$1/timer" "$3 $(($(seconds_up) + $2)) $(boot)"
  if [ -d /run/systemd/system ]; then
    systemd-run --quiet --unit="hullward-$1-$3" --on-active="$2" \
      --timer-property=AccuracySec=1s /bin/sh "$C/$1/hand" expire "$1" "$3" 2>"$C/$1/said.timer" \
      9>&- || refuse timer "$(tail -n 1 "$C/$1/said.timer")"
  else
    # shellcheck disable=SC2016
    setsid sh -c 'trap "" HUP; sleep "$1"; exec sh "$2" expire "$3" "$4"' \
      - "$2" "$C/$1/hand" "$1" "$3" </dev/null >/dev/null 2>&1 9>&- &
    put "$C/$1/timer.pid" "$!"
    kill -0 "$!" 2>/dev/null || refuse timer
  fi
  [ -z "$earlier" ] || stopped "$1" "${earlier%% *}" "$process"
  unlocked
}
stopped() { # NUMBER TOKEN PROCESS   a timer that lives on does nothing, as its token is not the one
  if [ -d /run/systemd/system ]; then
    systemctl stop "hullward-$1-$2.timer" 2>/dev/null 9>&- || :
  elif [ -n "$3" ]; then
    case $(tr '\000' ' ' <"/proc/$3/cmdline" 2>/dev/null) in
      *"$C/$1/hand"*) kill -- "-$3" 2>/dev/null || : ;;
    esac
  fi
}
disarm() { # NUMBER
  read -r token _ 2>/dev/null <"$C/$1/timer" || return 0
  process=$(cat "$C/$1/timer.pid" 2>/dev/null) || :
  rm -f -- "$C/$1/timer.pid" "$C/$1/timer"
  stopped "$1" "$token" "$process"
}
expire() { # NUMBER TOKEN   the timer itself
  patience=3600
  locked
  read -r token _ <"$C/$1/timer" && [ "$token" = "$2" ] || exit 0
  over "$1" || restore "$1"
}

apply() { # NUMBER
  locked
  s=$(state "$1")
  case $s in
    prepared | applying | applied | activating | active) ;;
    *) refuse state "$1" "$s" ;;
  esac
  [ -s "$C/$1/timer" ] || refuse timer
  for e in $(edits "$C/$1"); do
    now=$(sum "$(cat "$e/path")")
    [ "$now" = "$(cat "$e/was")" ] || [ "$now" = "$(cat "$e/becomes")" ] ||
      refuse drift "$(cat "$e/path")"
  done
  case $s in
    prepared | applying)
      put "$C/$1/state" applying
      for e in $(edits "$C/$1"); do
        place "$e" new || {
          p=$(cat "$e/path") w=$why
          restore "$1"
          disarm "$1"
          why=$w
          unwritable "$p"
        }
      done
      put "$C/$1/state" applied ;;
  esac
  unlocked
}

activate() { # NUMBER SECONDS
  locked
  case $(state "$1") in
    applied | activating) ;;
    active) unlocked; return 0 ;;
    *) refuse state "$1" "$(state "$1")" ;;
  esac
  put "$C/$1/activated" yes
  put "$C/$1/state" activating
  run "$1" activate "$2" || {
    status=$?
    restore "$1"
    disarm "$1"
    refuse activate "$status" "$(said "$1" activate)"
  }
  put "$C/$1/state" active
  unlocked
}

confirm() { # NUMBER TOKEN
  locked
  [ "$(state "$1")" = active ] || refuse late "$1" "$(state "$1")"
  read -r token end when <"$C/$1/timer" || refuse late "$1" active
  [ "$token" = "$2" ] && [ "$when" = "$(boot)" ] && [ "$(seconds_up)" -lt "$end" ] ||
    refuse late "$1" active
  put "$C/$1/state" confirmed
  disarm "$1"
  swept "$C/$1"
  unlocked
  echo "confirmed $1"
}

# --- the way back ---

# Every file as it was, and the programs told; with the mutex held.
restore() { # NUMBER
  put "$C/$1/state" reverting
  for e in $(edits "$C/$1" | sort -r); do
    p=$(cat "$e/path")
    now=$(sum "$p")
    # Somebody else's edit gives way to the original, but is not lost.
    case $now in
      "$(cat "$e/was")" | "$(cat "$e/becomes")" | none) ;;
      *) cp -a -- "$p" "$e/lost" ;;
    esac
    place "$e" old || refuse reverting "$p" "$why"
  done
  swept "$C/$1"
  put "$C/$1/state" restored
  if [ -e "$C/$1/activated" ]; then
    run "$1" restore 120 || { status=$?; refuse restored "$status" "$(said "$1" restore)"; }
  fi
  put "$C/$1/state" reverted
}

revert() { # NUMBER
  locked
  case $(state "$1") in
    confirmed) refuse state "$1" confirmed ;;
    reverted | none) ;;
    prepared) disarm "$1"; drop "$1" ;;
    *) restore "$1"; disarm "$1" ;;
  esac
  unlocked
  echo "reverted $1"
}

swept() { # FOLDER   what a killed `stage` left
  for e in $(edits "$1"); do
    [ ! -s "$e/path" ] || rm -f -- "$(beside "$(existing "$(cat "$e/path")")/-")"
  done
}

# --- looking ---

files() { # NUMBER   old, new, mixed, or other where somebody else wrote one
  seen=
  for e in $(edits "$C/$1"); do
    was=$(cat "$e/was"); becomes=$(cat "$e/becomes")
    [ "$was" != "$becomes" ] || continue
    case $(sum "$(cat "$e/path")") in
      "$was") seen=$seen'o' ;;
      "$becomes") seen=$seen'n' ;;
      *) echo other; return ;;
    esac
  done
  case $seen in *on* | *no*) echo mixed ;; *n) echo new ;; *) echo old ;; esac
}
age() { # NUMBER   by the clock that never jumps, unless the host was restarted since
  read -r began up when <"$C/$1/began"
  if [ "$when" = "$(boot)" ]; then echo $(($(seconds_up) - up)); else echo $(($(date +%s) - began)); fi
}
left() { # NUMBER   seconds until the timer, or -
  read -r _ end when 2>/dev/null <"$C/$1/timer" && [ "$when" = "$(boot)" ] || { echo -; return; }
  echo $((end - $(seconds_up)))
}
describe() { # NUMBER
  read -r began _ <"$C/$1/began"
  echo "change $1 $(state "$1") $(files "$1") $began $(age "$1") $(left "$1")" \
    "$(in64 <"$C/$1/about") $(said "$1" restore)"
}
# Without the mutex: whoever looks sees a change that is at work, and makes no journal.
list() { ready; for n in $(numbers); do describe "$n"; done; echo end; }
plan() { ready; printf 'plan %s\n' "$(in64 <"$C/$1/plan")"; } # NUMBER

look() { # PATH...
  n=0
  for p; do
    r=$(readlink -f -- "$p") || r=$p
    if [ -f "$r" ] && [ -r "$r" ]; then
      echo "file $n plain $(stat -c '%u %g %a' -- "$r") $(printf %s "$r" | in64)" \
        "$(head -c 4000001 -- "$r" | in64)"
    elif [ -e "$r" ]; then echo "file $n other"
    elif [ -L "$p" ]; then echo "file $n dangling"
    else echo "file $n absent"
    fi
    n=$((n + 1))
  done
}
