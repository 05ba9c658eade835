# shellcheck shell=sh disable=SC2154
# What the host is and runs now. Changes nothing.
# Document: id (optional: also tell how that trial stands).
# A service that restarts for ever is never "failed".
failed_units() {
  systemctl list-units --all --plain --no-legend --full --state=failed --state=auto-restart --state=auto-restart-queued 2>/dev/null |
    awk '{print $1}'
}
units=''
for unit in $(failed_units); do
  journal=$(journalctl --unit="$unit" --boot --lines=15 --output=cat --no-pager 2>/dev/null | json_string)
  units="$units${units:+,}{\"unit\":$(json_text "$unit"),\"journal\":${journal:-\"\"}}"
done
marker=null
[ -r /etc/berth/install.json ] && marker=$(json_string </etc/berth/install.json)
os=$(sed -n 's/^ID=//p' /etc/os-release | tr -d '"')
variant=$(sed -n 's/^VARIANT_ID=//p' /etc/os-release | tr -d '"')

# What was loaded at the boot and is another in the system that runs now.
pending=''
for part in kernel initrd kernel-modules; do
  [ "$(readlink -f "/run/booted-system/$part")" = "$(readlink -f "/run/current-system/$part")" ] ||
    pending="$pending${pending:+,}\"$part\""
done

state=none exit_code=null log='""'
if [ -n "$doc_id" ]; then
  for name in pending confirming confirmed rolling-back rolled-back; do
    [ -e "$trial_dir/$name" ] && state=$name
  done
  [ -s "$trial_dir/exit" ] && exit_code=$(cat "$trial_dir/exit")
  [ -r "$trial_dir/log" ] && log=$(tail -n 20 "$trial_dir/log" | json_string)
fi
printf '{"os":%s,"variant":%s,"machine":%s,"bootId":%s,"current":%s,"booted":%s,"profile":%s,"pendingReboot":[%s],"marker":%s,"failed":[%s],"trial":{"state":"%s","exitCode":%s,"log":%s}}\n' \
  "$(json_text "$os")" "$(json_text "$variant")" "$(uname -m | json_string)" "$(json_string </proc/sys/kernel/random/boot_id)" \
  "$(json_link /run/current-system)" "$(json_link /run/booted-system)" "$(json_link "$profile")" "$pending" "$marker" "$units" "$state" "$exit_code" "$log"
