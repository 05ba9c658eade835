# One disk for x86 that boots from BIOS and from UEFI alike: Hetzner's firmware is either, and does not say which before the order.
{
  config,
  lib,
  pkgs,
  ...
}:
{
  imports = [ ./options.nix ];

  berth.layout.table = "bios-uefi";

  disko.devices.disk.main = {
    type = "disk";
    inherit (config.berth.disks.main) device;
    content = {
      type = "gpt";
      partitions = {
        # Where a BIOS finds GRUB; disko hands the disk to boot.loader.grub.devices for its sake.
        bios = {
          size = "1M";
          type = "EF02";
          priority = 1;
        };
        esp = import ./esp.nix { };
        root = {
          size = "100%";
          content = config.berth.layout.root;
        };
      };
    };
  };

  boot.loader.grub = {
    enable = true;
    efiSupport = true;
    # No NVRAM entry: the firmware's default path works on a server that was booted by BIOS as well.
    efiInstallAsRemovable = true;
    configurationLimit = lib.mkDefault 10;
  };
  boot.loader.efi.canTouchEfiVariables = false;

  assertions = [
    {
      assertion = pkgs.stdenv.hostPlatform.isx86;
      message = "The disk layout bios-uefi is for x86: ARM servers boot from UEFI alone. Import the layout uefi instead.";
    }
  ];
}
