# shellcheck shell=sh disable=SC2154
# Prepended to scripts that tell what the host is and runs now: `look` prints it as JSON. Changes nothing.
# With an id in the document it also tells how that trial stands; with look_closely=1 whether systemd is done with the boot, what it
# restarted by itself, and what the boot loader starts next.

# Units that have failed, a line each that begins with its name. A service that restarts for ever is never "failed".
failed_units() {
  systemctl list-units --all --plain --no-legend --full --state=failed --state=auto-restart --state=auto-restart-queued 2>/dev/null || true
}

# Restarts that systemd made by itself, by unit, as the inside of a JSON object.
restarts() {
  systemctl show '*.service' --property=Id --property=NRestarts 2>/dev/null | awk -F= '
    function flush() { if (id != "" && count > 0) { printf "%s\"%s\":%d", separator, id, count; separator = "," } id = ""; count = 0 }
    /^Id=/ { id = $2; gsub(/\\/, "&&", id) }
    /^NRestarts=/ { count = $2 }
    /^$/ { flush() }
    END { flush() }'
}

# Units whose last reload failed: they run on as they were, which is not what the release says.
failed_reloads() {
  systemctl show '*.service' --property=Id --property=ReloadResult 2>/dev/null | awk -F= '
    function flush() { if (result != "" && result != "success") print id; id = result = "" }
    /^Id=/ { id = $2 }
    /^ReloadResult=/ { result = $2 }
    /^$/ { flush() }
    END { flush() }'
}

# Asked where a switch has not ended well, which is how it tells of one.
switch_failed() {
  [ -n "$doc_id" ] && [ -s "$trial_dir/exit" ] || return 1
  first_line "$trial_dir/exit"
  [ "$first" != 0 ]
}

look() {
  units=$(failed_units)
  if switch_failed; then units=$(printf '%s\n%s\n' "$units" "$(failed_reloads)"); fi
  look_units='' looked_at=' '
  while read -r unit _; do
    case ${unit:+$looked_at} in '' | *" $unit "*) continue ;; esac
    looked_at="$looked_at$unit "
    look_units="$look_units${look_units:+,}{\"unit\":$(json_text "$unit"),\"journal\":$(journal_of "$unit")}"
  done <<EOF
$units
EOF

  # Asked at once: each program that is started here costs more than what it finds out.
  # shellcheck disable=SC2046 # Paths in the store have no blanks.
  set -- $(readlink -m /run/current-system /run/booted-system "$profile" \
    /run/booted-system/kernel /run/current-system/kernel /run/booted-system/initrd /run/current-system/initrd \
    /run/booted-system/kernel-modules /run/current-system/kernel-modules)
  # Printed piece by piece: what is put together by substitution starts a process each time.
  printf '{"os":'
  os_release ID
  printf ',"variant":'
  os_release VARIANT_ID
  find_machine
  printf ',"machine":"%s","bootId":' "$machine"
  json_file /proc/sys/kernel/random/boot_id
  for name in current:/run/current-system booted:/run/booted-system profile:"$profile"; do
    printf ',"%s":' "${name%%:*}"
    if [ -e "${name#*:}" ]; then json_text "$1"; else printf null; fi
    shift
  done
  # What was loaded at the boot and is another in the system that runs now. What both lack is no difference.
  reboot=''
  for part in kernel initrd kernel-modules; do
    [ "${1#/run/booted-system/}" = "${2#/run/current-system/}" ] || reboot="$reboot${reboot:+,}\"$part\""
    shift 2
  done
  printf ',"pendingReboot":[%s],"marker":' "$reboot"
  json_file /etc/berth/install.json
  printf ',"held":'
  json_file "$berth_state/held"

  state=none exit_code=null log='""'
  if [ -n "$doc_id" ]; then
    for name in pending confirming confirmed rolling-back rolled-back; do
      [ -e "$trial_dir/$name" ] && state=$name
    done
    if [ -s "$trial_dir/exit" ]; then
      first_line "$trial_dir/exit"
      exit_code=$first
    fi
    # Of interest where it did not end well.
    [ "$exit_code" != 0 ] && [ -r "$trial_dir/log" ] && log=$(tail -n 20 "$trial_dir/log" | json_string)
  fi
  printf ',"failed":[%s],"trial":{"state":"%s","exitCode":%s,"log":%s}' "$look_units" "$state" "$exit_code" "$log"
  if [ -n "${look_closely-}" ]; then
    printf ',"state":'
    json_text "$(systemctl is-system-running 2>/dev/null || true)"
    printf ',"restarts":{%s}' "$(restarts)"
    find_boots
    [ -z "$boots" ] || printf ',"boots":"%s"' "$boots"
  fi
  printf '}'
}
