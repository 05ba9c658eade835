# What a system must be that nobody has built yet: otherwise it evaluates happily, and then cannot be reached, does not boot, or is
# twice the size. By what is held; what is false does not.
{ lib }:
{ config, options, ... }:
let
  inherit (config.boot) loader initrd;

  # QEMU starts the kernel itself.
  direct = options.virtualisation ? directBoot && config.virtualisation.directBoot.enable;

  # What drives the disk that this system is started from.
  driver =
    if direct || !(options ? berth) then
      "virtio_blk"
    else if config.berth.disks.main.device == "/dev/sda" then
      "virtio_scsi"
    else
      "nvme";

  labels = lib.filter (lib.hasPrefix "/dev/disk/by-partlabel/disk-") (
    lib.catAttrs "device" (lib.attrValues config.fileSystems)
  );
in
{
  "a network unit matches an interface" = config.systemd.network.networks != { };
  "there is a boot loader" = direct || loader.grub.enable || loader.systemd-boot.enable;
  "GRUB has a disk to be installed on" =
    !loader.grub.enable || loader.grub.devices != [ ] || loader.grub.mirroredBoots != [ ];
  "the initrd can drive the disk" = lib.elem driver (
    initrd.availableKernelModules ++ initrd.kernelModules
  );
  "disko's labels are those of a system that disko partitions" =
    labels == [ ] || options ? disko && !config.system.build ? image;
  "nixpkgs' source is not part of the system" =
    !config.nixpkgs.flake.setNixPath && !config.nixpkgs.flake.setFlakeRegistry;
  "where GRUB is not, perl is forbidden" =
    loader.grub.enable
    || !config.system.etc.overlay.enable
    || lib.elem "perl" config.system.forbiddenDependenciesRegexes;
  "sshd takes keys alone" =
    !config.services.openssh.enable
    || !config.services.openssh.settings.PasswordAuthentication
    && !config.services.openssh.settings.KbdInteractiveAuthentication;
  "a password that is in the store is a VM's" =
    direct || lib.all (user: user.password == null) (lib.attrValues config.users.users);
  "no module warns" = config.warnings == [ ];
}
