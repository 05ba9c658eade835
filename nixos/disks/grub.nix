# GRUB for BIOS and UEFI alike.
{ lib, ... }:
{
  boot.loader.grub = {
    enable = true;
    efiSupport = true;
    # No NVRAM entry: the firmware's default path works on a server that was booted by BIOS as well.
    efiInstallAsRemovable = true;
    configurationLimit = lib.mkDefault 10;
  };
  boot.loader.efi.canTouchEfiVariables = false;
}
