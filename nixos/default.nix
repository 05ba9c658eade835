# Every module by name; the name follows from the path. Works without flakes: `imports = [ (import ./nixos).berth ];`
{
  berth = ./berth.nix;
  webapp = ./services/webapp.nix;
  spa = ./services/spa.nix;
  docker-host = ./services/docker-host.nix;
  traps = ./traps.nix;
  profile-base = ./profiles/base.nix;
  profile-minimal = ./profiles/minimal.nix;
  profile-hetzner = ./profiles/hetzner;
  profile-hetzner-arm = ./profiles/hetzner-arm.nix;
  profile-metal = ./profiles/metal.nix;
  profile-image = ./profiles/image;
  profile-demo = ./profiles/demo.nix;
  profile-spa-machine = ./profiles/spa-machine.nix;

  # One partition table, and what fills its root where that is not plain ext4.
  disk-bios-uefi = ./disks/bios-uefi.nix;
  disk-uefi = ./disks/uefi.nix;
  disk-mirror = ./disks/mirror.nix;
  disk-btrfs = ./disks/btrfs.nix;
  disk-luks = ./disks/luks.nix;
}
