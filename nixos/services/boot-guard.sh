#!/bin/sh
# Watches a boot on trial from early on: unless it is confirmed in time, the host reboots into what the boot loader starts by default.
# The trial is a file; a confirmation moves it away, and so does this. Argument: the folder of Berth's state.
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
    rm -f "$unsettled"
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

if [ "$(readlink -f /run/booted-system)" != "$toplevel" ]; then
  # The boot on trial is over. Its file stays for the deployer to read; the boot default is this system already.
  echo "the boot of $toplevel ended here"
  [ "$(readlink -f "$profile")" = "$fallback" ] || nix-env --profile "$profile" --set "$fallback"
  exit 0
fi

end=$(($(uptime_s) + seconds))
echo "on trial for $seconds s; then back to $fallback"
while [ -e "$trial" ]; do
  if [ "$(uptime_s)" -ge "$end" ]; then
    mv "$trial" "$trial.expired" || continue
    sync
    echo "not confirmed in time: rebooting into $fallback"
    systemctl --no-block reboot
    # A system that cannot even shut down is not waited for.
    sleep 90
    systemctl reboot --force --force
  fi
  sleep 1
done
