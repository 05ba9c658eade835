# The host "web": the sample app behind nginx on one x86 server of Hetzner Cloud, whichever firmware it has.
{
  imports = [
    ./site.nix
    ../../nixos/disks/bios-uefi.nix
    ../../nixos/profiles/hetzner
  ];

  nixpkgs.hostPlatform = "x86_64-linux";

  system.stateVersion = "26.05";
}
