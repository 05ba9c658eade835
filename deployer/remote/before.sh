# shellcheck shell=sh disable=SC2154
# Run the command line that goes before a switch, in a unit of its own: a connection that breaks does not cut it off.
# Document: id, toplevel (what will be switched to), seconds; after "---" the command line.
log=$berth_state/before.log
has_lock || refuse 'the lock was lost to another deployment'
if before_runs; then refuse "$what_runs"; fi
systemctl reset-failed berth-before.service 2>/dev/null || true

cat >"$trial_dir/command"
printf '' >"$log" || refuse "$log cannot be written"
code=0
systemd-run --quiet --wait --unit=berth-before.service --property=Type=exec --property=RuntimeMaxSec="$doc_seconds" --property=TimeoutStopSec=20 \
  --property=StandardOutput=append:"$log" --property=StandardError=append:"$log" --setenv=PATH="$doc_toplevel/sw/bin:$PATH" \
  --setenv=BERTH_NEW="$doc_toplevel" --setenv=BERTH_OLD="$(readlink -f /run/current-system)" \
  /bin/sh "$trial_dir/command" </dev/null >&2 || code=$?
result=$(systemctl show --property=Result --value berth-before.service)
systemctl reset-failed berth-before.service 2>/dev/null || true
if [ "$code" = 0 ]; then printf '{"ok":true}\n'; exit 0; fi
ended="ended with $code"
if [ "$result" = timeout ]; then ended="was ended after $doc_seconds s"; fi
refuse "$ended$(printf '\n'; tail -n 15 "$log")"
