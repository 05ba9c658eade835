# The image "spa-disk": the single-page app as a disk to boot, for what runs virtual machines:
# `nixos-rebuild build-image --image-variant qemu-efi --flake .#spa-disk`.
{ lib, pkgs, ... }:
{
  imports = [
    ../nixos/profiles/image
    ../nixos/profiles/spa-machine.nix
  ];

  nixpkgs.hostPlatform = lib.mkDefault "x86_64-linux";
  networking.hostName = lib.mkDefault "spa";

  services.spa-app.package = pkgs.callPackage ../apps/spa { };

  system.stateVersion = "26.05";
}
