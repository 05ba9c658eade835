#!/bin/sh
# Wipes the machine's disk and lays it out anew: boot partition and root, mounted at /mnt. Like disko's own script it
# does not ask.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

disk=/run/lab/disk

if [ ! -d "$disk" ]; then
  echo "disko: there is no disk at $disk. It is there in the lab's installer only." >&2
  exit 1
fi

# Where the passphrase of an encrypted disk is; empty for one that is not.
key_file=@keyFile@
if [ -n "$key_file" ]; then
  if [ ! -s "$key_file" ]; then
    echo "disko: the disk is to be encrypted, and there is no passphrase in $key_file: give it with --disk-encryption-keys" >&2
    exit 1
  fi
  found=$(stat -c '%a %U' "$key_file")
  if [ "$found" != '600 root' ]; then
    echo "disko: $key_file is to be read by root alone (600 root), and is $found" >&2
    exit 1
  fi
fi

if mountpoint -q /mnt; then
  umount -R /mnt
fi

find "$disk" -mindepth 1 -maxdepth 1 -exec rm -rf {} +

mkdir "$disk/esp" "$disk/root"
chmod 755 "$disk/root"
chmod 700 "$disk/esp"

mkdir -p /mnt
mount --bind "$disk/root" /mnt
mkdir -p /mnt/boot
mount --bind "$disk/esp" /mnt/boot
if [ -n "$key_file" ]; then
  # In place of a LUKS header, which does not hold the passphrase either.
  salt=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  digest=$(printf '%s%s' "$salt" "$(cat "$key_file")" | sha512sum | cut -d' ' -f1)
  (umask 077 && echo "$salt $digest" >"$disk/root/.lab-luks")
fi
sync -f "$disk"
echo "disko: $disk is laid out: root at /mnt, boot partition at /mnt/boot"
