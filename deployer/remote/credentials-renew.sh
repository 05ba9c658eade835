# shellcheck shell=sh disable=SC2154
# Restart the services that run with other credentials than those that are stored, and start those that failed without them.
# A service that was stopped stays stopped. Compared by content: a service that a switch has just restarted is not restarted again.
# Document: credential=<service> <NAME>...
runs_with_stored() {
  running=/run/credentials/$1.service/$2
  [ -r "$running" ] && [ "$(digest <"$running")" = "$(stored_digest "$1" "$2")" ]
}

restart='' start=''
while IFS=' ' read -r service name; do
  unit=$service.service
  if [ -z "$service" ]; then continue; fi
  case " $restart $start " in *" $unit "*) continue ;; esac
  case $(systemctl show --property=ActiveState --value "$unit") in
    inactive | deactivating) ;;
    failed) start="$start $unit" ;;
    *) runs_with_stored "$service" "$name" || restart="$restart $unit" ;;
  esac
done <<LIST
$doc_credentials
LIST

# shellcheck disable=SC2086 # Unit names have no spaces; each is an argument.
if [ -n "$restart" ]; then systemctl try-restart -- $restart >&2 || true; fi
# shellcheck disable=SC2086
if [ -n "$start" ]; then
  systemctl reset-failed -- $start >&2 || true
  systemctl start -- $start >&2 || true
fi
if [ -n "$restart$start" ]; then sleep 0.5; fi

done=''
for unit in $restart $start; do
  state=$(systemctl show --property=ActiveState --property=SubState --value "$unit" | paste -sd ' ')
  case $state in
    failed* | *auto-restart*)
      refuse "$unit does not run with its credentials ($state):
$(journalctl --unit="$unit" --boot --lines=15 --output=cat --no-pager 2>/dev/null)"
      ;;
  esac
  done="$done${done:+,}$(json_text "$unit")"
done
printf '{"ok":true,"restarted":[%s]}\n' "$done"
