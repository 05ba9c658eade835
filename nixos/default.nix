# Every module by name; the name follows from the path. Works without flakes: `imports = [ (import ./nixos).berth ];`
{
  berth = ./berth.nix;
  webapp = ./services/webapp.nix;
  profile-base = ./profiles/base.nix;
  profile-hetzner = ./profiles/hetzner;

  # One partition table, and what fills its root where that is not plain ext4.
  disk-bios-uefi = ./disks/bios-uefi.nix;
  disk-uefi = ./disks/uefi.nix;
  disk-mirror = ./disks/mirror.nix;
  disk-btrfs = ./disks/btrfs.nix;
  disk-luks = ./disks/luks.nix;
}
