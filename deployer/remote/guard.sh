#!/bin/sh
# The host's own way back: watches a trial from a service of its own and returns to the old system
# unless the deployer confirms in time. Arguments: trial folder, old toplevel, end of the trial (seconds since boot); or trial folder, old
# toplevel and "ways", to tell nothing but those, which it finds in the folder again when it returns.
# Its files are renamed, never rewritten: pending -> confirming -> confirmed, or -> rolling-back -> rolled-back, or -> called-off where
# nothing was switched.
# A failure to return ends non-zero, which reboots (FailureAction). Until a trial is being confirmed the boot default is the old system;
# from then on "before" names the one to restore.
set -eu
umask 077
trial=$1 old=$2 end=$3
id=${trial##*/}
PATH=$old/sw/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH LC_ALL=C
# Confirming writes the boot loader; it may take this long beyond the deadline.
grace=60
# now becomes the seconds since boot, by builtins alone: it is asked for as long as a trial lasts.
find_now() { read -r now _ </proc/uptime && now=${now%%.*}; }

# What has the way out, with its lasting addresses: a line each. Empty where there is no ip to tell.
ways() {
  { ip -o route show default || true; ip -o -6 route show default || true; ip -o address show up scope global || true; } 2>/dev/null | awk '
    $1 !~ /^[0-9]+:$/ { for (i = 1; i < NF; i++) if ($i == "dev" && !out[$(i + 1)]++) print $(i + 1); next }
    $2 in out && !/ (temporary|deprecated) / { print $2, $4 }'
}
if [ "$end" = ways ]; then
  ways
  exit 0
fi
# ways_are_back SECONDS: whether all of them are, by then.
ways_are_back() {
  find_now
  patience=$((now + $1))
  while :; do
    ways_now=$(ways)
    [ -n "$ways_before" ] || return 0
    if [ -n "$ways_now" ] && ! printf '%s\n' "$ways_before" | grep -qvxF "$ways_now"; then return 0; fi
    find_now
    [ "$now" -lt "$patience" ] || return 1
    sleep 0.5
  done
}

# Ended by a signal, systemd would take it for done; as a failure, it reboots.
trap 'exit 1' HUP INT TERM
was_confirming=''
# Nothing is switched before this is there; who waits for it is told.
: >"$trial/watching"
echo 1<>"$trial/ended"
while :; do
  # It is the last to read its folder.
  [ -e "$trial/confirmed" ] && { rm -rf "$trial" || true; exit 0; }
  [ ! -e "$trial/called-off" ] || exit 0
  [ -d "$trial" ] || { echo 'the trial folder is gone'; exit 1; }
  find_now
  if [ -e "$trial/abandon" ] || [ "$now" -ge "$end" ]; then
    mv "$trial/pending" "$trial/rolling-back" 2>/dev/null && break
    if [ -e "$trial/confirming" ] && { [ -e "$trial/abandon" ] || [ "$now" -ge "$((end + grace))" ]; }; then
      mv "$trial/confirming" "$trial/rolling-back" 2>/dev/null && was_confirming=1 && break
    fi
  fi
  sleep 0.5
done

echo "rolling back to $old"
ways_before=$(cat "$trial/ways" || true)
# Whatever the trial still runs must not race the way back.
systemctl kill --signal=KILL "berth-trial-$id.service" 2>/dev/null || true
mkdir -p /run/nixos
exec 9>>/run/nixos/switch-to-configuration.lock
# A boot loader that is being written is not cut off.
flock -w "${was_confirming:+1}30" 9 || { echo 'the switch lock stays taken'; exit 1; }
exec 9>&-
# Who was confirming it finds that it is taken back, and writes nothing more.
if [ -n "$was_confirming" ]; then
  exec 9>>/run/berth.deciding
  flock -w 130 9 || { echo 'the confirmation does not end'; exit 1; }
  exec 9>&-
fi
# A way back that hangs ends in the check below, and so in a reboot.
timeout -k 5 120 "$old/bin/switch-to-configuration" test 9>&- || echo "switch-to-configuration test ended with $?"
if [ -n "$was_confirming" ] && [ -s "$trial/before" ]; then
  before=$(cat "$trial/before")
  nix-env --profile /nix/var/nix/profiles/system --set "$before"
  timeout -k 5 120 "$before/bin/switch-to-configuration" boot
  rm -f /var/lib/berth/boot-unsettled || true
fi
# The ways in, as the old system has them and no others: a second ssh unit would take the first one's place.
for unit in systemd-networkd.service network-setup.service sshd.socket sshd.service; do
  if [ -e "$old/etc/systemd/system/$unit" ] && ! systemctl is-active --quiet "$unit"; then
    systemctl start --no-block "$unit" || true
  fi
done
# A switch brings back what its configuration says, not what was done beside it.
if ! ways_are_back 10; then
  echo "the network is not back; it was: $ways_before"
  printf '%s\n' "$ways_before" | while read -r device _; do ip link set "$device" up || true; done
  systemctl try-restart systemd-networkd.service network-setup.service || true
  ways_are_back 20 || { echo 'the network does not come back'; exit 1; }
fi
[ "$(readlink -f /run/current-system)" = "$old" ] || { echo 'the old system is not the current one'; exit 1; }
mv "$trial/rolling-back" "$trial/rolled-back"
# The host is back; what follows must not make a failure of it, not even on a full disk.
# Whoever deployed may be gone; the next one need not wait for the lock to go stale.
if [ "$(cat /run/berth/lock/id 2>/dev/null)" = "$id" ]; then echo 0 >/run/berth/lock/until || true; fi
mkdir -p /var/lib/berth || true
printf '%s rolled back to %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$old" >>/var/lib/berth/verdicts || true
exit 0
# The guard is whole.
