# A system as NixOS lays it out: init, activate, bin/switch-to-configuration, etc/ and the facts around them.
{
  derivations,
  lab,
  name,
  etc,
  kernelParams,
  # The stage that waits for the passphrase of an encrypted disk; null where there is none.
  locked,
}:
let
  # The machine's kernel is not ours; a fixed name for it lets "does this need a reboot" be asked as on NixOS.
  kernel = derivations.text "kernel" "the machine's own kernel\n";
in
derivations.run {
  name = "nixos-system-${name}-lab";
  script = ./builders/toplevel.sh;
  inherit etc kernel kernelParams;
  lockedStage = if locked == null then "" else locked.stage;
  lockedSecrets = if locked == null then "" else locked.secrets;
  nixosVersion = "26.05.lab";
  interface = "systemd 257 (debian)";
  platform = lab.system;
  init = ./toplevel/init.sh;
  activate = ./toplevel/activate.sh;
  switch = ./toplevel/switch-to-configuration.sh;
  changes = ./toplevel/changes.sh;
  bootloader = ./toplevel/install-boot-loader.sh;
  bootctl = ./toplevel/bootctl.sh;
}
