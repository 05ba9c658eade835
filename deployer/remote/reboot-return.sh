# shellcheck shell=sh disable=SC2154
# Give up a boot on trial: reboot into the fallback, or, once the host has booted that, make the profile say so and forget the trial.
# Document: id.
[ -e "$boot_trial" ] || [ ! -e "$boot_trial.expired" ] || mv "$boot_trial.expired" "$boot_trial"
[ "$(boot_value id)" = "$doc_id" ] || refuse 'there is no such boot on trial'
fallback=$(boot_value fallback)
if [ "$(booted)" = "$(boot_value toplevel)" ]; then
  mv "$boot_trial" "$boot_trial.expired"
  sync
  printf '{"ok":true,"rebooting":true}\n'
  systemctl --no-block reboot
  exit 0
fi
boot_default "$fallback" || refuse 'the boot loader could not be written'
rm -f "$boot_trial"
printf '%s returned to %s by a boot\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$fallback" >>"$berth_state/verdicts" || true
printf '{"ok":true,"rebooting":false}\n'
