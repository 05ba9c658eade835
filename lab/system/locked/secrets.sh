#!/bin/sh
# Puts what the initrd needs on the boot partition, as NixOS appends secrets to an initrd. usage: secrets [ROOT]
set -eu
root=${1-}
to=$root/boot/initrd-secrets

mkdir -p "$to"
chmod 700 "$to"
put() {
  if [ ! -s "$root$1" ]; then
    echo "failed to create initrd secrets: $1 is not there" >&2
    exit 1
  fi
  rm -f "$to/$2.new"
  (umask 077 && cat "$root$1" >"$to/$2.new")
  mv -f "$to/$2.new" "$to/$2"
}
put '@hostKeyFile@' host_key
put '@authorizedKeysFile@' authorized_keys
sync -f "$to"
