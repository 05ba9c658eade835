#!/bin/sh
# Makes the running system, the boot default, or both, this system. The actions and exit codes are NixOS's:
# 0 done, 1 usage or the boot loader failed, 2 activation failed (the switch went on), 4 a job failed or a unit is
# failed, 11 another switch holds the lock, 100 the new system needs a reboot (nothing was activated).
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH

out=@out@
tree=/etc/systemd/system
action=${1-}

usage() {
  cat >&2 <<USAGE
Usage: switch-to-configuration [check|switch|boot|test|dry-activate]
check:        run pre-switch checks and exit
switch:       make the configuration the boot default and activate now
boot:         make the configuration the boot default
test:         activate the configuration, but don't make it the boot default
dry-activate: show what would be done if this configuration were activated
USAGE
  exit 1
}

case "$action" in
check | switch | boot | test | dry-activate) ;;
*) usage ;;
esac

if [ "$(id -u)" != 0 ]; then
  echo "switch-to-configuration $action: only root can switch the system" >&2
  exit 1
fi
if [ ! -e /etc/NIXOS ]; then
  echo "This is not a NixOS installation (no /etc/NIXOS)!" >&2
  exit 1
fi

mkdir -p /run/nixos
exec 9>/run/nixos/switch-to-configuration.lock
if ! flock --nonblock 9; then
  echo "Could not acquire lock: another switch-to-configuration is running" >&2
  exit 11
fi

if [ "$(cat "$out/system")" != "$(uname -m)-linux" ]; then
  echo "This system is for $(cat "$out/system"), the machine is $(uname -m)-linux." >&2
  exit 1
fi
[ "$action" != check ] || exit 0

case "$action" in
switch | boot)
  "$out/bin/install-boot-loader" || exit 1
  ;;
esac
[ "$action" != boot ] || exit 0

interface=/run/current-system/init-interface-version
if [ -e "$interface" ] && [ "$(cat "$interface")" != "$(cat "$out/init-interface-version")" ]; then
  echo "Warning: the new NixOS configuration has an 'init' that is incompatible with the current configuration." >&2
  echo "The new configuration won't take effect until you reboot the system." >&2
  exit 100
fi

activeUnits() {
  systemctl list-units --all --plain --no-legend --no-pager | awk '$3 == "active" || $3 == "activating" { print $1 }'
}

plan=$(activeUnits | sh "$out/lib/changes.sh" "$tree" "$out/etc/systemd/system")

# The units of one verb, on one line; "" when there are none.
planned() {
  printf '%s\n' "$plan" | awk -v verb="$1" '$1 == verb { printf "%s%s", separator, $2; separator = " " }'
}

# tell WORDS UNITS
tell() {
  [ -z "$2" ] || echo "$1 the following units: $(echo "$2" | sed 's/ /, /g')" >&2
}

if [ "$action" = dry-activate ]; then
  tell "would stop" "$(planned stop)"
  tell "would NOT restart" "$(planned skip)"
  echo "would activate the configuration..." >&2
  tell "would reload" "$(planned reload)"
  tell "would restart" "$(planned restart)"
  tell "would start" "$(planned start)"
  exit 0
fi

result=0

# job VERB UNITS: one systemctl call, so that systemd orders the jobs.
job() {
  [ -n "$2" ] || return 0
  # shellcheck disable=SC2086 # Unit names have no spaces; each is an argument.
  systemctl "$1" -- $2 || {
    echo "Failed to $1 $2" >&2
    result=4
  }
}

stop=$(planned stop)
tell stopping "$stop"
job stop "$stop"
tell "NOT restarting" "$(planned skip)"

# A failure from before this switch is not this switch's.
systemctl reset-failed

echo "activating the configuration..." >&2
NIXOS_ACTION=$action "$out/activate" || result=2

systemctl daemon-reload

# What no longer runs, as what it needs was stopped, is started instead.
reload='' instead=''
for unit in $(planned reload); do
  if systemctl is-active --quiet "$unit"; then reload="$reload${reload:+ }$unit"; else instead="$instead${instead:+ }$unit"; fi
done
tell reloading "$reload"
job reload "$reload"

restart=$(planned restart)
tell restarting "$restart"
job restart "$restart"

start=$(printf '%s %s' "$(planned start)" "$instead" | sed 's/^ *//; s/ *$//')
tell starting "$start"
# The targets pull in what this system adds.
job start "$start sockets.target timers.target multi-user.target"

failedUnits() {
  systemctl list-units --all --plain --no-legend --no-pager --state=failed | awk '{ print $1 }'
  systemctl list-units --all --plain --no-legend --no-pager --state=auto-restart,auto-restart-queued | awk '{ print $1 }' |
    while IFS= read -r unit; do
      [ "$(systemctl show --property=ExecMainStatus --value "$unit")" = 0 ] || echo "$unit"
    done
  # A unit that crashes soon after its start is often up at the moment one looks.
  for unit in $stop $restart $start; do
    case "$(systemctl show --property=NRestarts --value "$unit")" in
    0 | "") ;;
    *) echo "$unit" ;;
    esac
  done
}

if [ -n "$restart$start$reload" ]; then
  sleep 0.5
fi
failed=$(failedUnits | sort -u)
if [ -n "$failed" ]; then
  echo "warning: the following units failed: $(echo "$failed" | paste -sd ' ' | sed 's/ /, /g')" >&2
  # shellcheck disable=SC2086 # Unit names have no spaces; each is an argument.
  systemctl status --no-pager --full -- $failed >&2 || true
  result=4
fi
exit "$result"
