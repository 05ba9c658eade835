# Which disks a layout takes, and what goes into its root. Every layout imports it; so does the profile that knows the machine.
{
  config,
  lib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.berth;

  lasts =
    device:
    lib.any (folder: lib.hasPrefix folder device) [
      "/dev/disk/by-id/"
      "/dev/disk/by-path/"
    ];
in
{
  options.berth = {
    disks = mkOption {
      type = types.attrsOf (
        types.submodule {
          options = {
            device = mkOption {
              type = types.strMatching "/dev/.+";
              description = "The whole disk. An installation wipes it.";
              example = "/dev/disk/by-id/nvme-SAMSUNG_MZVL2512HCJQ-00B00_S675NX0T123456";
            };
            single = mkOption {
              type = types.bool;
              default = false;
              description = ''
                Whether the machine has this one disk when it is installed, so that a letter such as /dev/sda cannot mean another. True for
                Hetzner Cloud, whose volumes come later.
              '';
              example = true;
            };
          };
        }
      );
      default = { };
      description = "The disks of the layout: `main`, and `second` where it mirrors.";
      example = {
        main.device = "/dev/disk/by-id/ata-Samsung_SSD_870_S62ANJ0R1234";
      };
    };

    layout = {
      table = mkOption {
        type = types.nullOr types.str;
        default = null;
        internal = true;
        description = "The one partition table of the host.";
      };
      filesystem = mkOption {
        type = types.attrsOf types.anything;
        default = {
          type = "filesystem";
          format = "ext4";
          mountpoint = "/";
        };
        internal = true;
        description = "What holds the system, in disko's words.";
      };
      root = mkOption {
        type = types.attrsOf types.anything;
        default = cfg.layout.filesystem;
        internal = true;
        description = "What fills the root partition: the file system, or what is wrapped around it.";
      };
    };
  };

  config.assertions = lib.concatLists (
    lib.mapAttrsToList (name: disk: [
      {
        assertion = disk.single || lasts disk.device;
        message = ''
          berth.disks.${name}.device is ${disk.device}: a letter may mean another disk under the installer's kernel, and that one would be
          wiped. Name it by what stays: run `ls -l /dev/disk/by-id` on the machine and take the name that leads to it.
        '';
      }
    ]) cfg.disks
  );
}
