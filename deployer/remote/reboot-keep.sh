# shellcheck shell=sh disable=SC2154
# The boot was found healthy from outside: its system becomes the boot default. Asked again, where the answer was lost, it says what it said.
# Document: id, toplevel, text (the mark of a release by hand); after "---" the release's checks.
decide 120 || refuse "$undecided"
first_line "$berth_run.boot-kept"
if [ "$first" = "$doc_id" ]; then printf '{"ok":true}\n'; exit 0; fi
[ "$(boot_value id)" = "$doc_id" ] || refuse 'the boot is no longer on trial: the host has decided by itself'
[ "$(booted)" = "$doc_toplevel" ] || refuse "the host has booted $(booted)"
# Stays if this dies before the boot loader is written: see adopt.sh.
echo >"$berth_state/boot-unsettled" || refuse "$berth_state cannot be written"
mv "$boot_trial" "$boot_trial.kept" 2>/dev/null || refuse 'the guard had already begun to return'
if ! boot_default "$doc_toplevel"; then
  mv "$boot_trial.kept" "$boot_trial"
  refuse 'the boot loader could not be written'
fi
echo "$doc_id" >"$berth_run.boot-kept" || true
keep_marks || echo 'its checks could not be kept' >&2
rm -f "$berth_state/boot-unsettled" "$boot_trial.kept"
printf '%s booted %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$doc_toplevel" >>"$berth_state/verdicts" || true
printf '{"ok":true}\n'
