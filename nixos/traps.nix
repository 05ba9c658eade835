# What evaluates without a word and is then wiped, cannot boot or cannot be reached. Each is refused before anything is built.
{
  config,
  lib,
  options,
  ...
}:
let
  inherit (config) boot networking systemd;

  # A LUKS key in a folder that no initrd brings along.
  passing =
    file:
    file != null
    && lib.any (folder: lib.hasPrefix folder file) [
      "/tmp/"
      "/run/"
      "/mnt/"
    ];
  lockedOut = lib.filterAttrs (_: disk: passing disk.keyFile) boot.initrd.luks.devices;

  hasNetwork =
    networking.useDHCP
    || (systemd.network.enable && systemd.network.networks != { })
    || lib.any (
      interface:
      interface.useDHCP == true
      || interface.ipv4.addresses != [ ]
      || interface.ipv6.addresses != [ ]
    ) (lib.attrValues networking.interfaces)
    || networking.networkmanager.enable
    || (config.services.cloud-init.enable && config.services.cloud-init.network.enable);
in
{
  assertions = [
    {
      assertion = config.system.boot.loader.id != "" || boot.loader.external.enable || boot.isContainer;
      message = ''
        There is no boot loader: the system would be installed and never boot again. Import a disk layout of nixos/disks, or enable
        boot.loader.grub or boot.loader.systemd-boot. A profile such as perlless turns GRUB off.
      '';
    }
    {
      assertion = hasNetwork || boot.isContainer;
      message = ''
        No network is configured: the system would boot and never be reached. Import nixos/profiles/hetzner, or name the interface in
        systemd.network.networks. Some profiles leave it to cloud-init, which is off here.
      '';
    }
    {
      assertion = lockedOut == { };
      message = ''
        boot.initrd.luks.devices.${lib.concatStringsSep ", " (lib.attrNames lockedOut)} has its key in a folder that is gone at boot: the
        disk would never open. In disko's layout that comes from settings.keyFile; use passwordFile, or import nixos/disks/luks.nix.
      '';
    }
  ]
  # A volume outlives the server, so no layout may hold one.
  ++ lib.optionals (options ? disko) (
    lib.mapAttrsToList (name: disk: {
      assertion = !lib.hasInfix "HC_Volume_" disk.device;
      message = ''
        disko.devices.disk.${name} is ${disk.device}, a volume: every installation would wipe it. Take it out of the layout and mount it by
        fileSystems, with the options "nofail" and "x-systemd.device-timeout=30s".
      '';
    }) config.disko.devices.disk
  );
}
