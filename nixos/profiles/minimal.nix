# What keeps a closure small, for whatever is built of NixOS here: servers, images, VMs. No say in how a machine is run.
{ lib, modulesPath, ... }:
{
  imports = [ (modulesPath + "/profiles/minimal.nix") ];

  # Otherwise the source of nixpkgs is part of every system: 180 MB that no server reads.
  nixpkgs.flake.setNixPath = false;
  nixpkgs.flake.setFlakeRegistry = false;
  nix.channel.enable = false;
  # Systems are built elsewhere and switched from there.
  system.disableInstallerTools = true;

  programs.nano.enable = lib.mkDefault false;
  services.lvm.enable = lib.mkDefault false;
  boot.bcache.enable = false;
  fonts.fontconfig.enable = lib.mkDefault false;
}
