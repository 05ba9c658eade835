#!/bin/sh
# Runs rescue.sh, as it would run in a rescue system, on devices that are files: the folder of the first argument, read as root.
# Prints what rescue.sh prints, then how its mounts are mounted, then whether a byte of a device has changed.
set -eu
folder=$1 scripts=$2
cd "$folder"
made=''
undo() {
  rmdir /run/berth-rescue 2>/dev/null || :
  for device in $made; do losetup --detach "$device"; done
}
trap undo EXIT
attach() {
  truncate -s "$2" "$1"
  device=$(losetup --find --show "$1")
  made="$made $device"
}

mkdir -p place
attach esp 16M && esp=$device
mkfs.ext4 -q -L ESP "$esp"
mount "$esp" place
mkdir -p place/loader/entries
echo 'default nixos-generation-3.conf' >place/loader/loader.conf
echo 'options init=/nix/store/new/init quiet' >place/loader/entries/nixos-generation-3.conf
umount place

attach root 160M && root=$device
mkfs.btrfs -q -L nixos "$root" >/dev/null
mount "$root" place
for subvolume in root nix; do btrfs -q subvolume create "place/$subvolume" >/dev/null; done
mkdir -p place/root/etc/berth place/root/var/lib/berth place/root/var/log/journal place/nix/var/nix/profiles
echo '{"stack":"prod","host":"web1","server":"4711"}' >place/root/etc/berth/install.json
printf 'rolled back \033[31mtwice\n' >place/root/var/lib/berth/verdicts
ln -s /nix/store/new place/nix/var/nix/profiles/system-3-link
ln -s system-3-link place/nix/var/nix/profiles/system
umount place

attach locked 16M
printf 'LUKS\272\276\0\001' | dd of=locked conv=notrunc 2>/dev/null

sync
before=$(cat esp root locked | sha256sum)
# The devices of this very machine are none of its business.
{
  cat "$scripts/lib.sh"
  echo "lsblk() { case \$1 in -nrpo) for device in $made; do echo \"\$device part\"; done ;; *) command lsblk \"\$@\" ;; esac; }"
  cat "$scripts/rescue.sh"
} >script
mkdir -p /run/berth-rescue
# shellcheck disable=SC2016
unshare --uts --mount sh -euc '
  hostname rescue
  mount -t tmpfs tmpfs /run/berth-rescue
  printf "id=\nseconds=1\n---\n" | sh script
  findmnt -nro TARGET,OPTIONS | grep "^/run/berth-rescue/mnt" | cut -d, -f1
'
[ "$before" = "$(cat esp root locked | sha256sum)" ] && echo 'not a byte changed'
