# shellcheck shell=sh
# Prints the log of an app's units and containers, of one unit, or of everything. Changes nothing.
# Not behind the library: it is given words instead of a document, and what follows ends when its input does.
# Words: app, unit (one of them, or none), lines ("" for all), since (seconds since 1970, or ""), "follow" or "".
set -eu
PATH=/run/current-system/sw/bin:/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C
app=$1 unit=$2 lines=$3 since=$4 follow=$5

journal() {
  set -- --no-pager --quiet --output=short-iso "$@"
  [ -z "$lines" ] || set -- "$@" --lines="$lines"
  [ -z "$since" ] || set -- "$@" --since="@$since"
  [ -z "$follow" ] || set -- "$@" --follow
  # A shell that waited for it would say how it was ended.
  exec journalctl "$@"
}

# Both of a container's streams, each line behind its name: an app may have several.
container() {
  name=$1
  set -- --timestamps
  [ -z "$lines" ] || set -- "$@" --tail="$lines"
  [ -z "$since" ] || set -- "$@" --since="$since"
  [ -z "$follow" ] || set -- "$@" --follow
  docker logs "$@" "$name" 2>&1 | sed "s|^|$name: |"
}

# What is written goes on until nobody reads: the other end closes the input, whatever has become of it.
through() {
  if [ -z "$follow" ]; then "$@"; return; fi
  # Programs in the background have no input of their own.
  exec 3<&0
  # Everything that was started here is in this group.
  code=0
  trap 'exec 2>/dev/null; exit "$code"' TERM
  { cat <&3 >/dev/null; kill -TERM 0; } &
  "$@" &
  # The shell's own word on how it was ended is for nobody.
  wait "$!" 2>/dev/null || code=$?
  # It has ended by itself; what waits for the reader goes with it.
  kill -TERM 0
  exit "$code"
}

has_docker() { command -v docker >/dev/null && docker version >/dev/null 2>&1; }
label() { docker ps --all --filter "label=$1" --format "$2"; }
containers_of() { { label "berth.service=$1" '{{.Names}}'; label "com.docker.compose.project=$1" '{{.Names}}'; } | sort -u; }

all_containers() {
  # What Docker says goes the other way; what is left is a shell's word on how its programs ended.
  exec 2>/dev/null
  for one in $containers; do container "$one" & done
  wait
}

apps() {
  for folder in /run/webapp/*/; do [ ! -d "$folder" ] || basename "$folder"; done
  if has_docker; then label berth.service '{{.Label "berth.service"}}'; label com.docker.compose.project '{{.Label "com.docker.compose.project"}}'; fi
}

absent() { printf '%s\n' "$1" >&2; exit 3; }

if [ -n "$unit" ]; then
  case $unit in *.*) ;; *) unit=$unit.service ;; esac
  # One that is gone may have left what it said.
  systemctl cat -- "$unit" >/dev/null 2>&1 || [ -n "$(journalctl --quiet --no-pager --lines=1 --unit="$unit" 2>/dev/null)" ] ||
    absent "there is no unit $unit, and the journal has none"
  through journal --unit="$unit"
elif [ -z "$app" ]; then
  through journal
elif [ -d "/run/webapp/$app" ] || systemctl cat -- "$app.service" >/dev/null 2>&1; then
  # Both instances by name: a pattern finds those alone that have said something before.
  through journal --unit="$app.service" --unit="$app@a.service" --unit="$app@b.service" --unit="$app@*.service" --unit="$app-port-*.service"
else
  containers=''
  if has_docker; then containers=$(containers_of "$app"); fi
  [ -n "$containers" ] || absent "there is no app $app; there are: $(apps | sort -u | tr '\n' ' ')"
  through all_containers
fi
