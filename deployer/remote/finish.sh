# shellcheck shell=sh disable=SC2154
# After a rotation, or a trial that was not kept or never began: give the lock back and drop the trial's roots and files.
# Document: id.
watched() {
  { [ -e "$trial_dir/guard" ] || [ -e "$trial_dir/host-key" ]; } && systemctl is-active --quiet "berth-guard-$doc_id.service"
}
# Begun, and nobody is left to judge it: its answer was lost, or whoever deploys was called off.
[ ! -e "$trial_dir/guard" ] || [ ! -e "$trial_dir/pending" ] || : >"$trial_dir/abandon"
# The guard reads its folder until it has seen the verdict.
tries=0
while watched && [ "$tries" -lt 50 ]; do
  tries=$((tries + 1))
  sleep 0.1
done
if watched; then refuse 'the guard is still on watch'; fi
end_trial
rm -rf "$trial_dir"
printf '{"ok":true}\n'
