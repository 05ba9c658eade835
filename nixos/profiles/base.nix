# A small server without anything of a desktop or of a machine that people log in to.
{
  lib,
  modulesPath,
  ...
}:
{
  imports = [ (modulesPath + "/profiles/minimal.nix") ];

  # The cloud gives the name at boot, so that one system serves any number of servers.
  networking.hostName = lib.mkDefault "";

  networking.nftables.enable = true;

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

  # A server that cannot boot reboots: its boot loader may still have a way out, and nobody sits at the console.
  systemd.enableEmergencyMode = false;
  boot.kernelParams = [ "panic=30" ];

  nix.gc = {
    automatic = lib.mkDefault true;
    options = lib.mkDefault "--delete-older-than 30d";
  };
}
