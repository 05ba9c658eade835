# shellcheck shell=sh disable=SC2154
# The trial was found healthy from outside: make it the profile and the boot default, then disarm the guard.
# Document: id, toplevel.
# Written before anything is changed: from here on the guard restores it when it takes the trial back.
if [ -e "$profile" ]; then readlink -f "$profile" >"$trial_dir/before"; else : >"$trial_dir/before"; fi
mv "$trial_dir/pending" "$trial_dir/confirming" 2>/dev/null || refuse 'the guard had already begun to roll back'
give_back() {
  : >"$trial_dir/abandon"
  refuse "$1"
}
nix-env --profile "$profile" --set "$doc_toplevel" >&2 || give_back 'the system profile could not be set'
"$doc_toplevel/bin/switch-to-configuration" boot >&2 || give_back 'the boot loader could not be written'
mv "$trial_dir/confirming" "$trial_dir/confirmed" 2>/dev/null || give_back 'the guard took the trial back while it was being confirmed'
printf '%s confirmed %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$doc_toplevel" >>"$berth_state/verdicts" || true
printf '{"ok":true}\n'
