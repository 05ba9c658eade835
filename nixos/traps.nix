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

  # QEMU starts the kernel itself.
  direct = options.virtualisation ? directBoot && config.virtualisation.directBoot.enable;

  # Set where an image is made: by a variant of system.build.images, or by a module that makes one.
  isImage = config.system.build ? image;
  diskoLabels = lib.filter (lib.hasPrefix "/dev/disk/by-partlabel/disk-") (
    map (fileSystem: if fileSystem.device == null then "" else fileSystem.device) (
      lib.attrValues config.fileSystems
    )
  );

  # The builder of a system has them in a shell's `[[ … ]]` and between double quotes.
  breaking = lib.filter (
    regex: lib.any (sign: lib.hasInfix sign regex) (lib.stringToCharacters " \t\n|&;<>()$`\"'\\")
  ) config.system.forbiddenDependenciesRegexes;
in
{
  assertions = [
    {
      assertion = config.system.boot.loader.id != "" || boot.loader.external.enable || boot.isContainer || direct;
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
    {
      assertion = breaking == [ ];
      message = ''
        system.forbiddenDependenciesRegexes has ${lib.concatStringsSep ", " breaking}: the build of the system would end with an error of the shell's,
        which reads an entry as its own code. Write one plain expression for each, without blanks and any of | & ; < > ( ) $ ` " ' \.
      '';
    }
    {
      assertion = isImage -> diskoLabels == [ ];
      message = ''
        This image has disko's layout in its file systems (${lib.concatStringsSep ", " diskoLabels}), and the image's builder makes other
        partitions: it would not boot. Make images of a system without a disk layout; nixos/profiles/image is a base for one.
      '';
    }
  ]
  ++ lib.optional (options ? srvos && options.srvos ? detect-hostname-change) {
    assertion = config.srvos.detect-hostname-change.enable -> networking.hostName == "";
    message = ''
      srvos.detect-hostname-change asks whoever switches to another name for a YES, and nobody is there to give it: the release would
      fail. Set srvos.detect-hostname-change.enable = false; Berth knows a host by its key.
    '';
  }
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
