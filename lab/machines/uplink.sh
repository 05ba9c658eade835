#!/bin/sh
# Read by the scripts that begin a machine or a service: network cards from the lab's namespace into the one they run in.
#   NETNS     path of the lab's network namespace;  BRIDGE, PORT, MAC: where and as what the network card is plugged in
set -eu

inLab() { nsenter --net="$NETNS" "$@"; }

# plug PORT BRIDGE NAME MAC: a card NAME here whose other end is that port of a bridge of the lab's.
plug() {
  # The port of one that was cut off may linger until the kernel has taken its namespace apart.
  inLab ip link delete "$1" 2>/dev/null || :
  inLab ip link add "$1" type veth peer name "$3" address "$4" netns $$
  inLab ip link set "$1" master "$2" addrgenmode none
}

# The public card, which meets its neighbours on the way through the lab alone.
plugPublic() {
  plug "$PORT" "$BRIDGE" eth0 "$MAC"
  inLab ip link set "$PORT" type bridge_slave isolated on
  inLab ip link set "$PORT" up
}
