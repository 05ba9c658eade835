# One disk for a machine that boots from UEFI and nothing else: every ARM server.
{
  config,
  lib,
  ...
}:
{
  imports = [ ./options.nix ];

  berth.layout.table = "uefi";

  disko.devices.disk.main = import ./one-disk.nix { inherit config; };

  boot.loader.systemd-boot = {
    enable = true;
    configurationLimit = lib.mkDefault 10;
    # Whoever reaches the console must not edit a way to root into the kernel's command line.
    editor = lib.mkDefault false;
  };
  # The firmware's default path boots without an entry in its memory, which neither a snapshot nor a new machine brings along.
  boot.loader.efi.canTouchEfiVariables = false;
}
