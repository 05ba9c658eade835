# shellcheck shell=sh disable=SC2154
# Ask the guard to roll back now, and wait until it says that it has.
# Document: id, seconds (to wait).
printf '' >"$trial_dir/abandon"
find_now
end=$((now + doc_seconds))
# With a guard that is gone, a reboot is the way back; as systemd has it of one that fails.
if [ -e "$trial_dir/go" ] && ! guard_is_there "$doc_id" && [ ! -e "$trial_dir/rolled-back" ] && [ ! -e "$trial_dir/confirmed" ]; then
  systemctl --no-block reboot || true
  refuse 'its guard is gone: it reboots now, and so returns to what ran before'
fi
while [ ! -e "$trial_dir/rolled-back" ] && [ ! -e "$trial_dir/called-off" ]; do
  find_now
  [ "$now" -lt "$end" ] || refuse "the guard has not said that it rolled back: $(tail -n 3 "$trial_dir/guard.log" 2>/dev/null)"
  sleep 0.1
done
printf '{"ok":true}\n'
