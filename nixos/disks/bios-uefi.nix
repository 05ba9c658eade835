# One disk for x86 that boots from BIOS and from UEFI alike: Hetzner's firmware is either, and does not say which before the order.
{
  config,
  pkgs,
  ...
}:
{
  imports = [
    ./options.nix
    ./grub.nix
  ];

  berth.layout.table = "bios-uefi";

  disko.devices.disk.main = import ./one-disk.nix {
    inherit config;
    more.bios = import ./bios.nix;
  };

  assertions = [
    {
      assertion = pkgs.stdenv.hostPlatform.isx86;
      message = "The disk layout bios-uefi is for x86: ARM servers boot from UEFI alone. Import the layout uefi instead.";
    }
  ];
}
