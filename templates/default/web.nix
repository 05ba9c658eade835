# The host "web": the app behind nginx on one x86 server of Hetzner Cloud. For ARM (cax…) take profile-hetzner-arm in place of
# profile-hetzner and disk-bios-uefi, and the platform aarch64-linux.
{ berth, pkgs, ... }:
{
  imports = [
    berth.nixosModules.disk-bios-uefi
    berth.nixosModules.profile-base
    berth.nixosModules.profile-hetzner
    berth.nixosModules.webapp
  ];

  services.webapp.app = {
    package = pkgs.callPackage ./app { };
    domain = "app.example";
    default = true;
    health.path = "/healthz";
  };

  nixpkgs.hostPlatform = "x86_64-linux";
  system.stateVersion = "26.05";
}
