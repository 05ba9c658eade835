#!/bin/sh
# The host's own hand on the key it shows to ssh. It is kept in the folder of a rotation and works without a deployer.
#   put FILE           puts a private key in the place of the one there is, and has sshd read it
#   watch FOLDER END   puts the old key back at END (seconds since boot), or when asked to, unless the new one was confirmed
# As with a release, files are renamed, never rewritten: pending -> confirmed, or -> rolling-back -> rolled-back.
set -eu
umask 077
PATH=/run/current-system/sw/bin:/run/wrappers/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C
uptime_s() { cut -d. -f1 /proc/uptime; }

put() {
  # A link leads to where keys outlive the root.
  key=$(readlink -f /etc/ssh/ssh_host_ed25519_key)
  ssh-keygen -y -f "$1" >"$key.pub.new"
  cat "$1" >"$key.new"
  chmod 644 "$key.pub.new"
  # Renamed into place: whenever sshd looks, it finds a whole key.
  mv -f "$key.pub.new" "$key.pub"
  mv -f "$key.new" "$key"
  for unit in sshd.service ssh.service; do
    # Started by a socket, sshd reads its key at every connection.
    if systemctl is-active --quiet "$unit"; then
      systemctl reload-or-restart "$unit"
      return
    fi
  done
}

watch() {
  while :; do
    [ -e "$1/confirmed" ] && exit 0
    [ -d "$1" ] || { echo 'the folder of the rotation is gone'; exit 1; }
    if [ -e "$1/abandon" ] || [ "$(uptime_s)" -ge "$2" ]; then
      mv "$1/pending" "$1/rolling-back" 2>/dev/null && break
    fi
    sleep 0.2
  done
  echo 'putting the old host key back'
  put "$1/old-key"
  mv "$1/rolling-back" "$1/rolled-back"
  # Whoever rotated may be gone; the next one need not wait for the lock to go stale.
  if [ "$(cat /run/berth/lock/id 2>/dev/null)" = "${1##*/}" ]; then echo 0 >/run/berth/lock/until || true; fi
  mkdir -p /var/lib/berth || true
  printf '%s put the old host key back\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >>/var/lib/berth/verdicts || true
}

verb=$1
shift
case $verb in
  put) put "$1" ;;
  watch) watch "$1" "$2" ;;
  *) exit 64 ;;
esac
exit 0
# This script is whole.
