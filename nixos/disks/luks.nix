# Root encrypted with LUKS2 and unlocked over ssh at boot, to be imported beside a partition table.
#
# An installation brings three things, which `berth.hosts.NAME.encryption` of the manifest tells:
#   keyFile                     the passphrase, in the installer alone (nixos-anywhere --disk-encryption-keys)
#   unlock.hostKeyFile          the initrd's own ssh host key (--extra-files)
#   unlock.authorizedKeysFile   who may unlock: root's own, as everywhere (--extra-files)
# Each boot then waits for `ssh -p 2222 root@HOST unlock < KEY`.
{
  config,
  lib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.berth.encryption;
in
{
  imports = [ ./options.nix ];

  options.berth.encryption = {
    keyFile = mkOption {
      type = types.strMatching "/tmp/[^ ]+|/run/[^ ]+";
      default = "/tmp/disk.key";
      description = "Where the installer finds the passphrase. It exists in the installer's memory and nowhere on the installed system.";
      example = "/tmp/disk.key";
    };
    unlock = {
      port = mkOption {
        type = types.port;
        default = 2222;
        description = ''
          Port of ssh while the disk is locked. Not the one of the running system: the host keys differ, and known_hosts tells them apart by
          the port.
        '';
        example = 2222;
      };
      hostKeyFile = mkOption {
        type = types.strMatching "/[^ ]+";
        default = "/etc/ssh/unlock_host_ed25519_key";
        description = ''
          The initrd's host key on the installed system. It lies unencrypted on the boot partition, so it must be no key that is used
          elsewhere.
        '';
        example = "/etc/ssh/unlock_host_ed25519_key";
      };
      authorizedKeysFile = mkOption {
        type = types.strMatching "/[^ ]+";
        default = "/root/.ssh/authorized_keys";
        description = "Who may unlock: a file of the installed system, copied whenever the boot loader is installed.";
        example = "/root/.ssh/authorized_keys";
      };
    };
  };

  config = {
    berth.layout.root = {
      type = "luks";
      name = "root";
      # Read when the disk is formatted and no more. As settings.keyFile it would become the initrd's, which has no such file: no boot.
      passwordFile = cfg.keyFile;
      # Trimming tells a thief how much of the disk is used, and no more than that.
      settings.allowDiscards = lib.mkDefault true;
      # Asked again for as long as it takes: after the usual three wrong answers nobody could unlock it from afar before a reset.
      settings.crypttabExtraOpts = lib.mkDefault [ "tries=0" ];
      preCreateHook = ''
        if [ ! -s ${lib.escapeShellArg cfg.keyFile} ]; then
          echo "the disk is to be encrypted, and there is no passphrase in ${cfg.keyFile}: give it with --disk-encryption-keys" >&2
          exit 1
        fi
      '';
      content = config.berth.layout.filesystem;
    };

    boot.initrd = {
      # The unlock script answers systemd's question; the scripted initrd asks another way.
      systemd.enable = true;
      systemd.extraBin = {
        unlock = ./unlock.sh;
        systemd-reply-password = "${config.boot.initrd.systemd.package}/lib/systemd/systemd-reply-password";
      };

      network.enable = true;
      network.ssh = {
        enable = true;
        inherit (cfg.unlock) port;
        # A string, not a path: it is read on the host when the boot loader is installed and never enters the store.
        hostKeys = [ cfg.unlock.hostKeyFile ];
        authorizedKeys = lib.mkDefault [
          "# Those who may log in to the installed system: ${cfg.unlock.authorizedKeysFile}"
        ];
      };
      # Root's home in the initrd is /var/empty.
      secrets."/var/empty/.ssh/authorized_keys" = cfg.unlock.authorizedKeysFile;

      systemd.network.networks."10-uplink" = {
        matchConfig = {
          Name = lib.mkDefault "en* eth*";
          Type = lib.mkDefault "ether";
        };
        networkConfig.DHCP = lib.mkDefault "ipv4";
      };
      # The cards of clouds and of common metal; others belong into the host's own list.
      availableKernelModules = [
        "virtio_net"
        "e1000e"
        "igb"
        "igc"
        "ixgbe"
        "r8169"
      ];
    };

    assertions = [
      {
        assertion = config.berth.layout.table != null;
        message = "The layout luks fills a root partition and makes none: import bios-uefi, uefi or mirror beside it.";
      }
      {
        assertion = cfg.unlock.hostKeyFile != "/etc/ssh/ssh_host_ed25519_key";
        message = ''
          berth.encryption.unlock.hostKeyFile is the host's lasting key: it would lie unencrypted on the boot partition, and a thief could
          pass for the running host. Give the initrd a key of its own.
        '';
      }
      {
        assertion = !lib.elem cfg.unlock.port config.services.openssh.ports;
        message = ''
          berth.encryption.unlock.port is the running system's port of ssh: two host keys behind one address and port look like an attack
          to every ssh client. Take another one.
        '';
      }
    ];
  };
}
