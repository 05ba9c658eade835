# The host "web": the sample app behind nginx on one Hetzner Cloud server.
{ config, pkgs, ... }:
{
  imports = [
    ../../nixos/berth.nix
    ../../nixos/disks/bios-uefi.nix
    ../../nixos/profiles/base.nix
    ../../nixos/profiles/hetzner
    ../../nixos/services/webapp.nix
  ];

  nixpkgs.hostPlatform = "x86_64-linux";

  services.webapp.site = {
    package = pkgs.callPackage ../../apps/site { };
    domain = "site.example";
    default = true;
    environment.APP_ECHO_ME = "Ahoy from NixOS.";
    health = {
      path = "/healthz";
      # Only this very release passes, not one that was left running.
      body = ''"release":"${config.services.webapp.site.release}"'';
    };
  };

  system.stateVersion = "26.05";
}
