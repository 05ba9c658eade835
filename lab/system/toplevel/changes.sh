#!/bin/sh
# What must happen to the units that run now, for the new unit tree to be in force.
# usage: changes.sh OLD-TREE NEW-TREE <active units, one a line
# Prints lines "VERB UNIT": stop (before the new system is in place), then reload, restart, start (after it), and skip
# (changed, but not to be touched). Reads files only.
set -eu

old=$1
new=$2

# The file of a unit in a tree; an instance's is its template's.
fileOf() {
  if [ -e "$1/$2" ] || [ -L "$1/$2" ]; then
    echo "$1/$2"
    return
  fi
  case "$2" in
  *@*.*) echo "$1/${2%%@*}@.${2##*.}" ;;
  *) echo "$1/$2" ;;
  esac
}

has() {
  file=$(fileOf "$1" "$2")
  [ -e "$file" ]
}

masked() {
  [ "$(readlink "$(fileOf "$1" "$2")")" = /dev/null ]
}

# A unit with its drop-ins as lines "[Section]Key=value", without what has no effect on a running unit.
contentOf() {
  for file in "$(fileOf "$1" "$2")" "$1/$2.d"/*.conf; do
    [ -f "$file" ] || continue
    awk '
      /^[#;]/ || /^[ \t]*$/ { next }
      /^\[/ { section = $0; next }
      section == "[Install]" { next }
      section == "[Unit]" && /^(Description|Documentation|OnFailure|OnSuccess|OnFailureJobMode|IgnoreOnIsolate|StopWhenUnneeded|RefuseManualStart|AllowIsolate|CollectMode|SourcePath)=/ { next }
      { print section $0 }
    ' "$file"
  done
}

reloadTriggers='^\[Unit\]X-Reload-Triggers='
restartPart() { contentOf "$1" "$2" | grep -v "$reloadTriggers" || true; }
reloadPart() { contentOf "$1" "$2" | grep "$reloadTriggers" || true; }

# says TREE UNIT SECTION SETTING VALUES: does the unit's last word on a setting match one of VALUES? As on NixOS, each has its section.
says() {
  contentOf "$1" "$2" | sed -n "s/^\[$3\]$4=//p" | tail -n 1 | grep -Eqix "$5"
}
no='no|false|0|off'
yes='yes|true|1|on'

socketOf() {
  socket=${1%.service}.socket
  has "$new" "$socket" && ! masked "$new" "$socket"
}

modified() {
  unit=$1
  case "$unit" in
  *.target | *.slice | *.scope | *.device) return 0 ;;
  *.mount | *.automount)
    echo "reload $unit"
    return 0
    ;;
  # NixOS leaves them as they listen.
  *.socket) return 0 ;;
  esac

  if says "$new" "$unit" Service X-ReloadIfChanged "$yes"; then
    echo "reload $unit"
  elif says "$new" "$unit" Service X-RestartIfChanged "$no" ||
    says "$new" "$unit" Unit X-OnlyManualStart "$yes" ||
    says "$new" "$unit" Unit RefuseManualStop "$yes"; then
    echo "skip $unit"
  elif says "$new" "$unit" Service X-StopIfChanged "$no"; then
    echo "restart $unit"
  else
    echo "stop $unit"
    case "$unit" in
    *.service)
      # Otherwise the first connection would start the old service again, half-way through the switch.
      if socketOf "$unit" && ! says "$new" "$unit" Service X-NotSocketActivated "$yes"; then
        echo "stop ${unit%.service}.socket"
        echo "start ${unit%.service}.socket"
        return 0
      fi
      ;;
    esac
    echo "start $unit"
  fi
}

while IFS= read -r unit; do
  [ -n "$unit" ] || continue
  if has "$old" "$unit"; then
    if ! has "$new" "$unit" || masked "$new" "$unit"; then
      says "$old" "$unit" Unit X-StopOnRemoval "$no" || echo "stop $unit"
      continue
    fi
  elif [ ! -d "$old/$unit.d" ] && [ ! -d "$new/$unit.d" ]; then
    continue
  fi

  if [ "$(restartPart "$old" "$unit")" != "$(restartPart "$new" "$unit")" ]; then
    modified "$unit"
  elif [ "$(reloadPart "$old" "$unit")" != "$(reloadPart "$new" "$unit")" ]; then
    echo "reload $unit"
  fi
done | awk '!seen[$0]++'
