# The VM "spa-vm": the single-page app, to look at on one's own machine with `nix run .#run-vm`.
{ lib, pkgs, ... }:
{
  imports = [
    ../nixos/profiles/demo.nix
    ../nixos/profiles/spa-machine.nix
  ];

  # Each system that runs it has one of its own architecture.
  nixpkgs.hostPlatform = lib.mkDefault "x86_64-linux";
  networking.hostName = "spa-vm";

  services.spa-app.package = pkgs.callPackage ../apps/spa { };

  system.stateVersion = "26.05";
}
