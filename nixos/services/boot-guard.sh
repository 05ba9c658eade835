#!/bin/sh
# Watches a boot on trial from early on: unless it is confirmed in time, the host reboots into what the boot loader starts by default.
# The trial is a file, and what becomes of it is its name: .kept while it is being kept, .expired once it is given up, by whomever. Whoever
# renames it may be cut off before all else: this sees to the rest. Argument: the folder of Berth's state.
set -eu
trial=$1/boot-trial
unsettled=$1/boot-unsettled
profile=/nix/var/nix/profiles/system
uptime_s() { cut -d. -f1 /proc/uptime; }

# The host went down between the profile and the boot loader. What was booted is the release that is left; the next one tries again
# what fails here.
if [ ! -e "$trial" ]; then
  [ -e "$unsettled" ] || exit 0
  booted=$(readlink -f /run/booted-system)
  echo "a release was being kept as the host went down: $booted is what it boots from now on"
  if { [ "$(readlink -f "$profile")" = "$booted" ] || nix-env --profile "$profile" --set "$booted"; } &&
    "$booted/bin/switch-to-configuration" boot; then
    rm -f "$unsettled" "$trial.expired" "$trial.kept"
  fi
  exit 0
fi
toplevel='' fallback='' seconds=0
while IFS='=' read -r key value; do
  case $key in
    toplevel) toplevel=$value ;;
    fallback) fallback=$value ;;
    seconds) seconds=$value ;;
  esac
done <"$trial"

# Without these nobody knows what is on trial, nor where it goes back to: no reason to reboot, and to find the same again.
if [ -z "$toplevel" ] || [ ! -e "$fallback" ]; then
  echo "$trial cannot be read"
  mv "$trial" "$trial.unreadable" || true
  exit 0
fi
case $seconds in '' | *[!0-9]*) seconds=0 ;; esac

if [ "$(readlink -f /run/booted-system)" != "$toplevel" ]; then
  # The boot on trial is over. Its file stays for the deployer to read; the boot default is this system already.
  echo "the boot of $toplevel ended here"
  # What fails here, the next release does.
  [ "$(readlink -f "$profile")" = "$fallback" ] || nix-env --profile "$profile" --set "$fallback" || echo 'its profile still names the other'
  exit 0
fi

# Ended by a signal, systemd would take it for done; as a failure, it reboots. A shutdown ends it that way.
ended() { case $(systemctl is-system-running 2>/dev/null || true) in stopping) exit 0 ;; *) exit 1 ;; esac; }
trap ended HUP INT TERM
go_back() {
  sync
  echo "$1: rebooting into $fallback"
  systemctl --no-block reboot
  # A system that cannot even shut down is not waited for.
  sleep 90
  systemctl reboot --force --force
}

end=$(($(uptime_s) + seconds))
# Keeping it writes the boot loader; it may take this long beyond the deadline.
grace=120
echo "on trial for $seconds s; then back to $fallback"
# A look between two renames may find none of its names.
gone=0
while [ "$gone" -lt 2 ]; do
  now=$(uptime_s)
  if [ -e "$trial.expired" ]; then
    # Whoever gave it up reboots, and has a moment to say so.
    sleep 10
    go_back 'given up'
  elif [ -e "$trial" ]; then
    gone=0
    if [ "$now" -ge "$end" ]; then
      # Where it cannot be renamed, the disk is one reason more.
      if mv "$trial" "$trial.expired" || [ -e "$trial" ]; then go_back 'not confirmed in time'; fi
    fi
  elif [ -e "$trial.kept" ]; then
    gone=0
    if [ "$now" -ge "$((end + grace))" ] && mv "$trial.kept" "$trial.expired"; then go_back 'never kept to the end'; fi
  else
    gone=$((gone + 1))
  fi
  sleep 1
done
