# shellcheck shell=sh disable=SC2154
# After the verdict: give the lock back and drop the trial's roots; the profile's generations root what is kept.
# Document: id.
# The guard reads its folder until it has seen the verdict.
tries=0
while systemctl is-active --quiet "berth-guard-$doc_id.service" && [ "$tries" -lt 50 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
if systemctl is-active --quiet "berth-guard-$doc_id.service"; then refuse 'the guard is still on watch'; fi
if [ "$(cat "$berth_run/lock/id" 2>/dev/null)" = "$doc_id" ]; then rm -rf "$berth_run/lock"; fi
rm -f "$berth_roots/new-$doc_id" "$berth_roots/old-$doc_id" "$berth_roots/booted-$doc_id"
rm -rf "$trial_dir"
printf '{"ok":true}\n'
