# The flake's checks of one system: the packages, every host's system, facts without which a host would be lost, and the formatting.
{
  lib,
  pkgs,
  self,
  disko,
}:
let
  inherit (pkgs.stdenv.hostPlatform) system;

  hosts = lib.filterAttrs (
    _: host: host.pkgs.stdenv.hostPlatform.system == system
  ) self.nixosConfigurations;

  # What evaluates happily and then cannot be reached, does not boot, or is twice the size.
  factsOf = config: {
    "a network unit matches an interface" = config.systemd.network.networks != { };
    "there is a boot loader" =
      config.boot.loader.grub.enable || config.boot.loader.systemd-boot.enable;
    "GRUB has a disk to be installed on" =
      !config.boot.loader.grub.enable
      || config.boot.loader.grub.devices != [ ]
      || config.boot.loader.grub.mirroredBoots != [ ];
    "the initrd can drive the disk" =
      lib.elem "virtio_scsi" config.boot.initrd.availableKernelModules;
    "nixpkgs' source is not part of the system" =
      !config.nixpkgs.flake.setNixPath && !config.nixpkgs.flake.setFlakeRegistry;
    "sshd takes keys alone" =
      !config.services.openssh.settings.PasswordAuthentication
      && !config.services.openssh.settings.KbdInteractiveAuthentication;
    "no module warns" = config.warnings == [ ];
  };

  holds =
    name: facts:
    let
      broken = lib.attrNames (lib.filterAttrs (_: fact: !fact) facts);
    in
    lib.throwIf (broken != [ ]) "${name}: does not hold: ${lib.concatStringsSep "; " broken}" (
      pkgs.runCommand "facts-${name}" { } "touch $out"
    );

  # A small host that turns every option of the modules on.
  everyOption = lib.nixosSystem {
    modules = [
      disko
      self.nixosModules.berth
      self.nixosModules.profile-base
      self.nixosModules.profile-hetzner
      self.nixosModules.webapp
      (
        if pkgs.stdenv.hostPlatform.isx86 then
          self.nixosModules.disk-bios-uefi
        else
          self.nixosModules.disk-uefi
      )
      {
        nixpkgs.hostPlatform = system;
        system.stateVersion = "26.05";
        berth.health = [
          {
            https = "https://one.example/";
            status = 204;
          }
        ];
        # A unit of a module's own, and one that a package brings.
        berth.credentials = {
          nginx = [ "key.pem" ];
          systemd-networkd = [ "network.wireguard.key" ];
        };
        services.webapp = {
          one = {
            package = pkgs.hello;
            command = [
              "/bin/sh"
              "-c"
              "a 'quoted' $word"
            ];
            socket = "/run/one.sock";
            environment.GREETING = "a \"quoted\" $word";
            credentials = [ "DATABASE_URL" ];
            release = "r1";
            outbound = true;
            domain = "one.example";
            default = true;
            health = {
              path = "/health";
              body = "ok";
            };
            resources = {
              memoryMax = "1G";
              tasksMax = 128;
            };
          };
          two = {
            package = pkgs.hello;
            port = 3001;
          };
          three = {
            enable = false;
            package = pkgs.hello;
          };
        };
      }
    ];
  };

  diskHosts = import ./disks/hosts.nix {
    inherit lib pkgs disko;
    modules = self.nixosModules;
  };
in
{
  inherit (self.packages.${system}) site;

  every-option = everyOption.config.system.build.toplevel;

  format = pkgs.runCommand "format" { nativeBuildInputs = [ pkgs.nixfmt ]; } ''
    find ${
      lib.fileset.toSource {
        root = ../..;
        fileset = lib.fileset.fileFilter (file: file.hasExt "nix") ../..;
      }
    } -name '*.nix' -exec nixfmt --check {} +
    touch $out
  '';
}
// lib.mapAttrs' (name: host: {
  name = "disk-${name}";
  # With its configuration, so that a test can ask more than whether it builds.
  value = host.config.system.build.toplevel // {
    inherit (host) config extendModules;
  };
}) diskHosts
// lib.mapAttrs' (name: host: {
  name = "host-${name}";
  value = host.config.system.build.toplevel;
}) hosts
// lib.mapAttrs' (name: host: {
  name = "facts-${name}";
  value = holds name (factsOf host.config);
}) hosts
