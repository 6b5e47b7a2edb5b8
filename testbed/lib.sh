# shellcheck shell=bash
# Functions shared by the testbed scripts: state directory, packages, private apt, locks.

STATE=${HULLWARD_TESTBED:-/var/tmp/hullward-testbed}
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
export PATH=$PATH:/usr/sbin:/sbin DEBIAN_FRONTEND=noninteractive
umask 022

log() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
  log "$*"
  exit 1
}

# The directory lies in a world-writable place and holds what root runs.
state_up() {
  [ "$(id -u)" = 0 ] || die "needs root"
  case $STATE in /*) ;; *) die "HULLWARD_TESTBED must be an absolute path" ;; esac
  # Others may pass through (userns-remapped containers do), not list.
  if [ ! -e "$STATE" ]; then
    mkdir -p "$STATE"
    chmod 711 "$STATE"
  fi
  [ "$(stat -c '%u %F' "$STATE")" = '0 directory' ] || die "$STATE is not root's own directory"
  # `demo down` deletes it: it must not be anything else.
  [ -d "$STATE/locks" ] || [ -z "$(ls -A "$STATE")" ] || die "$STATE is not empty, and no testbed"
  mkdir -p "$STATE/tmp" "$STATE/run" "$STATE/pkgs" "$STATE/locks"
}

# locked LOCK COMMAND...   runs COMMAND in a subshell that holds the lock
locked() {
  local file=$STATE/locks/$1
  shift
  (
    flock 9
    "$@"
  ) 9>"$file"
}

machine_arch() { dpkg --print-architecture; }

multiarch() {
  case $(machine_arch) in
    amd64) echo x86_64-linux-gnu ;;
    arm64) echo aarch64-linux-gnu ;;
    *) die "only amd64 and arm64" ;;
  esac
}

# need COMMAND:PACKAGE...   installs what is missing and notes every package that was added
need() {
  local p missing=()
  for p; do command -v "${p%:*}" >/dev/null || missing+=("${p#*:}"); done
  [ ${#missing[@]} = 0 ] || locked apt install_missing "${missing[@]}"
}

install_missing() {
  local apt=(apt-get -q -y -o DPkg::Lock::Timeout=300 --no-install-recommends)
  local added
  added=$("${apt[@]}" -s install "$@" 2>/dev/null) || {
    apt-get -q update >&2
    added=$("${apt[@]}" -s install "$@")
  }
  log "installing $*"
  "${apt[@]}" install "$@" >&2 || {
    apt-get -q update >&2
    "${apt[@]}" install "$@" >&2
  }
  # "Inst NAME [OLD] (NEW ...)" is an upgrade, "Inst NAME (NEW ...)" an addition
  sed -n 's/^Inst \([^ ]*\) (.*/\1/p' <<<"$added" >>"$STATE/installed-packages"
}

debian_mirror() {
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(ORIGIN) $(LABEL) $(SITE)' 'Created-By: Packages' 2>/dev/null |
    awk '$1 == "Debian" && $2 == "Debian" {print $3; exit}'
}

mirror() {
  local m
  m=$(debian_mirror)
  # Origin and label are known to apt only after its first update.
  if [ -z "$m" ]; then
    locked apt apt-get -q update >&2
    m=$(debian_mirror)
  fi
  [ -n "$m" ] || die "this machine's apt names no Debian mirror"
  printf '%s\n' "$m"
}

private_apt() { # SUITE
  local a=$STATE/apt/$1 site
  mkdir -p "$a/lists/partial" "$a/cache/archives/partial"
  : >"$a/status"
  if [ ! -s "$a/sources.list" ]; then
    site=$(mirror) || exit 1
    printf 'deb [signed-by=%s] %s %s main\n' "$KEYRING" "$site" "$1" >"$a/sources.list"
  fi
  cat >"$a/apt.conf" <<CONF
Dir::Etc::sourcelist "$a/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$a";
Dir::State::Lists "$a/lists";
Dir::State::status "$a/status";
Dir::Cache "$a/cache";
Acquire::Languages "none";
APT::Sandbox::User "root";
CONF
  export APT_CONFIG=$a/apt.conf
}

download() { # SUITE PACKAGE...   into the current directory
  local suite=$1
  shift
  private_apt "$suite"
  if [ -n "$(find "$STATE/apt/$suite/lists" -maxdepth 1 -name '*_Packages*' -mtime -7 -print -quit)" ]; then
    apt-get -q download "$@" >&2 && return 0
  fi
  apt-get -q update >&2
  apt-get -q download "$@" >&2 || die "$suite does not offer all of: $*"
}

# component NAME SUITE PACKAGE...   unpacks packages to $STATE/pkgs/NAME, once, all or nothing
# (call it under the lock "fetch": what a killed run left is swept here)
component() {
  local name=$1 suite=$2 tmp deb
  shift 2
  [ ! -d "$STATE/pkgs/$name" ] || return 0
  log "fetching $* from $suite"
  rm -rf "$STATE"/tmp/fetch.*
  tmp=$(mktemp -d "$STATE/tmp/fetch.XXXXXX")
  chmod 755 "$tmp"
  mkdir "$tmp/debs" "$tmp/root"
  (cd "$tmp/debs" && download "$suite" "$@") || exit 1
  for deb in "$tmp"/debs/*.deb; do
    dpkg -x "$deb" "$tmp/root"
    # shellcheck disable=SC2016
    dpkg-deb -W --showformat '${Package} ${Version}\n' "$deb" >>"$tmp/root/versions"
  done
  mv "$tmp/root" "$STATE/pkgs/$name"
  rm -rf "$tmp"
}

# instance NAME   sets the paths of one engine
instance() {
  case $1 in '' | *[!a-z0-9-]* | -*) die "needs a NAME of a-z, 0-9 and -" ;; esac
  # shellcheck disable=SC2034
  NAME=$1
  NS=hullward-$1
  NETNS=/run/netns/$NS
  D=$STATE/run/$1
  MNTNS=$D/ns/mnt
}

inside() { nsenter --mount="$MNTNS" --net="$NETNS" "$@"; }

is_namespace() { [ -e "$1" ] && [ "$(stat -f -L -c %t "$1")" = 6e736673 ]; }

# is_inside PID-FILE   the process runs, in the mount namespace of the engine
is_inside() {
  [ -s "$1" ] && is_namespace "$MNTNS" &&
    [ "$(readlink "/proc/$(<"$1")/ns/mnt")" = "mnt:[$(stat -L -c %i "$MNTNS")]" ]
}
