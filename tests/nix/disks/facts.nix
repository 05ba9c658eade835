# What a test asks about a host's disks and boot, as plain data. Builds nothing.
config:
let
  inherit (config.boot) loader initrd;
  plain = builtins.unsafeDiscardStringContext;
in
{
  toplevel = plain config.system.build.toplevel.drvPath;
  refused = map (a: a.message) (builtins.filter (a: !a.assertion) config.assertions);
  inherit (config) warnings;
  disko = plain config.disko.devices._disko;
  disks = builtins.mapAttrs (_: disk: disk.device) config.disko.devices.disk;
  fileSystems = builtins.mapAttrs (_: fs: {
    inherit (fs) device fsType options;
  }) config.fileSystems;
  grub = {
    inherit (loader.grub)
      enable
      devices
      efiSupport
      efiInstallAsRemovable
      ;
    mirroredBoots = map (boot: {
      inherit (boot) path devices efiSysMountPoint;
    }) loader.grub.mirroredBoots;
  };
  systemdBoot = loader.systemd-boot.enable;
  touchesEfiVariables = loader.efi.canTouchEfiVariables;
  networks = builtins.attrNames config.systemd.network.networks;
  initrd = {
    modules = initrd.availableKernelModules;
    systemd = initrd.systemd.enable;
    luks = builtins.mapAttrs (_: disk: {
      inherit (disk)
        device
        keyFile
        allowDiscards
        crypttabExtraOpts
        ;
    }) initrd.luks.devices;
    inherit (initrd) secrets;
    ssh = {
      inherit (initrd.network.ssh) enable port hostKeys;
    };
    networks = builtins.mapAttrs (_: network: {
      inherit (network) networkConfig address;
      gateways = map (route: route.Gateway) network.routes;
    }) initrd.systemd.network.networks;
    commands = builtins.attrNames initrd.systemd.extraBin;
    passwd = initrd.systemd.contents."/etc/passwd".text or "";
    storePaths = map (path: plain (toString (path.source or path))) initrd.systemd.storePaths;
  };
  snapshots = builtins.mapAttrs (_: instance: {
    inherit (instance) onCalendar;
    inherit (instance.settings) snapshot_preserve snapshot_dir;
  }) config.services.btrbk.instances;
}
