# shellcheck shell=sh disable=SC2154
# Give up a boot on trial: reboot into the fallback, or, once the host has booted that, make the profile say so and forget the trial.
# Document: id.
decide 120 || refuse "$undecided"
undecide
[ "$(boot_value id)" = "$doc_id" ] || refuse 'there is no such boot on trial'
fallback=$(boot_value fallback)
# Whoever asked may be gone: what was begun is ended all the same.
trap '' PIPE
answer() { printf '{"ok":true,"rebooting":%s,"fallback":%s}\n' "$1" "$(json_text "$fallback")" || true; }
if [ "$(booted)" = "$(boot_value toplevel)" ]; then
  mv "$boot_trial" "$boot_trial.expired"
  sync
  answer true
  systemctl --no-block reboot
  exit 0
fi
boot_default "$fallback" || refuse 'the boot loader could not be written'
forget_boot_trial
printf '%s returned to %s by a boot\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$fallback" >>"$berth_state/verdicts" || true
answer false
