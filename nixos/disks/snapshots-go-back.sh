#!/bin/sh
# usage: snapshots-go-back            lists the snapshots
#        snapshots-go-back SNAPSHOT   the next boot has the root of that snapshot
# What is replaced is kept as /snapshots/replaced-TIME. /nix and /var/log stay as they are.
set -eu

if [ $# -eq 0 ]; then
  ls /snapshots
  exit 0
fi

snapshot=$1
case $snapshot in
  '' | .* | */*) echo "snapshots-go-back: not the name of a snapshot: '$snapshot'" >&2; exit 2 ;;
esac
if ! btrfs subvolume show "/snapshots/$snapshot" >/dev/null; then
  echo "snapshots-go-back: there is no snapshot '$snapshot'; there are:" >&2
  ls /snapshots >&2
  exit 2
fi

# findmnt says "/dev/sda3[/root]".
device=$(findmnt --noheadings --output SOURCE /)
device=${device%%\[*}

top=$(mktemp -d)
trap 'umount "$top" && rmdir "$top"' EXIT
mount -t btrfs -o subvolid=5 "$device" "$top"

# Left behind where an earlier run was cut off; never mounted.
if [ -e "$top/root.next" ]; then btrfs subvolume delete "$top/root.next" >/dev/null; fi
btrfs subvolume snapshot "$top/snapshots/$snapshot" "$top/root.next" >/dev/null
# In one step: at no moment is there no root to boot from.
mv --exchange --no-target-directory "$top/root.next" "$top/root"
kept=replaced-$(date -u +%Y%m%dT%H%M%SZ)
mv "$top/root.next" "$top/snapshots/$kept"
sync

echo "the next boot has the root of $snapshot; what runs now is kept as /snapshots/$kept"
echo "reboot now: what is written until then goes to /snapshots/$kept"
