# Root on btrfs with daily snapshots of the host's state, to be imported beside a partition table. `snapshots-go-back` returns to one.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  compressed = [
    "compress=zstd"
    "noatime"
  ];
  goBack = pkgs.writeShellApplication {
    name = "snapshots-go-back";
    runtimeInputs = [
      pkgs.btrfs-progs
      pkgs.coreutils
      pkgs.util-linux
    ];
    text = builtins.readFile ./snapshots-go-back.sh;
  };
in
{
  imports = [ ./options.nix ];

  berth.layout.filesystem = {
    type = "btrfs";
    extraArgs = [ "--force" ];
    subvolumes = {
      # What a snapshot holds: /etc, /root, /home, /var without its logs.
      "/root" = {
        mountpoint = "/";
        mountOptions = compressed;
      };
      # Generations have their own way back, and what is built can be built again.
      "/nix" = {
        mountpoint = "/nix";
        mountOptions = compressed;
      };
      # Going back must not lose the account of why.
      "/log" = {
        mountpoint = "/var/log";
        mountOptions = compressed;
      };
      "/snapshots" = {
        mountpoint = "/snapshots";
        mountOptions = compressed;
      };
    };
  };

  # Otherwise systemd makes /home, /srv and others subvolumes of their own, and a snapshot of the root has an empty folder there.
  systemd.services = lib.genAttrs [
    "systemd-tmpfiles-setup"
    "systemd-tmpfiles-resetup"
  ] (_: { environment.SYSTEMD_TMPFILES_FORCE_SUBVOL = "0"; });

  services.btrbk.instances.root = {
    onCalendar = lib.mkDefault "daily";
    snapshotOnly = true;
    settings = {
      timestamp_format = "long";
      # The latest always, and one a day for two weeks.
      snapshot_preserve_min = lib.mkDefault "latest";
      snapshot_preserve = lib.mkDefault "14d";
      snapshot_dir = "/snapshots";
      subvolume."/".snapshot_name = "root";
    };
  };

  # Reads everything once a month, so that rot is found while a mirror or a backup is still good.
  services.btrfs.autoScrub.enable = lib.mkDefault true;

  environment.systemPackages = [ goBack ];

  assertions = [
    {
      assertion = config.berth.layout.table != null;
      message = "The layout btrfs fills a root partition and makes none: import bios-uefi, uefi or mirror beside it.";
    }
  ];
}
