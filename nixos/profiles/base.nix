# A server that is reached over the network alone, and that nobody logs in to.
{ lib, ... }:
{
  imports = [ ./minimal.nix ];

  # The cloud gives the name at boot, so that one system serves any number of servers.
  networking.hostName = lib.mkDefault "";

  networking.nftables.enable = true;

  # A server that cannot boot reboots: its boot loader may still have a way out, and nobody sits at the console.
  systemd.enableEmergencyMode = false;
  boot.kernelParams = [ "panic=30" ];

  nix.gc = {
    automatic = lib.mkDefault true;
    options = lib.mkDefault "--delete-older-than 30d";
  };
}
