# shellcheck shell=sh disable=SC2154
# Boot a system once, on trial: the boot default stays, or becomes, a system that is known to boot. Then reboots.
# Document: id, owner, toplevel, text (the release to return to; empty: what was booted), seconds (until the guard at boot returns).
# A confirmed release has given the lock back.
has_lock || take_lock
# Who gives it up waits until it has rebooted, or has not.
decide 30 || refuse "$undecided"

parts() { for part in kernel initrd kernel-modules; do readlink -f "$1/$part"; done; cat "$1/kernel-params" 2>/dev/null; }
fallback=$(booted)
# A later release with the kernel that runs has shown that it boots, as far as a kernel goes.
if [ -n "$doc_text" ] && [ -e "$doc_text" ] && [ "$(parts "$doc_text")" = "$(parts "$fallback")" ]; then fallback=$doc_text; fi
[ "$fallback" != "$doc_toplevel" ] || refuse 'it was booted already'

was=$(readlink -f "$profile")
give_back() {
  forget_boot_trial
  boot_default "$was" || true
  refuse "$1"
}
has_generation "$fallback" || set_profile "$fallback" || give_back "$fallback could not be made a generation"
set_profile "$doc_toplevel" || give_back 'the system profile could not be set'
write_trial() {
  echo "id=$doc_id"
  echo "owner=$doc_owner"
  echo "toplevel=$doc_toplevel"
  echo "fallback=$fallback"
  echo "seconds=$doc_seconds"
}
{ write_trial >"$boot_trial.new" && sync "$boot_trial.new" && mv "$boot_trial.new" "$boot_trial"; } ||
  give_back "$berth_state cannot be written"
"$fallback/bin/switch-to-configuration" boot >&2 || give_back 'the boot loader could not be written'
why=$(boot_once "$doc_toplevel" 2>&1) || give_back "the boot loader cannot be asked to start a system once: $why"
sync
# The answer goes out first, though whoever asked may be gone: the trial has begun. What hangs on its way down is systemd's to kill.
trap '' PIPE
printf '{"ok":true,"fallback":%s}\n' "$(json_text "$fallback")" || true
systemctl --no-block reboot
