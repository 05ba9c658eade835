#!/bin/sh
# Boots one machine: PID 1 of fresh mount, PID and network namespaces, so that everything made here (mounts, network card,
# processes) ends with it. Current folder: the machine's. Arguments: the command line of systemd-nspawn.
#   CGROUPS   folders of the machine's cgroup
#   NETNS     path of the lab's network namespace;  BRIDGE, PORT, MAC: where and as what the network card is plugged in
#   CARDS     private network cards, one a line: name in the machine, port, bridge, MAC
#   LOWER     layers of the root, top first, colon-separated, relative
#   UPPER     folder that takes the root's writes, relative; empty: they are thrown away
set -eu

for group in $CGROUPS; do echo 0 >"$group/cgroup.procs"; done

inLab() { nsenter --net="$NETNS" "$@"; }
# The port of a boot that was cut off may linger until the kernel has taken its namespace apart.
inLab ip link delete "$PORT" 2>/dev/null || :
inLab ip link add "$PORT" type veth peer name eth0 address "$MAC" netns $$
inLab ip link set "$PORT" master "$BRIDGE" addrgenmode none
inLab ip link set "$PORT" type bridge_slave isolated on
inLab ip link set "$PORT" up

if [ -n "$CARDS" ]; then
  printf '%s\n' "$CARDS" | while read -r name plug network address; do
    inLab ip link delete "$plug" 2>/dev/null || :
    inLab ip link add "$plug" type veth peer name "$name" address "$address" netns $$
    inLab ip link set "$plug" master "$network" addrgenmode none up
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
