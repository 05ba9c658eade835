#!/bin/sh
# Stands in for systemd's bootctl, which asks the firmware by way of EFI variables: here the firmware is the lab's.
# usage: bootctl set-oneshot ENTRY; an empty one takes back what was asked for
set -eu
if [ "$#" != 2 ] || [ "$1" != set-oneshot ]; then
  echo 'usage: bootctl set-oneshot ENTRY (the one verb that the lab has)' >&2
  exit 64
fi
if [ -z "$2" ]; then
  rm -f /run/lab/firmware/oneshot
  sync -f /run/lab/firmware
  exit 0
fi
if [ ! -e "/boot/loader/entries/$2" ]; then
  echo "bootctl: /boot/loader/entries has no $2" >&2
  exit 1
fi
printf '%s\n' "$2" >/run/lab/firmware/oneshot
sync -f /run/lab/firmware/oneshot
