#!/bin/sh
# What an initrd does with a locked disk: network, an ssh server of its own, and a question that waits for the answer. Ends when that is
# right. Nothing is decrypted: the disk's header is a salted hash of the passphrase.
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

header=/.lab-luks
run=/run/initrd
uplink=/run/systemd/network/10-uplink.network

echo "<<< the lab's stand-in for an initrd: the disk is locked >>>"
mkdir -p "$run" /run/sshd
chmod 700 "$run"
(umask 077 && cp /boot/initrd-secrets/host_key /boot/initrd-secrets/authorized_keys "$run")

ip link set lo up
ip link set eth0 up
sed -n 's/^Address=//p' "$uplink" | while read -r address; do
  case $address in
  *:*) ip -6 address add "$address" dev eth0 nodad ;;
  *) ip address add "$address" dev eth0 ;;
  esac
done
sed -n 's/^Gateway=//p' "$uplink" | while read -r gateway; do
  case $gateway in
  *:*) ip -6 route add default via "$gateway" dev eth0 onlink ;;
  *) ip route add default via "$gateway" dev eth0 onlink ;;
  esac
done

/usr/sbin/sshd -D -e -f @sshd@ &

read -r salt digest <"$header"
opens() { [ "$(printf '%s%s' "$salt" "$1" | sha512sum | cut -d' ' -f1)" = "$digest" ]; }

until opens "$(systemd-ask-password --no-tty --timeout=0 --id=cryptsetup:root 'Please enter passphrase for disk root:')"; do
  echo "the passphrase is wrong" >&2
  sleep 1
done
: >"$run/mapped"
echo "the disk is open; the boot goes on"
# Whoever has unlocked it is told, as a rule.
sleep 2
kill -KILL -1
