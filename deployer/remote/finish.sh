# shellcheck shell=sh disable=SC2154
# After a rotation, or a trial that was not kept or never began: give the lock back and drop the trial's roots and files.
# Document: id, text ("unanswered": it may still be on its way here, as nobody has heard of its preparation).
# What was sent along may be on its way here, or about to begin, or has, and nobody is left to judge it: its answer was lost, or whoever deploys
# was called off. It looks for these words once it is pending, and here it is looked for pending after them: one of the two sees the other.
if [ ! -e "$trial_dir/host-key" ]; then
  if [ -n "$doc_text" ]; then
    mkdir -p "$berth_run"
    : >"$berth_run/over-$doc_id"
  fi
  give_lock_back
  [ ! -d "$trial_dir" ] || echo >"$trial_dir/abandon" || true
fi
# The guard reads its folder until it has seen the verdict.
watched() {
  { [ -e "$trial_dir/guard" ] || [ -e "$trial_dir/host-key" ]; } || return 1
  [ -e "$trial_dir/pending" ] || [ -e "$trial_dir/rolling-back" ] || [ -e "$trial_dir/called-off" ] || guard_is_there "$doc_id"
}
tries=0
while watched && [ "$tries" -lt 150 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
if watched; then refuse 'the guard is still on watch'; fi
# What has not begun by now has its word to find.
if [ -d "$trial_dir" ]; then rm -f "$berth_run/over-$doc_id"; fi
end_trial
rm -rf "$trial_dir"
printf '{"ok":true}\n'
