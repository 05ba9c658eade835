#!/bin/sh
# Makes a file system in a file, with the tools of the lab's image, so that this machine needs none. Runs in a mount
# namespace of its own. Arguments: root of the image, folder of the file, its name in there, ext4 or xfs.
set -eu

mount --bind "$2" "$1/mnt"
case "$4" in
ext4) exec chroot "$1" /usr/sbin/mkfs.ext4 -q -F "/mnt/$3" ;;
xfs) exec chroot "$1" /usr/sbin/mkfs.xfs -q -f "/mnt/$3" ;;
esac
echo "$4 is no file system known here" >&2
exit 64
