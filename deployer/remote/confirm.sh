# shellcheck shell=sh disable=SC2154
# The trial was found healthy from outside: make it the profile and the boot default, then disarm the guard and clean up.
# Document: id, toplevel, keep (generations of the profile that stay; all of them when it is empty), text (what is held back from now on:
# the mark of a release by hand; empty for any other, which ends what was held), boot (keep nothing unless the host is on this boot and
# plainly well; empty where that was judged already). After "---": the release's checks.
# Answers with a look at the host before it was kept.
seen=$(look)
if [ -n "$doc_boot" ]; then
  case $seen in
    *"\"bootId\":\"$doc_boot\",\"current\":\"$doc_toplevel\","*'"failed":[],"trial":{"state":"pending","exitCode":0,'*) ;;
    *) printf '{"ok":true,"kept":false,"seen":%s}\n' "$seen"; exit 0 ;;
  esac
fi
# The guard waits for this, too, before it undoes what it has taken back.
decide 30 || refuse "$undecided"
# Written before anything is changed: from here on the guard restores it when it takes the trial back.
before=''
[ ! -e "$profile" ] || before=$(readlink -f "$profile")
printf '%s' "$before" >"$trial_dir/before"
mv "$trial_dir/pending" "$trial_dir/confirming" 2>/dev/null || refuse 'the guard had already begun to roll back'
give_back() {
  printf '' >"$trial_dir/abandon"
  refuse "$1"
}
# Between what takes time: the rest would only have to be undone.
still_ours() { [ -e "$trial_dir/confirming" ] || refuse 'the guard took the trial back while it was being confirmed'; }
# All but the newest; whatever else, what runs, what was booted and what the guard may return to stay.
forget_generations() {
  [ -n "$doc_keep" ] || return 0
  # shellcheck disable=SC2046 # Their paths have no blanks.
  set -- $(printf '%s\n' "$profile"-*-link | sort -rV)
  [ $# -gt "$doc_keep" ] || return 0
  shift "$doc_keep"
  for link in "$@"; do
    shift
    # shellcheck disable=SC3013 # In POSIX since 2024; dash and bash have it.
    for spared in "$doc_toplevel" "$before" /run/booted-system /run/current-system; do
      if [ "$link" -ef "$spared" ]; then continue 2; fi
    done
    set -- "$@" "$link"
  done
  # As nix-env would, in a fiftieth of the time.
  [ $# = 0 ] || rm -f "$@"
}
# Stays if this dies before the boot loader is written: see adopt.sh.
echo >"$berth_state/boot-unsettled" || give_back "$berth_state cannot be written"
set_profile "$doc_toplevel" || give_back 'the system profile could not be set'
# Before the boot loader is written: each generation that it knows takes room in /boot.
still_ours
forget_generations || echo 'older generations could not be removed' >&2
"$doc_toplevel/bin/switch-to-configuration" boot >&2 || give_back 'the boot loader could not be written'
still_ours
keep_marks || give_back "$berth_state cannot be written"
mv "$trial_dir/confirming" "$trial_dir/confirmed" 2>/dev/null || give_back 'the guard took the trial back while it was being confirmed'
printf '%s confirmed %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$doc_toplevel" >>"$berth_state/verdicts" || true
# The guard has nothing left to do. It reads its folder until it has seen that, and removes it.
end_trial "$berth_state/boot-unsettled"
printf '{"ok":true,"kept":true,"seen":%s}\n' "$seen"
