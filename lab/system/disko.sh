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
sync -f "$disk"
echo "disko: $disk is laid out: root at /mnt, boot partition at /mnt/boot"
