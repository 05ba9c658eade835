# Two disks, either of which may die: root on RAID1, and a boot partition with kernels and GRUB of its own on each, for BIOS and UEFI.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (pkgs.stdenv.hostPlatform) isx86;
  inherit (config.berth) disks;

  # A dead disk's boot partition must not hold up the boot.
  optional = [
    "nofail"
    "x-systemd.device-timeout=10s"
  ];

  half = name: mountpoint: {
    type = "disk";
    inherit (disks.${name}) device;
    content = {
      type = "gpt";
      partitions = {
        esp = import ./esp.nix {
          inherit mountpoint;
          mountOptions = optional;
        };
        root = {
          size = "100%";
          type = "FD00";
          content = {
            type = "mdraid";
            name = "root";
          };
        };
      }
      // lib.optionalAttrs isx86 {
        bios = import ./bios.nix;
      };
    };
  };
in
{
  imports = [
    ./options.nix
    ./grub.nix
  ];

  berth.layout.table = "mirror";

  disko.devices = {
    disk.main = half "main" "/boot";
    disk.second = half "second" "/boot-second";
    mdadm.root = {
      type = "mdadm";
      level = 1;
      # The bitmap makes a disk that was away for a while catch up in seconds.
      extraArgs = [ "--bitmap=internal" ];
      content = config.berth.layout.root;
    };
  };

  boot.loader.grub = {
    # disko lists both disks here, for one /boot: only the disk that holds it would boot.
    devices = lib.mkForce [ ];
    # Every switch writes kernels, menu and GRUB to both.
    mirroredBoots =
      map
        (
          { name, path }:
          {
            inherit path;
            efiSysMountPoint = path;
            devices = [ (if isx86 then disks.${name}.device else "nodev") ];
          }
        )
        [
          {
            name = "main";
            path = "/boot";
          }
          {
            name = "second";
            path = "/boot-second";
          }
        ];
  };

  # The initrd of scripts never starts an array that lacks a disk; mdadm's own units do, 30 s after the first one was found.
  boot.initrd.systemd.enable = true;
  # They name the program by this path, which the initrd's /bin alone does not bring.
  boot.initrd.systemd.storePaths = [ "${pkgs.mdadm}/sbin/mdadm" ];

  # mdadm's monitor wants somebody to tell: the journal, where nothing better is set.
  boot.swraid.mdadmConf = lib.mkDefault ''
    PROGRAM ${pkgs.writeShellScript "mirror-event" ''
      exec ${config.systemd.package}/bin/systemd-cat --identifier=mirror --priority=warning echo "$@"
    ''}
  '';

  assertions = [
    {
      assertion = disks.main.device != disks.second.device;
      message = "berth.disks.main and berth.disks.second are both ${disks.main.device}: a mirror takes two disks.";
    }
  ];
}
