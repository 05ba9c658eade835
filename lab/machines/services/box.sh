#!/bin/sh
# Runs one of the lab's services: PID 1 of fresh mount, PID and network namespaces, so that everything made here (mounts,
# network card, processes) ends with it. Arguments: the program and its arguments, as the image names them.
#   CGROUPS   folders of the service's cgroup
#   NETNS     path of the lab's network namespace;  BRIDGE, PORT, MAC: where and as what the network card is plugged in
#   ADDRESSES its addresses;  ROUTES: what the lab routes to it, all in CIDR form;  GATEWAY4, GATEWAY6
#   IMAGE     the base image's root, which is only read
#   FOLDER    the service's folder: data/ appears as /run/lab
#   OWNER     user of the image who may write in /run/service
set -eu
# shellcheck source=lab/machines/uplink.sh
. "$(dirname "$0")/../uplink.sh"

for group in $CGROUPS; do echo 0 >"$group/cgroup.procs"; done

plugPublic
for route in $ROUTES; do inLab ip route replace "$route" dev "$BRIDGE"; done

ip link set lo up
# Nobody else can have the addresses, and a check would hold IPv6 back for a second.
sysctl -q -w net.ipv6.conf.eth0.disable_ipv6=0 net.ipv6.conf.eth0.accept_ra=0 net.ipv6.conf.eth0.accept_dad=0
ip link set eth0 up
for address in $ADDRESSES; do
  ip addr add "$address" dev eth0
  case "$address" in
  *:*) ip -6 route replace default via "$GATEWAY6" dev eth0 ;;
  *)
    ip route replace "$GATEWAY4" dev eth0
    ip route replace default via "$GATEWAY4" dev eth0
    ;;
  esac
done

root=$FOLDER/root
mkdir -p "$root" "$FOLDER/data"
mount --bind "$IMAGE" "$root"
mount -o remount,bind,ro "$root"
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mkdir "$root/run/lab"
mount --bind "$FOLDER/data" "$root/run/lab"
chroot "$root" install -d -m 0755 -o "$OWNER" /run/service

cd "$root"
# A program that becomes another user loses the signal to end with its starter; root's shell, as the first process, keeps it.
# shellcheck disable=SC2016 # The inner shell's words.
exec chroot "$root" sh -c '"$@" & wait "$!"' sh "$@"
