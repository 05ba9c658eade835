#!/bin/sh
# Writes a boot entry for every generation and makes this system the default. usage: install-boot-loader [ROOT]
# ROOT is the folder a new system is being installed in ("" = the running system).
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

root=${1-}
system=@out@
profiles=$root/nix/var/nix/profiles
entries=$root/boot/loader/entries

mkdir -p "$entries"

# Written beside, synced, renamed: the boot partition holds the old file or the new one, never half of one.
install() {
  cat >"$1.new"
  sync "$1.new"
  mv -f "$1.new" "$1"
}

default=
current=$(readlink "$profiles/system" || true)
keep=
for generation in "$profiles"/system-*-link; do
  [ -L "$generation" ] || continue
  link=${generation##*/}
  number=${link#system-}
  number=${number%-link}
  toplevel=$(readlink "$generation")
  install "$entries/nixos-generation-$number.conf" <<ENTRY
title NixOS
version Generation $number $(basename "$toplevel")
sort-key nixos
options init=$toplevel/init $(cat "$root$toplevel/kernel-params")
ENTRY
  keep="$keep nixos-generation-$number.conf "
  # Two generations can be the same system; the one the profile points to is meant.
  if [ "$toplevel" = "$system" ] && { [ -z "$default" ] || [ "$link" = "$current" ]; }; then
    default=nixos-generation-$number.conf
  fi
done

if [ -z "$default" ]; then
  echo "No generation in $profiles is $system, so it cannot be booted by default. Next: nix-env --profile $profiles/system --set $system" >&2
  exit 1
fi

secrets=@lockedSecrets@
if [ -n "$secrets" ]; then "$root$secrets" "$root"; fi

install "$root/boot/loader/loader.conf" <<LOADER
timeout 5
default $default
LOADER

# Only now: the default never names an entry that is gone.
for entry in "$entries"/nixos-generation-*.conf; do
  case "$keep" in
  *" ${entry##*/} "*) ;;
  *) rm -f "$entry" ;;
  esac
done
sync -f "$root/boot"
