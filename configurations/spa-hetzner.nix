# The host "spa-hetzner": the single-page app on one x86 server of Hetzner Cloud, with srvos' settings for such a server (flake.nix
# imports them beside this). Its stack, in short: system spa-hetzner, server { type: cx23, image: debian-12, location: fsn1 }.
#
# Not a spa-machine: cx servers boot from BIOS or from UEFI, GRUB alone does both, and GRUB brings perl.
{ pkgs, ... }:
{
  imports = [
    ../nixos/disks/bios-uefi.nix
    ../nixos/profiles/base.nix
    ../nixos/profiles/hetzner
    ../nixos/services/spa.nix
  ];

  # srvos leaves addresses to cloud-init, which is Python and takes its word from user data; profiles/hetzner has them without it.
  services.cloud-init.enable = false;
  services.cloud-init.network.enable = false;

  services.spa-app = {
    enable = true;
    host = "spa.example";
    package = pkgs.callPackage ../apps/spa { };
  };

  nixpkgs.hostPlatform = "x86_64-linux";
  system.stateVersion = "26.05";
}
