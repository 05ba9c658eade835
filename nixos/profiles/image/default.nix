# A base for images of disks, of one's own making: `nixos-rebuild build-image --image-variant qemu-efi --flake .#HOST`. It has no disk
# layout, since the builder of an image makes the partitions; they are found by the labels that nixpkgs gives them. It boots from UEFI
# by systemd-boot, which needs no perl.
{ lib, ... }:
let
  # What nixpkgs can make and what boots from BIOS alone, is no disk, or brings a layout of its own. A variant that nixpkgs adds
  # belongs here or below: a check asks.
  refused = [
    "azure"
    "cloudstack"
    "digital-ocean"
    "google-compute"
    "iso"
    "iso-installer"
    "kexec"
    "kubevirt"
    "linode"
    "lxc"
    "lxc-metadata"
    "oci"
    "openstack"
    "openstack-zfs"
    "proxmox-lxc"
    "qemu"
    "raw"
    "sd-card"
    "vagrant-virtualbox"
    "virtualbox"
  ];
in
{
  imports = [ ../../traps.nix ];

  boot.loader.systemd-boot.enable = true;
  boot.loader.grub.enable = false;
  # An image has met no firmware yet.
  boot.loader.efi.canTouchEfiVariables = false;
  boot.growPartition = true;

  fileSystems = {
    "/" = {
      device = "/dev/disk/by-label/nixos";
      fsType = "ext4";
      autoResize = true;
    };
    "/boot" = {
      device = "/dev/disk/by-label/ESP";
      fsType = "vfat";
    };
  };

  # Disks of any hypervisor.
  boot.initrd.availableKernelModules = [
    "ahci"
    "nvme"
    "sd_mod"
    "virtio_blk"
    "virtio_pci"
    "virtio_scsi"
  ];

  image.modules = {
    qemu-efi = ./without-channel.nix;
    raw-efi = ./without-channel.nix;
    amazon = ./amazon.nix;
    # These two are nixpkgs' own to the last step, and hold its source as root's channel.
    vmware = { };
    hyperv = { };
    proxmox = {
      proxmox = {
        partitionTableType = "efi";
        qemuConf.bios = "ovmf";
        # Python, and a second opinion on the network.
        cloudInit.enable = false;
      };
    };
  }
  // lib.genAttrs refused (variant: {
    assertions = [
      {
        assertion = false;
        message = ''
          The profile image makes no image of the kind ${variant}: it would not boot, or not as a disk by UEFI. There are amazon, hyperv,
          proxmox, qemu-efi, raw-efi and vmware.
        '';
      }
    ];
  });
}
