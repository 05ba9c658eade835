#!/bin/sh
# A machine as ssh shows it: in $STATE/facts what it says of itself, in $STATE/booted what its installer says; it stays up for
# $STATE/lingers polls after a restart was begun, is away for one and $STATE/absent more, and is back as the installer.
set -eu
left() { cat "$STATE/$1"; }
goDown() { : >"$STATE/going"; }
poll() {
  [ -e "$STATE/going" ] || exit 0
  lingers=$(left lingers)
  if [ "$lingers" -gt 0 ]; then
    echo $((lingers - 1)) >"$STATE/lingers"
    exit 0
  fi
  absent=$(left absent)
  if [ ! -e "$STATE/down" ] || [ "$absent" -gt 0 ]; then
    [ ! -e "$STATE/down" ] || echo $((absent - 1)) >"$STATE/absent"
    : >"$STATE/down"
    exit 255
  fi
  mv "$STATE/booted" "$STATE/facts"
  rm "$STATE/going" "$STATE/down"
}

# shellcheck disable=SC2016 # It is the machine that shall put its home there.
case "$*" in
*" -G "*) cat "$STATE/settings" ;;
*" enableDebug= sh --") cat "$STATE/facts" ;;
*"-- exit 0") poll ;;
*'bash "$HOME/kexec/nixos-anywhere-kexec.sh"') goDown ;;
*" sh") if grep -q 'sleep 6 && reboot' "$STDIN"; then goDown; fi ;;
esac
