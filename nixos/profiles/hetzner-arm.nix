# An ARM server of Hetzner Cloud (cax…). It boots from UEFI alone, so the disk layout is settled; fillings combine with it.
{ pkgs, ... }:
{
  imports = [
    ./hetzner/server.nix
    ../disks/uefi.nix
  ];

  boot.kernelParams = [ "console=ttyAMA0,115200" ];
  # These servers have no other screen: without it the web console stays black until the root is mounted.
  boot.initrd.kernelModules = [ "virtio_gpu" ];

  assertions = [
    {
      assertion = pkgs.stdenv.hostPlatform.isAarch64;
      message = "The profile hetzner-arm is for ARM servers (cax…). Import hetzner and a disk layout instead.";
    }
  ];
}
