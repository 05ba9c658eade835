# shellcheck shell=sh disable=SC2154
# Arm the guard and switch to the new system on trial, where the host has not done so as it was prepared. Waits for the switch to end and
# answers with a look at the host where it has not ended well, but nothing depends on this wait.
# Document: id, toplevel, seconds (until the guard rolls back), bytes (of the guard's script, which comes after "---"); or text ("armed": it was
# sent unasked, behind a preparation).
if [ -z "$doc_text" ]; then
  has_lock || refuse 'the lock was lost to another deployment'
  arm "$(readlink -f "$berth_roots/old-$doc_id")" "$doc_seconds"
  begin
elif [ -e "$trial_dir/armed" ]; then
  if [ -s "$trial_dir/not-begun" ]; then cat "$trial_dir/not-begun"; exit 0; fi
  listen
else
  printf '{"ok":true,"begun":false}\n'
  exit 0
fi

# Looked at now and then as well: a guard that ends the trial does not say so.
while [ ! -s "$trial_dir/exit" ] && [ -e "$trial_dir/pending" ]; do heard; done
first_line "$trial_dir/exit"
if [ "$first" = 0 ] && [ -e "$trial_dir/pending" ]; then
  printf '{"ok":true,"well":true}\n'
else
  printf '{"ok":true,"well":false,"seen":%s}\n' "$(look)"
fi
