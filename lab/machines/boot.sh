#!/bin/sh
# Boots one machine: PID 1 of fresh mount, PID and network namespaces, so that everything made here (mounts, network card,
# processes) ends with it. Current folder: the machine's. Arguments: the command line of systemd-nspawn.
#   CGROUPS   folders of the machine's cgroup
#   NETNS     path of the lab's network namespace;  BRIDGE, PORT, MAC: where and as what the network card is plugged in
#   CARDS     private network cards, one a line: name in the machine, port, bridge, MAC
#   LOWER     layers of the root, top first, colon-separated, relative
#   UPPER     folder that takes the root's writes, relative; empty: they are thrown away
set -eu
# shellcheck source=lab/machines/uplink.sh
. "$(dirname "$0")/uplink.sh"

for group in $CGROUPS; do echo 0 >"$group/cgroup.procs"; done

plugPublic

if [ -n "$CARDS" ]; then
  printf '%s\n' "$CARDS" | while read -r name port network address; do
    plug "$port" "$network" "$name" "$address"
    inLab ip link set "$port" up
  done
fi

# systemd-nspawn finds the cards in a /sys of this network namespace; read-only says that no udev names them.
mkdir -p work/cgroup work/root
mount --rbind /sys/fs/cgroup work/cgroup
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs /sys
mount --rbind work/cgroup /sys/fs/cgroup
umount -l work/cgroup

# Its notes about running machines, which a cut power would leave behind.
mkdir -p /run/systemd/nspawn
mount -t tmpfs -o mode=755 tmpfs /run/systemd/nspawn

if [ -n "$UPPER" ]; then
  upper=$UPPER
  work=work/overlay
else
  mkdir -p work/memory
  mount -t tmpfs -o mode=700 tmpfs work/memory
  upper=work/memory/upper
  work=work/memory/overlay
  mkdir -p "$upper"
fi
rm -rf "$work"
mkdir -p "$work"
mount -t overlay overlay -o "lowerdir=$LOWER,upperdir=$upper,workdir=$work" work/root || {
  echo "boot: this file system cannot hold a machine's disk (overlay upper layer): $(stat -f -c %T .) at $(pwd)" >&2
  exit 70
}

exec systemd-nspawn "$@"
