# shellcheck shell=sh disable=SC2154
# Restart the services that run with other credentials than those that are stored, and start those that failed without them. A service
# that is no process itself, and whose parts hold its credentials, is reloaded: that replaces them.
# A service that was stopped stays stopped. Compared by content: a service that a switch has just restarted is not restarted again.
# Document: credential=<service> <NAME>...
# runs_with_stored UNIT SERVICE NAME
runs_with_stored() {
  running=/run/credentials/$1/$3
  [ -r "$running" ] && [ "$(digest <"$running")" = "$(stored_digest "$2" "$3")" ]
}
# Units that run the service, as far as they hold credentials: its own or, where it has no process, its parts'.
holders() {
  asked=$(systemctl show --property=MainPID --property=ConsistsOf "$1")
  case "
$asked
" in
    *"
MainPID=0
"*)
      for part in $(printf '%s\n' "$asked" | sed -n 's/^ConsistsOf=//p'); do
        if [ -d "/run/credentials/$part" ] && systemctl is-active --quiet "$part"; then echo "$part"; fi
      done
      ;;
  esac
}

restart='' start='' reload=''
while IFS=' ' read -r service name; do
  unit=$service.service
  if [ -z "$service" ]; then continue; fi
  case " $restart $start $reload " in *" $unit "*) continue ;; esac
  case $(systemctl show --property=ActiveState --value "$unit") in
    inactive | deactivating) ;;
    failed) start="$start $unit" ;;
    *)
      parts=$(holders "$unit")
      if [ -z "$parts" ]; then
        runs_with_stored "$unit" "$service" "$name" || restart="$restart $unit"
      else
        for part in $parts; do
          runs_with_stored "$part" "$service" "$name" && continue
          reload="$reload $unit"
          break
        done
      fi
      ;;
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
for unit in $reload; do
  systemctl reload -- "$unit" >&2 || refuse "$unit goes on with the credentials it had, as it could not be reloaded:
$(journalctl --unit="$unit" --boot --lines=15 --output=cat --no-pager 2>/dev/null)"
done
if [ -n "$restart$start" ]; then sleep 0.5; fi

done=''
for unit in $restart $start $reload; do
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
