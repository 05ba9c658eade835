#!/bin/sh
# usage: addresses.sh METADATA-URL NETWORKD-FOLDER
# Writes a .network file for the public interface with the static addresses that DHCP does not give, and sets the host name.
# Safe to run again: says nothing to networkd when nothing has changed.
set -eu

url=$1
folder=$2
file=$folder/05-public.network

metadata=$(curl --fail --silent --show-error --max-time 5 --retry 20 --retry-delay 2 --retry-all-errors "$url")

# Values of one key in the network-config, in order, without quotes or list dashes.
values() {
  printf '%s\n' "$metadata" | sed -n "s/^[[:space:]-]*$1:[[:space:]]*//p" | sed "s/[\"']//g; s/[[:space:]]*\$//"
}

name=$(values hostname | sed -n 1p)
case $name in
  '' | *[!a-zA-Z0-9.-]*) echo "metadata service: no usable host name: '$name'" >&2 ;;
  *) hostnamectl hostname --transient "$name" ;;
esac

mac=$(values mac_address | sed -n 1p)
address=$(values address | sed -n '/^[0-9a-fA-F:]*:[0-9a-fA-F:]*\/[0-9][0-9]*$/p')
gateway=$(values gateway | sed -n '/^[0-9a-fA-F:]*:[0-9a-fA-F:]*$/p' | sed -n 1p)

if [ -z "$address" ]; then
  echo "metadata service: the server has no IPv6 address; IPv4 by DHCP is all there is"
  exit 0
fi
case $mac in
  ??:??:??:??:??:??) ;;
  *) echo "metadata service: no MAC address beside the IPv6 address: '$mac'" >&2; exit 1 ;;
esac

wanted=$(
  printf '[Match]\nMACAddress=%s\n\n[Network]\nDHCP=ipv4\nIPv6AcceptRA=no\n' "$mac"
  printf '%s\n' "$address" | sed 's/^/Address=/'
  printf '\n[Route]\nGateway=%s\nGatewayOnLink=yes\n' "${gateway:-fe80::1}"
)

if [ -r "$file" ] && [ "$(cat "$file")" = "$wanted" ]; then
  exit 0
fi
mkdir -p "$folder"
printf '%s\n' "$wanted" >"$file.new"
chmod 0644 "$file.new"
mv "$file.new" "$file"
networkctl reload
