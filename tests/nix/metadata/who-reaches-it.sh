#!/bin/sh
# usage: unshare --net sh who-reaches-it.sh RULES     with RULES a file of the profile, .nft or .sh
# Three network namespaces: this one is the host, behind it the cloud's metadata service, before it a container.
# Prints who gets an answer without the rules and with them, a line each. Root's.
set -eu
rules=$1

# Nothing in the background keeps this script's output open.
unshare --net sleep 120 >/dev/null 2>&1 &
cloud=$!
unshare --net sleep 120 >/dev/null 2>&1 &
container=$!
trap 'kill "$cloud" "$container" $server 2>/dev/null' EXIT
server=''

inside() { pid=$1; shift; nsenter --target "$pid" --net -- "$@"; }
# The namespaces are there once their links differ from ours.
for pid in "$cloud" "$container"; do
  while [ "$(readlink "/proc/$pid/ns/net")" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
done

ip link set lo up
ip link add uplink type veth peer name eth0 netns "$cloud"
ip link add guest type veth peer name eth0 netns "$container"
ip address add 192.0.2.1/32 dev uplink
ip address add 198.51.100.1/24 dev guest
echo 0 >/proc/sys/net/ipv6/conf/uplink/accept_dad
ip link set uplink up
ip link set guest up
ip route add 169.254.169.254/32 dev uplink
echo 1 >/proc/sys/net/ipv4/ip_forward

inside "$cloud" ip link set lo up
inside "$cloud" ip address add 169.254.169.254/32 dev eth0
inside "$cloud" ip link set eth0 up
inside "$cloud" ip address add fe80::a9fe:a9fe/64 dev eth0 nodad
inside "$cloud" ip route add default via 192.0.2.1 dev eth0 onlink
inside "$container" ip address add 198.51.100.2/24 dev eth0
inside "$container" ip link set eth0 up
inside "$container" ip route add default via 198.51.100.1

nsenter --target "$cloud" --net -- \
  node -e 'require("node:http").createServer((_, answer) => answer.end("user data\n")).listen(80, "::")' >/dev/null 2>&1 &
server=$!

as_root() { curl --silent --output /dev/null --max-time 2 --noproxy '*' "http://$1/"; }
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups curl --silent --output /dev/null --max-time 2 --noproxy '*' "http://$1/"; }
in_container() { inside "$container" curl --silent --output /dev/null --max-time 2 --noproxy '*' "http://$1/"; }
asked() { if "$@"; then echo reaches; else echo "does not reach"; fi; }

tries=100
until as_root 169.254.169.254; do
  tries=$((tries - 1))
  if [ "$tries" -eq 0 ]; then echo "the metadata service does not answer at all" >&2; exit 1; fi
  sleep 0.1
done

report() {
  echo "$1: root $(asked as_root 169.254.169.254) it"
  echo "$1: root $(asked as_root '[fe80::a9fe:a9fe%25uplink]') it by IPv6"
  echo "$1: a service $(asked as_nobody 169.254.169.254) it"
  echo "$1: a service $(asked as_nobody '[fe80::a9fe:a9fe%25uplink]') it by IPv6"
  echo "$1: a container $(asked in_container 169.254.169.254) it"
}

load() {
  case $rules in
    *.nft)
      nft -f - <<NFT
table inet metadata
delete table inet metadata
table inet metadata {
$(cat "$rules")
}
NFT
      ;;
    *)
      # As in NixOS' firewall script, which ends at the first command that fails.
      iptables() { command iptables -w "$@"; }
      ip6tables() { command ip6tables -w "$@"; }
      # shellcheck disable=SC1090
      . "$rules"
      ;;
  esac
}

report open
load
load
report denied
