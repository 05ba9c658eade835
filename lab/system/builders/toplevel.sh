#!/bin/sh
# Nix builder: the system's folder; its programs learn their own store path here.
set -eu
# shellcheck disable=SC2154 # Nix sets them.
: "$out" "$etc" "$kernel" "$kernelParams" "$nixosVersion" "$interface" "$platform"
# shellcheck disable=SC2154
: "$init" "$activate" "$switch" "$changes" "$bootloader" "$bootctl" "$lockedStage" "$lockedSecrets"

program() {
  sed "s|@out@|$out|g; s|@etc@|$etc|g; s|@lockedStage@|$lockedStage|g; s|@lockedSecrets@|$lockedSecrets|g" "$1" >"$2"
  chmod +x "$2"
}

mkdir "$out" "$out/bin" "$out/lib" "$out/sw" "$out/sw/bin"
program "$init" "$out/init"
program "$activate" "$out/activate"
program "$switch" "$out/bin/switch-to-configuration"
program "$bootloader" "$out/bin/install-boot-loader"
program "$changes" "$out/lib/changes.sh"
program "$bootctl" "$out/sw/bin/bootctl"
ln -s "$etc" "$out/etc"
for part in kernel initrd kernel-modules; do
  ln -s "$kernel" "$out/$part"
done
printf '%s' "$kernelParams" >"$out/kernel-params"
printf '%s' "$nixosVersion" >"$out/nixos-version"
printf '%s' "$interface" >"$out/init-interface-version"
printf '%s' "$platform" >"$out/system"
