# shellcheck shell=sh
# Part of the firewall's start script, for hosts whose firewall is iptables. Safe to run again: rules are not added twice.

for tables in iptables ip6tables; do
  # Without a socket a packet belongs to nobody: the end of a connection that root has closed.
  if "$tables" -N metadata 2>/dev/null; then
    "$tables" -A metadata -m owner ! --socket-exists -j RETURN
    "$tables" -A metadata -m owner ! --uid-owner 0 -j REJECT
  fi
done

# Services on this host: their packets carry the user that owns the socket.
iptables -C OUTPUT -d 169.254.169.254 -j metadata 2>/dev/null || iptables -I OUTPUT -d 169.254.169.254 -j metadata
ip6tables -C OUTPUT -d fe80::a9fe:a9fe -j metadata 2>/dev/null || ip6tables -I OUTPUT -d fe80::a9fe:a9fe -j metadata

# Containers and virtual machines: whoever is root in there is nobody here. In mangle, because Docker puts its ACCEPTs before all
# that others have in filter.
iptables -t mangle -C FORWARD -d 169.254.169.254 -j DROP 2>/dev/null || iptables -t mangle -A FORWARD -d 169.254.169.254 -j DROP
