#!/bin/sh
# Shows a disk to the machine it runs in. Arguments: path of the device, major and minor number.
set -eu

mkdir -p "${1%/*}"
rm -f -- "$1"
mknod -m 660 -- "$1" b "$2" "$3"
