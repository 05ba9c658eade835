# The image that the variants qemu-efi and raw-efi are, but without nixpkgs' source in it, which nixpkgs puts there as root's channel.
{
  config,
  lib,
  modulesPath,
  pkgs,
  ...
}:
{
  system.build.image = lib.mkForce (
    import (modulesPath + "/../lib/make-disk-image.nix") {
      inherit config lib pkgs;
      inherit (config.image) baseName format;
      inherit (config.virtualisation) diskSize;
      partitionTableType = "efi";
      copyChannel = false;
    }
  );
}
