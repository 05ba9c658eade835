#!/bin/sh
# Takes a disk out of the machine it runs in. Arguments: path of the device, its numbers as "7:3", and "force" to let go
# of what is still open. Exit 75: it is mounted and in use, and nothing was forced.
set -eu

awk -v numbers="$2" '$3 == numbers { print $5 }' /proc/self/mountinfo | sort -r | while read -r place; do
  # The kernel writes blanks and the like as \040.
  place=$(printf '%b' "$place")
  umount -- "$place" 2>/dev/null && continue
  [ "${3-}" = force ] || exit 75
  umount --lazy -- "$place"
done
# Present since the boot, the device is a mount itself.
umount -- "$1" 2>/dev/null || :
rm -f -- "$1"
