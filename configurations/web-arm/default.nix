# The host "web-arm": the same on an ARM server of Hetzner Cloud.
{
  imports = [
    ../web/site.nix
    ../../nixos/profiles/hetzner-arm.nix
  ];

  nixpkgs.hostPlatform = "aarch64-linux";

  system.stateVersion = "26.05";
}
