# A small host for every disk layout, and for what may be combined. Names say the layouts; `metal` names its disks by id.
{
  lib,
  pkgs,
  modules,
  disko,
}:
let
  inherit (pkgs.stdenv.hostPlatform) isx86;

  host =
    parts:
    lib.nixosSystem {
      modules = [
        disko
        modules.berth
        modules.profile-base
        {
          nixpkgs.pkgs = pkgs;
          system.stateVersion = "26.05";
        }
      ]
      ++ parts;
    };

  cloud = if isx86 then modules.profile-hetzner else modules.profile-hetzner-arm;

  metal = {
    imports = [ modules.profile-metal ];
    berth.disks.main.device = "/dev/disk/by-id/nvme-FIRST_S675NX0T000001";
  };
  # Not by DHCP: the initrd, too, has to be where it is looked for.
  static = {
    berth.uplink = {
      match.MACAddress = "02:00:00:00:00:01";
      addresses = [ "203.0.113.7/26" ];
      gateways = [ "203.0.113.1" ];
      nameservers = [ "9.9.9.9" ];
    };
  };
  second = {
    berth.disks.second.device = "/dev/disk/by-id/nvme-SECOND_S675NX0T000002";
  };
in
{
  uefi = host [
    cloud
    modules.disk-uefi
  ];
  mirror = host [
    metal
    second
    modules.disk-mirror
  ];
}
// (
  if isx86 then
    {
      bios-uefi = host [
        cloud
        modules.disk-bios-uefi
      ];
      bios-uefi-btrfs = host [
        cloud
        modules.disk-bios-uefi
        modules.disk-btrfs
      ];
      bios-uefi-luks = host [
        cloud
        modules.disk-bios-uefi
        modules.disk-luks
      ];
      mirror-luks-btrfs = host [
        metal
        second
        static
        modules.disk-mirror
        modules.disk-luks
        modules.disk-btrfs
      ];
    }
  else
    {
      uefi-btrfs = host [
        cloud
        modules.disk-uefi
        modules.disk-btrfs
      ];
      uefi-luks = host [
        cloud
        modules.disk-uefi
        modules.disk-luks
      ];
    }
)
