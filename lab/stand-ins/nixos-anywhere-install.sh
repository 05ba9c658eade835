#!/bin/sh
# Runs in the installer: makes the copied closure bootable. Before this text: system (its path) and copy_host_keys (y or n).
# shellcheck disable=SC2154
set -eu
export PATH="$PATH:/run/current-system/sw/bin"

if [ ! -d /mnt/tmp ]; then
  mkdir -p /mnt/tmp
  chmod 777 /mnt/tmp
fi

if [ "$copy_host_keys" = y ]; then
  mkdir -p /mnt/etc/ssh
  chmod 755 /mnt/etc/ssh
  for key in /etc/ssh/ssh_host_*; do
    # What --extra-files brought stays.
    if [ -e "$key" ] && [ ! -e "/mnt$key" ]; then
      cp -a "$key" "/mnt$key"
    fi
  done
fi

nixos-install --no-root-passwd --no-channel-copy --system "$system"
