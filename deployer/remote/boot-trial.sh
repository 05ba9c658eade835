# shellcheck shell=sh disable=SC2154
# Prepended to the scripts of a boot on trial. The file is the trial: it outlives the reboot, and whoever renames it decides.
# What the boot loader starts by default meanwhile is "fallback"; the guard at boot (nixos/services/boot-guard.sh) reads it, too.
boot_trial=$berth_state/boot-trial
boot_value_of() { sed -n "s/^$2=//p" "$1" 2>/dev/null; }
boot_value() { boot_value_of "$boot_trial" "$1"; }
# Whoever died as it decided has not: the file has its name again.
undecide() {
  for end in expired kept; do
    [ -e "$boot_trial" ] || [ ! -e "$boot_trial.$end" ] || mv "$boot_trial.$end" "$boot_trial"
  done
}
booted() { readlink -f /run/booted-system; }
# Whether the profile has a generation of this system, without which the boot loader has no entry for it.
has_generation() {
  for generation in "$profile"-*-link; do
    [ "$(readlink -f "$generation")" = "$1" ] && return 0
  done
  return 1
}
# The trial is over, and its system does not run: what the boot loader was asked for once, it would start some day, with nobody to watch it.
forget_boot_trial() {
  for esp in /boot /efi /boot/efi; do
    [ -d "$esp/loader/entries" ] || continue
    bootctl set-oneshot '' >&2 || true
  done
  [ ! -e /boot/grub/grubenv ] || grub-editenv /boot/grub/grubenv unset next_entry >&2 || true
  rm -f "$boot_trial"
}
# The profile and the boot default become this system.
boot_default() {
  [ "$(readlink -f "$profile")" = "$1" ] || set_profile "$1" || return 1
  "$1/bin/switch-to-configuration" boot >&2
}
